import { validate } from "@apidevtools/swagger-parser";
import type { AnyTRPCProcedure } from "@trpc/server";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, test } from "vitest";
import type { z } from "zod";
import { appRouter } from "../app-router.ts";
import {
  isKeyed,
  procedureCodes,
  procedureRoles,
  restRoutes,
  sentences,
  type DomainCode,
  type ProcedurePath,
  type RestRoute,
} from "../contract/index.ts";
import { describeApi } from "./document.ts";
import { exampleOf } from "./examples.ts";

const procedures = appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>;
const document = await describeApi(appRouter, "1.2.3");
const routes = Object.entries<RestRoute>(restRoutes) as [ProcedurePath, RestRoute][];
const operationOf = ({ method, path }: RestRoute) => document.paths[path]![method.toLowerCase()]!;

const ajv = new Ajv2020({ strict: false, schemas: [{ $id: "api", ...document }] });
addFormats.default(ajv);

// To compile a schema takes longer than anything else here, and most errors are those of many routes.
const checks = new Map<string, ValidateFunction>();

/** What is wrong with a value by a schema of the document. */
function problemsOf(schema: object, value: unknown): unknown {
  const text = JSON.stringify(schema).replaceAll("#/components", "api#/components");
  const check = checks.get(text) ?? ajv.compile(JSON.parse(text) as object);
  checks.set(text, check);
  return check(value) ? [] : check.errors;
}

test("the document is valid OpenAPI 3.1", async () => {
  expect(document.openapi).toBe("3.1.0");
  // The validator resolves references in place.
  await validate(structuredClone(document) as never);
});

test("it has every route with the procedure's texts, and no schema that is not used", () => {
  for (const [path, route] of routes) {
    const { summary, operationId } = operationOf(route);
    expect([path, summary.length > 5, operationId]).toEqual([
      path,
      true,
      path.replace(/\.(.)/, (_, first: string) => first.toUpperCase()),
    ]);
    expect(summary).not.toContain("`");
  }
  const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  const ids = operations.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(operations).toHaveLength(routes.length + 3);
  const text = JSON.stringify(document);
  for (const name of Object.keys(document.components.schemas))
    expect([name, text.includes(`"#/components/schemas/${name}"`)]).toEqual([name, true]);
});

test("every field of an answer and of an input is explained", () => {
  const gaps: string[] = [];
  const look = (value: unknown, at: string): void => {
    if (typeof value !== "object" || value === null) return;
    const { properties } = value as { properties?: Record<string, { description?: string }> };
    for (const [name, field] of Object.entries(properties ?? {}))
      if (field.description === undefined) gaps.push(`${at}.${name}`);
    for (const [key, inside] of Object.entries(value)) look(inside, `${at}.${key}`);
  };
  const named = Object.entries(document.components.schemas);
  for (const [name, schema] of named) if (!name.endsWith("Error")) look(schema, name);
  expect(gaps).toEqual([]);
});

describe("an operation", () => {
  test.each(routes)("of %s names its codes, its roles and its headers", (path, route) => {
    const operation = operationOf(route);
    const codes = Object.values(operation.responses).flatMap(({ content }) =>
      Object.keys(content?.["application/json"]?.examples ?? {}),
    );
    const ofDomain = codes.filter((code) => code in sentences);
    expect(ofDomain.toSorted()).toEqual([...new Set<DomainCode>(procedureCodes[path])].toSorted());
    expect(codes).toContain("INTERNAL_SERVER_ERROR");
    const allowed = procedureRoles[path];
    const named = operation.security.flatMap(({ session }) => session ?? []);
    expect(named).toEqual(allowed === "anyone" ? [] : allowed);
    expect(operation.security.every((needed) => "apiKey" in needed)).toBe(true);
    const hasKey = JSON.stringify(operation.parameters ?? []).includes("/idempotency-key");
    expect(hasKey).toBe(isKeyed(path));
  });

  test.each(routes)("of %s has examples that its schemas take", (path, route) => {
    const operation = operationOf(route);
    const { request, answer } = exampleOf(path);
    const body = operation.requestBody?.content["application/json"];
    expect([request !== undefined, body !== undefined]).toEqual([body !== undefined, body !== undefined]);
    if (body !== undefined) {
      expect(problemsOf(body.schema, request)).toEqual([]);
      expect(problemsOf(body.schema, { ...request, more: 1 })).not.toEqual([]);
      const [input] = (procedures[path]!._def as unknown as { inputs: z.ZodType[] }).inputs;
      const names = Array.from(route.path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
      const inPath = names.map((name) => [name, name === "username" ? "ravi" : 7] as const);
      expect(input!.safeParse({ ...request, ...Object.fromEntries(inPath) }).error).toBeUndefined();
    }
    const status = route.creates ? "201" : "200";
    const content = operation.responses[status]!.content!;
    if (content["application/json"] === undefined) return;
    expect(answer).toBeDefined();
    expect(problemsOf(content["application/json"].schema, answer)).toEqual([]);
  });

  test.each(routes)("of %s has errors that are as its schemas say", (_, route) => {
    for (const [status, { content }] of Object.entries(operationOf(route).responses)) {
      const json = content?.["application/json"];
      for (const [code, { value }] of Object.entries(json?.examples ?? {})) {
        expect([status, code, problemsOf(json!.schema, value)]).toEqual([status, code, []]);
        expect(problemsOf(json!.schema, { ...(value as object), code: "NONE" })).not.toEqual([]);
      }
    }
  });
});

test("a response names its wait where one of its codes does, and only there", () => {
  const { responses } = operationOf(restRoutes["booking.pay"]);
  const waiting = Object.keys(responses).filter(
    (status) => "retry-after" in (responses[status]?.headers ?? {}),
  );
  expect(waiting).toEqual(["429", "503"]);
  const holding = operationOf(restRoutes["booking.initialize"]).responses;
  expect(holding["409"]?.headers).toHaveProperty("retry-after");
  expect(operationOf(restRoutes["admin.movies"]).responses["404"]?.headers ?? {}).not.toHaveProperty(
    "retry-after",
  );
});

test("amounts and instants are described as they are sent", () => {
  const { Booking, Card, CreateShowInput } = document.components.schemas;
  expect(Booking?.properties).toMatchObject({
    amountPaid: { $ref: "#/components/schemas/Amount" },
    startsAt: { type: "string", format: "date-time" },
    showDate: { type: "string", format: "date" },
  });
  expect(document.components.schemas["Amount"]).toMatchObject({
    type: "string",
    pattern: "^-?\\d{1,30}\\.\\d{2}$",
  });
  expect(CreateShowInput?.properties?.["cost"]).toMatchObject({ type: "string" });
  expect(Card?.additionalProperties).toBe(false);
  expect(Booking?.additionalProperties).toBeUndefined();
});
