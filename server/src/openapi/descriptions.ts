import type { z } from "zod";
import texts from "../contract/descriptions.json" with { type: "json" };
import type { DomainCode, ProcedurePath } from "../contract/index.ts";

/** A schema in JSON. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What the contract says of a schema and its fields, by their paths; "" is the schema itself. */
export type FieldTexts = Readonly<Record<string, string>>;

/** What the contract says of the schema that it exports by this name. */
export function textsOf(exportName: string): FieldTexts {
  const fields: Record<string, FieldTexts> = texts.fields;
  return fields[exportName] ?? {};
}

/** What a procedure does, and the names of its schemas. */
export function describeProcedure(path: ProcedurePath) {
  return { text: texts.procedures[path], ...texts.schemas[path] };
}

/** What a code means. */
export function describeCode(code: DomainCode): string {
  return texts.codes[code];
}

/** The schema with the texts of its fields, and of the fields inside of these. Lists and alternatives have the texts of what they are of. */
export function describeFields(schema: JsonSchema, fields: FieldTexts, path = ""): JsonSchema {
  const described = { ...schema };
  const text = fields[path];
  if (text !== undefined) described.description = text;
  return describeInside(described, fields, path);
}

function describeInside(schema: JsonSchema, fields: FieldTexts, path: string): JsonSchema {
  const inside = (part: JsonSchema) => describeInside(part, fields, path);
  const described = { ...schema };
  if (schema.properties !== undefined)
    described.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, field]) => [
        name,
        describeFields(field as JsonSchema, fields, path === "" ? name : `${path}.${name}`),
      ]),
    );
  if (schema.items !== undefined) described.items = inside(schema.items as JsonSchema);
  if (schema.anyOf !== undefined) described.anyOf = schema.anyOf.map(inside);
  if (schema.oneOf !== undefined) described.oneOf = schema.oneOf.map(inside);
  return described;
}
