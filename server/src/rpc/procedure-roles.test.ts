import type { AnyTRPCProcedure } from "@trpc/server";
import { beforeAll, describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { appRouter } from "../app-router.ts";
import { procedureCodes, procedureRoles, roles, rolesFor, type ProcedurePath } from "../contract/index.ts";

const app = await createTestApp();
const procedures = appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>;
const paths = Object.keys(procedures) as ProcedurePath[];

const tokens: Record<string, string> = {};
beforeAll(async () => {
  tokens["customer"] = await tokenOf(app.deps, await givenCustomer(app.deps));
  for (const role of ["staff", "admin"] as const)
    tokens[role] = await tokenOf(app.deps, await givenStaff(app.deps, role));
});

// No procedure takes a field of this name, so that no call that is let in has an effect.
async function call(path: string, token?: string) {
  const send = procedures[path]?._def.type === "mutation" ? mutate : query;
  const { error } = await send(app, path, { noSuchField: true }, { token });
  return error?.data.domain;
}

describe.each(paths)("%s", (path) => {
  test.each(roles)("lets a %s in or names the roles that it is for", async (role) => {
    const domain = await call(path, tokens[role]);
    if (rolesFor(path).includes(role)) expect(domain?.code).toBe("VALIDATION_ERROR");
    else expect(domain).toEqual({ code: "FORBIDDEN", details: { requiredRoles: procedureRoles[path] } });
  });

  test("asks for a session unless it is for anyone", async () => {
    const isForAnyone = procedureRoles[path] === "anyone";
    expect((await call(path))?.code).toBe(isForAnyone ? "VALIDATION_ERROR" : "MISSING_TOKEN");
  });

  test("lists MISSING_TOKEN and FORBIDDEN where it can answer them", () => {
    const codes: readonly string[] = procedureCodes[path];
    const isForAnyone = procedureRoles[path] === "anyone";
    expect(codes.includes("MISSING_TOKEN")).toBe(!isForAnyone);
    expect(codes.includes("FORBIDDEN")).toBe(rolesFor(path).length < roles.length);
  });
});

test("a procedure that is not listed is for no role", () => {
  expect(rolesFor("booking.giveAway")).toEqual([]);
});
