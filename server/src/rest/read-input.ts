import type { AnyTRPCProcedure } from "@trpc/server";
import { z } from "zod";
import { invalidInput } from "../errors/domain-error.ts";
import { transportError } from "../rpc/error-shape.ts";
import { readInput } from "../rpc/input-guard.ts";
import { parseJson } from "../rpc/parse-json.ts";

/** Where a request has the parts of an input. */
export interface InputParts {
  parameters: Record<string, string>;
  query: URLSearchParams;
  /** JSON, empty where there is none; undefined for a request without a body, whose input is in the query. */
  body: string | undefined;
}

/**
 * The input of a procedure from path, query and body. Texts of path and query become what the schema takes where they have its form;
 * all others are left to the schema to refuse. Throws `VALIDATION_ERROR`, and for a body that is no JSON a `BAD_REQUEST` with the cause.
 */
export function readRestInput(procedure: AnyTRPCProcedure, { parameters, query, body }: InputParts): unknown {
  const kinds = kindsOf(procedure);
  const inPath = Object.entries(parameters).map(([name, text]): [string, unknown] => [
    name,
    read(text, kinds.get(name)),
  ]);
  const others = body === undefined ? readQuery(query, kinds) : readBody(body, query);
  for (const [name] of others)
    if (Object.hasOwn(parameters, name)) throw invalidInput(name, "This is in the path; leave it out here.");
  return readInput({ json: Object.fromEntries<unknown>([...others, ...inPath]) });
}

function readBody(body: string, query: URLSearchParams): [string, unknown][] {
  const [stray] = query.keys();
  if (stray !== undefined)
    throw invalidInput(stray, "This call takes its input in the body, not in the query.");
  if (body.trim() === "") return [];
  const input = parse(body);
  if (typeof input !== "object" || input === null || Array.isArray(input))
    throw invalidInput("", "The body is a JSON object.");
  return Object.entries(input);
}

function parse(json: string): unknown {
  try {
    return parseJson(json);
  } catch (error) {
    throw transportError("BAD_REQUEST", error);
  }
}

function readQuery(query: URLSearchParams, kinds: Kinds): [string, unknown][] {
  return Array.from(new Set(query.keys()), (name) => {
    const kind = kinds.get(name);
    const texts = query.getAll(name);
    if (kind?.isList) return [name, texts.map((text) => read(text, kind))];
    if (texts.length > 1) throw invalidInput(name, "Give this once.");
    return [name, read(texts[0] ?? "", kind)];
  });
}

/** What texts of a field become. */
interface Kind {
  type: "number" | "boolean" | "text";
  isList: boolean;
}

type Kinds = ReadonlyMap<string, Kind>;

function read(text: string, kind: Kind | undefined): unknown {
  if (kind?.type === "number" && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return Number(text);
  if (kind?.type === "boolean" && (text === "true" || text === "false")) return text === "true";
  return text;
}

const known = new WeakMap<AnyTRPCProcedure, Kinds>();

function kindsOf(procedure: AnyTRPCProcedure): Kinds {
  let kinds = known.get(procedure);
  if (kinds === undefined) {
    kinds = new Map(fieldsOf(procedure).map(([name, field]) => [name, kindOf(field)]));
    known.set(procedure, kinds);
  }
  return kinds;
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

// An input that may have several forms has the same fields in path and query in all of them.
function fieldsOf({ _def }: AnyTRPCProcedure): [string, JsonSchema][] {
  const [input] = (_def as unknown as { inputs: z.ZodType[] }).inputs;
  if (input === undefined) return [];
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  const [form = schema] = schema.anyOf ?? schema.oneOf ?? [];
  return Object.entries(form.properties ?? {}) as [string, JsonSchema][];
}

function kindOf(field: JsonSchema): Kind {
  const isList = field.type === "array";
  const { type } = isList ? (field.items as JsonSchema) : field;
  if (type === "integer" || type === "number") return { type: "number", isList };
  return { type: type === "boolean" ? "boolean" : "text", isList };
}
