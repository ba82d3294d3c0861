import { z } from "zod";
import * as contract from "../contract/index.ts";
import { describeFields, textsOf, type JsonSchema } from "./descriptions.ts";

/** The schemas of a document by their names. */
export type NamedSchemas = Record<string, JsonSchema>;

const place = "#/components/schemas/";

/** Where a named schema is in a document. */
export function refTo(name: string): JsonSchema {
  return { $ref: place + name };
}

/** As the types of the contract are named: `bookingSchema` is Booking, `payBookingInput` is PayBookingInput. */
export function nameOf(exportName: string): string {
  const stem = exportName.replace(/Schema$/, "");
  return stem.charAt(0).toUpperCase() + stem.slice(1);
}

interface Names {
  registry: z.core.$ZodRegistry<{ id: string }>;
  exportNames: Map<string, string>;
}

function nameAll(schemas: Iterable<readonly [exportName: string, schema: unknown]>): Names {
  const names: Names = { registry: z.registry<{ id: string }>(), exportNames: new Map() };
  for (const [exportName, schema] of schemas) {
    if (!(schema instanceof z.ZodType) || names.registry.has(schema)) continue;
    names.registry.add(schema, { id: nameOf(exportName) });
    names.exportNames.set(nameOf(exportName), exportName);
  }
  return names;
}

// Scalars are written where they are, but for amounts, which need an explanation.
const answerNames = nameAll(
  Object.entries(contract).filter(([exportName, schema]) => {
    if (exportName === "amountSchema" || exportName === "sumSchema") return true;
    const isObject =
      schema instanceof z.ZodType && ["object", "union", "array", "nullable"].includes(schema.type);
    return isObject && /(Schema|Output)$/.test(exportName);
  }),
);

/** What the contract answers with, as JSON Schema of what is sent. What has a name is written once and referred to. */
export function writeAnswers(): NamedSchemas {
  return writeNamed(answerNames, "output");
}

/** One schema of an answer, which refers to those that have names, and is such a reference if it has one itself. */
export function writeAnswer(schema: z.ZodType): JsonSchema {
  const named = answerNames.registry.get(schema);
  if (named !== undefined) return refTo(named.id);
  const {
    $schema: _,
    $defs: __,
    ...written
  } = z.toJSONSchema(schema, {
    ...optionsOf("output"),
    metadata: answerNames.registry,
  });
  return JSON.parse(JSON.stringify(written).replaceAll('"#/$defs/', `"${place}`)) as JsonSchema;
}

/** What procedures take, by the names that the contract exports it by, with all of its fields. */
export function writeInputs(
  inputs: Iterable<readonly [exportName: string, schema: z.ZodType]>,
): NamedSchemas {
  const { cardSchema, profileImageSchema } = contract;
  const shared = Object.entries({ cardSchema, profileImageSchema });
  return writeNamed(nameAll([...shared, ...inputs]), "input");
}

function writeNamed({ registry, exportNames }: Names, io: "input" | "output"): NamedSchemas {
  const { schemas } = z.toJSONSchema(registry, { ...optionsOf(io), uri: (name) => place + name });
  const finished = Object.entries(schemas).map(([name, written]) => {
    const { $schema: _, $id: __, ...schema } = written;
    return [name, describeFields(schema, textsOf(exportNames.get(name) ?? name))] as const;
  });
  return Object.fromEntries(finished);
}

type Options = z.core.ToJSONSchemaParams;

function optionsOf(io: "input" | "output"): Options {
  return {
    io,
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => tidy(zodSchema, jsonSchema, io),
  };
}

const safeIntegers = [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];

function tidy({ _zod }: z.core.$ZodType, schema: JsonSchema, io: "input" | "output"): void {
  if (_zod.def.type === "date") Object.assign(schema, { type: "string", format: "date-time" });
  // The format says it; the pattern has every leap year.
  if (schema.format === "date") delete schema.pattern;
  if (safeIntegers.includes(schema.minimum ?? 0)) delete schema.minimum;
  if (safeIntegers.includes(schema.maximum ?? 0)) delete schema.maximum;
  if (schema.pattern === contract.incomingAmount.source) {
    if (io === "output") schema.pattern = contract.outgoingAmount.source;
    schema.examples = ["200.00"];
  }
  if (schema.type !== "object") return;
  // A later version may answer more; it never takes what it does not know.
  if (io === "output") delete schema.additionalProperties;
  // An input that may be left out as a whole is an empty body.
  delete schema.default;
}
