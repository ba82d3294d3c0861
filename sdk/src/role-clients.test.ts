import { procedureRoles, rolesFor, type Role } from "@skyfox/server/contract/plain";
import { describe, expect, test } from "vitest";
import { createAdminClient, createCustomerClient, createSkyfoxClient, createStaffClient } from "./index.ts";

const creators = {
  customer: createCustomerClient,
  staff: createStaffClient,
  admin: createAdminClient,
} satisfies Record<Role, unknown>;

type Tree = Record<string, Record<string, Record<string, unknown> | undefined> | undefined>;

const options = { url: "http://cinema.test", apiKey: "key" };

describe.each(Object.entries(creators))("the client for the role %s", (role, create) => {
  test("has what the role may call, and nothing else", () => {
    const client = create(options) as unknown as Tree;
    const offered = Object.keys(procedureRoles).filter((path) => {
      const [feature = "", verb = ""] = path.split(".");
      return client[feature]?.[verb]?.["safe"] !== undefined;
    });
    expect(offered).toEqual(
      Object.keys(procedureRoles).filter((path) => rolesFor(path).includes(role as Role)),
    );
    expect([client["nothing"], client["booking"]?.["nothing"], client["then"]]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("calls as the whole client does", async () => {
    const asked: (string | undefined)[] = [];
    const client = create({
      ...options,
      token: "token",
      fetch(url, { headers }) {
        asked.push(`${new URL(url).pathname} ${new Headers(headers).get("authorization")}`);
        return Promise.resolve(Response.json([{ result: { data: { json: [] } } }]));
      },
    });
    expect(await client.auth.securityQuestions.safe()).toEqual({ ok: true, data: [] });
    expect(asked).toEqual(["/trpc/auth.securityQuestions Bearer token"]);
  });
});

test("customers have no exports and nothing for staff; staff have the door, admins the counter", () => {
  const [customer, staff, admin] = [createCustomerClient, createStaffClient, createAdminClient].map(
    (create) => create(options) as unknown as Tree,
  );
  expect([customer?.["admin"], customer?.["exports"]]).toEqual([undefined, undefined]);
  expect(customer?.["booking"]?.["pay"]?.["mutate"]).toBeTypeOf("function");
  expect(staff?.["admin"]?.["checkIn"]?.["mutate"]).toBeTypeOf("function");
  expect([staff?.["admin"]?.["createBooking"], staff?.["wallet"]]).toEqual([undefined, undefined]);
  expect(admin?.["admin"]?.["createBooking"]?.["mutate"]).toBeTypeOf("function");
  for (const client of [staff, admin]) expect(client?.["exports"]?.["bookingsCsv"]).toBeTypeOf("function");
  for (const client of [customer, staff, admin]) {
    expect(client?.["tickets"]?.["keys"]).toBeTypeOf("function");
    expect(client?.["watchSeatMap"]).toBeTypeOf("function");
  }
});

test("the whole client also calls what this version does not know", () => {
  const client = createSkyfoxClient(options) as unknown as Tree;
  expect(client["booking"]?.["later"]?.["query"]).toBeTypeOf("function");
});
