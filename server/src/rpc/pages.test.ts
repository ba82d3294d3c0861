import { beforeAll, describe, expect, test } from "vitest";
import { givenCustomer, givenStaff, tokenOf } from "../../test/given.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";

const app = await createTestApp();
const tokens = { customer: "", admin: "" };
beforeAll(async () => {
  tokens.customer = await tokenOf(app.deps, await givenCustomer(app.deps));
  tokens.admin = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));
});

const lists = [
  ["booking.list", "customer"],
  ["wallet.transactions", "customer"],
  ["admin.doorList", "admin"],
  ["admin.paymentsInDoubt", "admin"],
] as const;

describe.each(lists)("%s", (path, role) => {
  const list = (input: object) => query(app, path, input, { token: tokens[role] });

  test("takes what the infinite queries of tRPC add to its input", async () => {
    const first = await list({ limit: 5 });
    expect(first.status).toBe(200);
    const added = await list({ limit: 5, cursor: null, direction: "forward" });
    expect([added.status, added.data]).toEqual([200, first.data]);
  });

  test("is not read backward", async () => {
    const { status, error } = await list({ direction: "backward" });
    expect([status, error?.data.fields]).toEqual([
      400,
      [{ field: "direction", message: "Lists are read forward only." }],
    ]);
  });
});
