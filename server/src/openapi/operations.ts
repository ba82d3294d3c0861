import type { AnyTRPCProcedure } from "@trpc/server";
import type { z } from "zod";
import {
  isKeyed,
  procedureCodes,
  procedureRoles,
  type ProcedurePath,
  type RestRoute,
  type Role,
} from "../contract/index.ts";
import { schemaOfReady } from "../rpc/ready-answer.ts";
import { eventsOf } from "../rpc/tracked-events.ts";
import { describeProcedure, type JsonSchema } from "./descriptions.ts";
import { bodyCodes, errorResponses, type AnsweredCode, type ResponseObject } from "./errors.ts";
import { exampleOf } from "./examples.ts";
import { nameOf, refTo, writeAnswer, type NamedSchemas } from "./named-schemas.ts";

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

/** What may be done at a path. */
export interface Operation {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  security: Record<string, string[]>[];
  parameters?: (Parameter | JsonSchema)[];
  requestBody?: { required: boolean; content: Record<string, { schema: JsonSchema; example?: unknown }> };
  responses: Record<string, ResponseObject>;
}

/** A procedure with what its route is made of. */
export interface Described {
  path: ProcedurePath;
  route: RestRoute;
  procedure: AnyTRPCProcedure;
  /** All fields of its input, also those in its path. */
  input: JsonSchema;
}

/** The operation of a procedure; the schema of its body, if it has one, is put among the named ones. */
export function describeOperation(described: Described, schemas: NamedSchemas): Operation {
  const { path, route } = described;
  const { text } = describeProcedure(path);
  const [sentence = text] = /^.*?[.](?= |$)/.exec(text) ?? [];
  // Plain text, where a description is Markdown.
  const summary = sentence.replaceAll("`", "");
  const inPath = Array.from(route.path.matchAll(/\{(\w+)\}/g), ([, name = ""]) => name);
  const parameters = parametersOf(described, inPath);
  const body = route.method === "GET" ? undefined : describeBody(described, inPath, schemas);
  return {
    operationId: path.replace(/\.(.)/, (_, first: string) => first.toUpperCase()),
    tags: [path.split(".")[0] ?? ""],
    summary,
    ...(summary !== text && { description: text }),
    security: securityOf(procedureRoles[path], route),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: {
      ...describeAnswer(described),
      ...errorResponses(codesOf(described, body !== undefined)),
    },
  };
}

function codesOf({ path }: Described, hasBody: boolean): AnsweredCode[] {
  return [...procedureCodes[path], ...(hasBody ? bodyCodes : []), "INTERNAL_SERVER_ERROR"];
}

/** What a caller has to send: the key of the API, and a session of one of the roles where there are some. */
export function securityOf(allowed: "anyone" | readonly Role[], route?: RestRoute): Operation["security"] {
  // A visitor sees what is on, and a token that is sent has to be good.
  const asVisitor = route?.path.startsWith("/shows") === true;
  if (allowed === "anyone") return [{ apiKey: [] }, ...(asVisitor ? [{ apiKey: [], session: [] }] : [])];
  return allowed.map((role) => ({ apiKey: [], session: [role] }));
}

// tRPC's infinite queries send it.
const ofTrpc = ["direction"];

function parametersOf(
  { path, route, input }: Described,
  inPath: string[],
): NonNullable<Operation["parameters"]> {
  const names = route.method === "GET" ? Object.keys(input.properties ?? {}) : inPath;
  const fields = names
    .filter((name) => !ofTrpc.includes(name))
    .map((name) => {
      const { description, ...schema } = withoutNull(propertiesOf(input)[name] ?? {});
      return {
        name,
        in: inPath.includes(name) ? ("path" as const) : ("query" as const),
        required: inPath.includes(name) || (input.required ?? []).includes(name),
        ...(description !== undefined && { description }),
        schema,
      };
    });
  const headers = [
    ...(isKeyed(path) ? ["idempotency-key"] : []),
    ...(route.path.endsWith("/events") ? ["last-event-id"] : []),
  ];
  return [...fields, ...headers.map((name) => ({ $ref: `#/components/parameters/${name}` }))];
}

// Null is what leaving out means; a text of a query cannot be it.
function withoutNull(schema: JsonSchema): JsonSchema {
  const [one, other] = schema.anyOf ?? [];
  if (one === undefined || other?.type !== "null") return schema;
  const { anyOf: _, ...others } = schema;
  return { ...one, ...others };
}

function propertiesOf(schema: JsonSchema): Record<string, JsonSchema> {
  const [form = schema] = schema.oneOf ?? schema.anyOf ?? [];
  return (form.properties ?? {}) as Record<string, JsonSchema>;
}

function describeBody(
  { path, input }: Described,
  inPath: string[],
  schemas: NamedSchemas,
): Operation["requestBody"] {
  const body = without(input, inPath);
  if (Object.keys(propertiesOf(body)).length === 0) return undefined;
  const name = nameOf(describeProcedure(path).input);
  schemas[name] = body;
  const { request } = exampleOf(path);
  const isRequired = body.oneOf !== undefined || (body.required ?? []).length > 0;
  const content = { schema: refTo(name), ...(request !== undefined && { example: request }) };
  return { required: isRequired, content: { "application/json": content } };
}

function without(schema: JsonSchema, names: string[]): JsonSchema {
  if (schema.oneOf !== undefined)
    return { ...schema, oneOf: schema.oneOf.map((form) => without(form, names)) };
  const { required, ...others } = schema;
  const left = (required ?? []).filter((name) => !names.includes(name));
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name));
  return {
    ...others,
    properties: Object.fromEntries(properties),
    ...(left.length > 0 && { required: left }),
  };
}

function describeAnswer({ path, route, procedure }: Described): Record<string, ResponseObject> {
  const { output } = procedure._def as unknown as { output: z.ZodType };
  const headers: Record<string, JsonSchema> = { "x-request-id": headerRef("x-request-id") };
  if (isKeyed(path)) headers["idempotent-replayed"] = headerRef("idempotent-replayed");
  if (route.file !== undefined) {
    const type = route.file.endsWith(".png") ? "image/png" : "application/pdf";
    headers["content-disposition"] = headerRef("content-disposition");
    const content = { [type]: { schema: { type: "string" as const, format: "binary" } } };
    return { "200": { description: `A file named \`${route.file}\`.`, headers, content } };
  }
  const events = eventsOf(output);
  if (events !== undefined) return { "200": describeEvents(path, events, headers) };
  const ready = schemaOfReady(output);
  if (ready !== undefined) headers["etag"] = headerRef("etag");
  const content = { schema: writeAnswer(ready ?? output), example: exampleOf(path).answer };
  const status = route.creates ? "201" : "200";
  return {
    [status]: {
      description: route.creates ? "What was created." : "The answer.",
      headers,
      content: { "application/json": content },
    },
    ...(ready !== undefined && {
      "304": { description: "The answer is still the one with the `ETag` of `If-None-Match`." },
    }),
  };
}

function describeEvents(
  path: ProcedurePath,
  events: z.ZodType,
  headers: Record<string, JsonSchema>,
): ResponseObject {
  return {
    description:
      "Server-Sent Events: the data of each is JSON as in `x-event`, and its id goes on where a stream was cut.",
    headers,
    content: {
      "text/event-stream": {
        schema: { type: "string", "x-event": writeAnswer(events) },
        example: exampleOf(path).answer,
      },
    },
  };
}

function headerRef(name: string): JsonSchema {
  return { $ref: `#/components/headers/${name}` };
}
