import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { createArbitrary } from "../../test/arbitrary-json.ts";
import { givenBooking, givenFunds, givenHold } from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { headersFor } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import type { Role } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { appRouter } from "../app-router.ts";
import { describeApi } from "../openapi/document.ts";

// What is read of the document alone, as a stranger's tool would.
interface Media {
  schema: object;
  example?: Record<string, unknown>;
}
interface Operation {
  operationId: string;
  security: { session?: Role[] }[];
  parameters?: { name?: string; in?: string; required?: boolean; schema?: object }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content?: Record<string, Media> }>;
}

const app = await createTestApp();
const document = JSON.parse(JSON.stringify(await describeApi(appRouter, "1.0.0"))) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(
    ([method, operation]) => [operation.operationId, path, method, operation] as const,
  ),
);
const ids: number[] = [];
const { valuesOf, rightValuesOf } = createArbitrary(document.components.schemas, () => ids);

const ajv = new Ajv2020({ strict: false, schemas: [{ $id: "api", ...document }] });
addFormats.default(ajv);
const checks = new Map<string, ValidateFunction>();
function problemsOf(schema: object, value: unknown): unknown {
  const text = JSON.stringify(schema).replaceAll("#/components", "api#/components");
  const check = checks.get(text) ?? ajv.compile(JSON.parse(text) as object);
  checks.set(text, check);
  return check(value) ? [] : check.errors;
}

let customer: User;
beforeAll(async () => {
  customer = await givenCustomer(app.deps);
  await givenFunds(app, customer, "1000");
  const showId = await givenShow(app);
  const { bookingId } = await givenBooking(app, customer, "card", { showId, seat: "A1" });
  const hold = await givenHold(app, customer, { showId, seat: "A2" });
  ids.push(showId, bookingId, hold.bookingId);
});

/** Requests of an operation: most are as the document says. */
function requestsOf({ parameters = [], requestBody }: Operation) {
  const fields = parameters.filter(({ in: place }) => place === "query" || place === "path");
  const values = (place: string, schema: object) =>
    // Two dots in a path are none of its parts.
    place === "path"
      ? rightValuesOf(schema).map((value) => (/^\.*$/.test(String(value)) ? "x" : value))
      : valuesOf(schema);
  return fc.record({
    fields: fc.record(
      Object.fromEntries(
        fields.map(({ name = "", in: place = "", schema = {} }) => [name, values(place, schema)]),
      ),
      { requiredKeys: fields.filter(({ required }) => required).map(({ name = "" }) => name) },
    ),
    body:
      requestBody === undefined ? fc.constant(undefined) : bodiesOf(requestBody.content["application/json"]!),
    key: fc.option(fc.string({ minLength: 1, maxLength: 5 }), { nil: undefined }),
  });
}

/** As the schema says, or as the example but for one field. */
function bodiesOf({ schema, example = {} }: Media) {
  const nearExample = fc
    .tuple(fc.constantFrom("", ...Object.keys(example)), fc.jsonValue({ maxDepth: 1 }))
    .map(([name, value]) => (name === "" ? example : { ...example, [name]: value }));
  return fc.oneof(valuesOf(schema), nearExample, fc.constant(example));
}

/** The token of a caller who may call this, and of one who may not or need not be there. */
async function tokensFor({ operationId, security }: Operation): Promise<[string, string]> {
  const admin = await givenStaff(app.deps, "admin");
  // It ends the session.
  const buyer = operationId === "authLogout" ? await givenCustomer(app.deps) : customer;
  const tokens = [await tokenOf(app.deps, buyer), await tokenOf(app.deps, admin)] as [string, string];
  return security.some(({ session }) => session?.includes("customer") === false)
    ? [tokens[1], tokens[0]]
    : tokens;
}

async function send(
  path: string,
  method: string,
  { fields, body, key }: { fields: Record<string, unknown>; body: unknown; key: string | undefined },
  token: string,
): Promise<Response> {
  const query = new URLSearchParams();
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(fields[name])));
  for (const [name, value] of Object.entries(fields))
    if (!path.includes(`{${name}}`)) for (const one of [value].flat()) query.append(name, textOf(one));
  return await app.app.request(`/api/v1${filled}?${query.toString()}`, {
    method: method.toUpperCase(),
    headers: {
      ...headersFor({ token }),
      ...(key !== undefined && { "idempotency-key": key }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

describe("no request is our fault, and every answer is as the document says:", () => {
  test.each(operations)("%s", async (_, path, method, operation) => {
    const [allowed, other] = await tokensFor(operation);
    let index = 0;
    await fc.assert(
      fc.asyncProperty(requestsOf(operation), async (request) => {
        const response = await send(path, method, request, (index += 1) % 5 === 0 ? other : allowed);
        const type = response.headers.get("content-type")?.split(";")[0] ?? "";
        const described = operation.responses[response.status]?.content?.[type];
        const isJson = type === "application/json";
        const answer: unknown = isJson ? await response.json() : await response.body?.cancel();
        expect(response.status).toBeLessThan(500);
        expect([response.status, type, answer, described !== undefined]).toEqual([
          response.status,
          type,
          answer,
          true,
        ]);
        if (isJson) expect([answer, problemsOf(described!.schema, answer)]).toEqual([answer, []]);
      }),
      { numRuns: 12, seed: 20_260_310 },
    );
  });
});
