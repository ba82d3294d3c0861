import { setImmediate } from "node:timers/promises";
import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import type { z } from "zod";
import { restEndpoint, restRoutes, type ProcedurePath, type RestRoute } from "../contract/index.ts";
import { describeProcedure, type JsonSchema } from "./descriptions.ts";
import { errorSchemas, type AnsweredCode } from "./errors.ts";
import { nameOf, writeAnswers, writeInputs, type NamedSchemas } from "./named-schemas.ts";
import { describeOperation, type Operation } from "./operations.ts";
import { otherPaths } from "./other-paths.ts";

/** A document of OpenAPI 3.1. */
export interface OpenApiDocument {
  openapi: "3.1.0";
  info: { title: string; version: string; summary: string; description: string; license: object };
  servers: { url: string; description: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: NamedSchemas;
    parameters: Record<string, object>;
    headers: Record<string, object>;
    securitySchemes: Record<string, object>;
  };
}

/**
 * Describes every route of REST, from the schemas that the router checks inputs and outputs with and the texts of the contract. Takes some
 * tenths of a second, in which other calls have their turns.
 */
export async function describeApi(router: AnyTRPCRouter, version: string): Promise<OpenApiDocument> {
  const procedures = router._def.procedures as unknown as Record<string, AnyTRPCProcedure>;
  const routes = (Object.entries<RestRoute>(restRoutes) as [ProcedurePath, RestRoute][]).map(
    ([path, route]) => {
      const procedure = procedures[path];
      if (procedure === undefined) throw new Error(`There is no procedure ${path}.`);
      return { path, route, procedure };
    },
  );
  const inputs = writeInputs(
    routes.map(({ path, procedure }) => [describeProcedure(path).input, inputOf(procedure)]),
  );
  const schemas: NamedSchemas = {};
  const paths: OpenApiDocument["paths"] = {};
  for (const { path, route, procedure } of routes) {
    await setImmediate();
    const input = inputs[nameOf(describeProcedure(path).input)] ?? {};
    const operation = describeOperation({ path, route, procedure, input }, schemas);
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operation;
  }
  Object.assign(paths, otherPaths());
  const named = { ...writeAnswers(), ...inputs, ...schemas, ...errorSchemas(codesIn(paths)) };
  return {
    openapi: "3.1.0",
    info: {
      title: "SkyFox",
      version,
      summary: "Cinema booking: shows, seats, payments, tickets, and the cinema's own desk.",
      description:
        "Amounts are text with two decimals, instants ISO 8601 in UTC, dates and times of the cinema in its own zone. Every call needs the key of the API; where roles are named, also the token of a login.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: restEndpoint, description: "The server that this document comes from." }],
    tags,
    paths,
    components: { schemas: onlyNeeded(named, paths), parameters, headers, securitySchemes },
  };
}

function inputOf({ _def }: AnyTRPCProcedure): z.ZodType {
  const [input] = (_def as unknown as { inputs: z.ZodType[] }).inputs;
  if (input === undefined) throw new Error("A procedure declares no input.");
  return input;
}

function codesIn(paths: OpenApiDocument["paths"]): AnsweredCode[] {
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  const responses = operations.flatMap((operation) => Object.values(operation.responses));
  return responses.flatMap(
    ({ content }) => Object.keys(content?.["application/json"]?.examples ?? {}) as AnsweredCode[],
  );
}

/** Those that the paths refer to, and those that these refer to. */
function onlyNeeded(schemas: NamedSchemas, paths: object): NamedSchemas {
  const needed = new Set<string>();
  const look = (value: object): void => {
    for (const [, name = ""] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      const schema = schemas[name];
      if (needed.has(name) || schema === undefined) continue;
      needed.add(name);
      look(schema);
    }
  };
  look(paths);
  const names = Object.entries(schemas).filter(([name]) => needed.has(name));
  return Object.fromEntries(names.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

const tags = [
  { name: "auth", description: "Accounts and sessions." },
  { name: "show", description: "What is on, and the seats of a show." },
  { name: "booking", description: "Holds, payments and tickets of a customer." },
  { name: "wallet", description: "Money that a customer has with the cinema." },
  {
    name: "admin",
    description: "The cinema's own work: the door, the counter, shows, staff, takings, payments in doubt.",
  },
  { name: "files", description: "Exports, and the keys of tickets." },
];

const text: JsonSchema = { type: "string" };

const parameters = {
  "idempotency-key": {
    name: "idempotency-key",
    in: "header",
    required: false,
    description:
      "A new one for each intent, and the same again when the call is repeated: it has one effect and one answer.",
    schema: { type: "string", pattern: "^[ -~]{1,255}$" },
  },
  "last-event-id": {
    name: "last-event-id",
    in: "header",
    required: false,
    description: "The id of the last event that was seen, whatever its form.",
    schema: { type: "string", maxLength: 100 },
  },
};

const headers = {
  "x-request-id": { description: "Names the request in the server's log.", schema: text },
  "retry-after": { description: "Seconds to wait before the call is repeated.", schema: text },
  "idempotent-replayed": {
    description: "`true` when this is the answer of an earlier call with the same key.",
    schema: text,
  },
  etag: { description: "Names this answer for `If-None-Match`.", schema: text },
  "content-disposition": { description: "Has the file's name.", schema: text },
};

const securitySchemes = {
  apiKey: { type: "apiKey", in: "header", name: "x-api-key", description: "The key that every program has." },
  session: { type: "http", scheme: "bearer", description: "The token of a login." },
};
