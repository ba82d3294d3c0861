import type { AnyTRPCProcedure } from "@trpc/server";
import { expect, test } from "vitest";
import { z } from "zod";
import { appRouter } from "../app-router.ts";
import { restRoutes, type RestRoute } from "../contract/index.ts";
import { findRoute, methodsOf } from "./find-route.ts";

const procedures = appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>;
const routes = Object.entries<RestRoute>(restRoutes);

test("every procedure has a route, and every route a procedure", () => {
  expect(Object.keys(restRoutes).toSorted()).toEqual(Object.keys(procedures).toSorted());
});

test.each(routes)("%s is found by its route, with what is in its path", (procedurePath, { method, path }) => {
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
  const parameters = Object.fromEntries(names.map((name, index) => [name, `${index + 7}`]));
  const asked = `/api/v1${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name]!)}`;
  expect(findRoute({ method, path: asked })).toMatchObject({ procedurePath, parameters });
  expect(methodsOf(asked)).toContain(method);
});

test.each(routes)("what is in the path of %s is a field that it needs", (procedurePath, { path }) => {
  const [input] = (procedures[procedurePath]!._def as unknown as { inputs: z.ZodType[] }).inputs;
  const schema = z.toJSONSchema(input!, { io: "input", unrepresentable: "any" });
  for (const form of schema.oneOf ?? schema.anyOf ?? [schema])
    for (const [, name] of path.matchAll(/\{(\w+)\}/g))
      expect((form as { required?: string[] }).required).toContain(name);
});

test.each([
  ["GET", "/api/v1/bookings/latest", "booking.latest"],
  ["GET", "/api/v1/bookings/17", "booking.byId"],
  ["HEAD", "/api/v1/bookings/17", "booking.byId"],
  ["GET", "/api/v1/admin/slots/free", "admin.slots"],
])("%s %s is %s", (method, path, procedurePath) => {
  expect(findRoute({ method, path })?.procedurePath).toBe(procedurePath);
});

test("a name in a path is decoded once", () => {
  const found = (name: string) =>
    findRoute({ method: "PATCH", path: `/api/v1/admin/staff/${name}` })?.parameters["username"];
  expect(found("anna%20lee")).toBe("anna lee");
  expect(found("a%2Fb")).toBe("a/b");
  expect(found("a%2541")).toBe("a%41");
  expect(found("100%")).toBe("100%");
});

test.each([
  ["POST", "/api/v1/cinema"],
  ["GET", "/api/v1/cinema/"],
  ["GET", "/api/v1//cinema"],
  ["GET", "/api/v1/nowhere"],
  ["GET", "/api/v2/cinema"],
  ["GET", "/cinema"],
])("%s %s is no route", (method, path) => {
  expect(findRoute({ method, path })).toBeUndefined();
});
