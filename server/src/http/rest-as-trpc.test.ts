import type { AnyTRPCProcedure } from "@trpc/server";
import { beforeAll, describe, expect, test } from "vitest";
import { givenBooking, givenFunds } from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { rest } from "../../test/rest-call.ts";
import { headersFor, mutate, query, type CallOptions } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { appRouter } from "../app-router.ts";
import { restRoutes, type ProcedurePath, type RestRoute } from "../contract/index.ts";
import type { User } from "../deps.ts";

const app = await createTestApp();
const procedures = appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>;
const routes = Object.entries<RestRoute>(restRoutes) as [ProcedurePath, RestRoute][];

let customer: User;
let admin: User;
let showId: number;
let bookingId: number;
beforeAll(async () => {
  customer = await givenCustomer(app.deps);
  admin = await givenStaff(app.deps, "admin");
  showId = await givenShow(app);
  await givenFunds(app, customer, "500");
  ({ bookingId } = await givenBooking(app, customer, "card", { showId, seat: "A1" }));
});

/** Fills the fields of a path, which are taken out of the input. */
function routeOf({ method, path }: RestRoute, input: Record<string, unknown>) {
  const others = { ...input };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = others[name];
    delete others[name];
    return encodeURIComponent(String(value));
  });
  if (method !== "GET") return { route: `${method} ${filled}`, body: others };
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(others))
    for (const one of [value].flat()) search.append(name, String(one));
  return { route: `GET ${filled}${search.size > 0 ? `?${search.toString()}` : ""}`, body: undefined };
}

describe("who may call what, by REST as by tRPC:", () => {
  const absent: Record<string, unknown> = {
    showId: 999_999,
    bookingId: 999_999,
    paymentId: 999_999,
    username: "none-such",
  };
  const callers = ["no key", "no token", "a wrong token", "customer", "staff", "admin"] as const;

  // A session for each call: some calls end it.
  async function optionsOf(caller: (typeof callers)[number]): Promise<CallOptions> {
    if (caller === "no key") return { apiKey: null };
    if (caller === "no token") return {};
    if (caller === "a wrong token") return { token: "none" };
    const user = await (caller === "customer" ? givenCustomer(app.deps) : givenStaff(app.deps, caller));
    return { token: await tokenOf(app.deps, user) };
  }

  test.each(routes)("%s", async (path, route) => {
    const names = Array.from(route.path.matchAll(/\{(\w+)\}/g), ([, name]) => name!);
    const input = Object.fromEntries(names.map((name) => [name, absent[name]]));
    for (const caller of callers) {
      const isMutation = procedures[path]!._def.type === "mutation";
      const options = await optionsOf(caller);
      const byTrpc = await (isMutation ? mutate : query)(app, path, input, options);
      const asked = routeOf(route, input);
      const byRest = await restHead(asked.route, asked.body, await optionsOf(caller));
      expect([caller, byRest.status, byRest.code]).toEqual([
        caller,
        route.creates && byTrpc.status === 200 ? 201 : byTrpc.status,
        byTrpc.error?.data.domain?.code,
      ]);
    }
  });

  // Files are not looked into.
  async function restHead(route: string, body: unknown, options: CallOptions) {
    const [method = "", path = ""] = route.split(" ");
    const response = await app.app.request(`/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headersFor(options) },
      ...(method !== "GET" && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const code = response.ok ? undefined : (JSON.parse(text) as { code: string }).code;
    return { status: response.status, code };
  }
});

describe("what is read by REST is what is read by tRPC, without types:", () => {
  const reads: [ProcedurePath, () => Record<string, unknown>, "customer" | "admin"][] = [
    ["auth.me", () => ({}), "customer"],
    ["auth.me", () => ({}), "admin"],
    ["auth.securityQuestions", () => ({}), "customer"],
    ["auth.securityQuestion", () => ({ email: "anna@example.com" }), "customer"],
    ["show.cinema", () => ({}), "customer"],
    ["show.list", () => ({}), "customer"],
    ["show.list", () => ({ date: "2026-03-10" }), "admin"],
    ["show.byId", () => ({ showId }), "customer"],
    ["show.seatMap", () => ({ showId }), "customer"],
    ["show.bestAvailable", () => ({ showId, count: 3, type: "Deluxe" }), "customer"],
    ["show.bestAvailable", () => ({ showId, count: 10, type: "Standard" }), "customer"],
    ["booking.byId", () => ({ bookingId }), "customer"],
    ["booking.list", () => ({ limit: 1, status: "Confirmed" }), "customer"],
    ["booking.latest", () => ({}), "customer"],
    ["wallet.balance", () => ({}), "customer"],
    ["wallet.transactions", () => ({ limit: 5 }), "customer"],
    ["admin.movies", () => ({}), "admin"],
    ["admin.slots", () => ({ date: "2026-03-11", screenId: 1 }), "admin"],
    ["admin.staff", () => ({}), "admin"],
    ["admin.doorList", () => ({ showId, limit: 2 }), "admin"],
    ["admin.revenue", () => ({ month: 3, year: 2026, labelOrder: ["year", "month"] }), "admin"],
    ["admin.revenue", () => ({ timeframe: "daily" }), "admin"],
    ["admin.paymentsInDoubt", () => ({}), "admin"],
    ["admin.integrity", () => ({}), "admin"],
  ];
  test.each(reads)("%s", async (path, input, as) => {
    const options = { token: await tokenOf(app.deps, as === "admin" ? admin : customer) };
    const byTrpc = await query(app, path, input(), options);
    const { route, body } = routeOf(restRoutes[path], input());
    const byRest = await rest<unknown>(app, route, body, options);
    expect([byRest.status, byTrpc.status]).toEqual([200, 200]);
    const { result } = JSON.parse(byTrpc.text) as { result: { data: { json: unknown } } };
    expect(byRest.body).toEqual(result.data.json);
  });
});
