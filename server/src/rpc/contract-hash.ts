import { hash } from "node:crypto";
import type { AnyTRPCRouter } from "@trpc/server";
import { z } from "zod";
import { procedureCodes, type DomainCode } from "../contract/index.ts";
import { eventsOf } from "./tracked-events.ts";

const digits = 16;

interface Described {
  type: string;
  inputs: z.ZodType[];
  output: z.ZodType;
}

/**
 * A hash of what server and client have to agree on: paths of procedures, their inputs, outputs and codes. It is the same wherever the same
 * version of the contract is, whatever the order and the wording of its parts. Takes some ten milliseconds.
 */
export function hashContract(router: AnyTRPCRouter): string {
  const codes: Record<string, readonly DomainCode[]> = procedureCodes;
  const procedures = router._def.procedures as unknown as Record<string, { _def: Described }>;
  const described = Object.entries(procedures).map(([path, { _def }]) => {
    const { type, inputs, output } = _def;
    return [
      path,
      {
        type,
        inputs: inputs.map((input) => describe(input, "input")),
        output: describe(eventsOf(output) ?? output, "output"),
        codes: (codes[path] ?? []).toSorted(),
      },
    ] as const;
  });
  return hash("sha256", JSON.stringify(sorted(Object.fromEntries(described)))).slice(0, digits);
}

function describe(schema: z.ZodType, io: "input" | "output"): unknown {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type === "date")
        Object.assign(jsonSchema, { type: "string", format: "date-time" });
      // How a field is explained changes nothing for a client.
      delete jsonSchema.description;
    },
  });
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
