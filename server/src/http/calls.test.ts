import { describe, expect, test } from "vitest";
import { slowQueries, travelsAlone } from "../contract/index.ts";
import { callsThatWait } from "./call-costs.ts";
import type { RequestHead } from "./caller.ts";
import { createCallsByHead, isMutation } from "./calls.ts";

const known = "a.b.c";
const met: string[] = [];
const calls = createCallsByHead({
  sign: () => Promise.reject(new Error("Nothing is signed here.")),
  verify: (token) => {
    met.push(token);
    return Promise.reject(new Error("Not one of ours."));
  },
  ownerOf: (token) => (token === known ? "anna" : undefined),
});

function headOf(path: string, { method = "POST", token = known }: { method?: string; token?: string } = {}) {
  const head: RequestHead = {
    method,
    path: path.startsWith("/api/") ? path : `/trpc/${path}`,
    header: (name) => (name === "authorization" ? `Bearer ${token}` : undefined),
    connection: undefined,
  };
  return head;
}

function arrivalOf(...call: Parameters<typeof headOf>) {
  const { lane, weight, isUrgent } = calls.arrivalOf(headOf(...call), 0);
  return { lane, weight, isUrgent };
}

describe("a call stands", () => {
  test.each([
    ["with the queries", "show.list", "GET", "queries"],
    ["with the mutations", "booking.initialize", "POST", "mutations"],
    ["outside, where it waits for another service", "wallet.addFunds", "POST", "outside"],
    ["outside, also as a query", "admin.movies", "GET", "outside"],
    ["in the hash queue", "auth.login", "POST", undefined],
    ["with the queries when it would hash but is none of those", "auth.login", "GET", "queries"],
  ])("%s: %s", (_, path, method, lane) => {
    expect(arrivalOf(path, { method })).toEqual({ lane, weight: 1, isUrgent: false });
  });

  test("before all others when it pays for seats or gives them up", () => {
    expect(arrivalOf("booking.pay")).toEqual({ lane: "outside", weight: 1, isUrgent: true });
    expect(arrivalOf("booking.cancel")).toEqual({ lane: "mutations", weight: 1, isUrgent: true });
  });

  test.each([
    ["GET", "/api/v1/shows", "show.list"],
    ["POST", "/api/v1/shows/7/holds", "booking.initialize"],
    ["POST", "/api/v1/bookings/7/payments", "booking.pay"],
    ["POST", "/api/v1/auth/login", "auth.login"],
    ["PUT", "/api/v1/auth/profile", "auth.updateProfile"],
    ["PATCH", "/api/v1/admin/staff/anna", "admin.updateStaff"],
    ["GET", "/api/v1/admin/revenue", "admin.revenue"],
  ])("by its route as by its path: %s %s", (method, route, path) => {
    const byPath = arrivalOf(path, { method: isMutation(path) ? "POST" : "GET" });
    expect(arrivalOf(route, { method })).toEqual(byPath);
  });

  test("with the queries where its route asks one by POST, and where there is no such route", () => {
    const queries = { lane: "queries", weight: 1, isUrgent: false };
    expect(arrivalOf("/api/v1/auth/recovery/question")).toEqual(queries);
    expect(arrivalOf("/api/v1/nowhere")).toEqual(queries);
  });

  test("with the others when its token was never verified here", () => {
    for (const path of ["booking.pay", "booking.cancel", "wallet.addFunds"])
      expect(arrivalOf(path, { token: "x.y.z" })).toEqual({ lane: "mutations", weight: 1, isUrgent: false });
  });

  test("for as many as a batch has, however its commas are written", () => {
    for (const path of [
      "show.list,show.byId,show.seatMap",
      "show.list%2Cshow.byId%2cshow.seatMap",
      "/show.list,show.byId,show.seatMap/",
    ])
      expect(arrivalOf(path, { method: "GET" })).toEqual({ lane: "queries", weight: 3, isUrgent: false });
  });

  test("with the others as a whole batch, also when one of its calls would wait outside", () => {
    const batch = arrivalOf("admin.movies,show.list,show.list", { method: "GET" });
    expect(batch).toEqual({ lane: "queries", weight: 3, isUrgent: false });
    expect(arrivalOf("show.list,".repeat(5_000), { method: "GET" }).weight).toBe(10);
  });

  test("as its account's where that may matter, and only there", () => {
    expect(calls.arrivalOf(headOf("booking.pay"), 0).owner).toBe("anna");
    expect(calls.arrivalOf(headOf("booking.initialize"), 0).owner).toBeUndefined();
  });
});

test("a token that was not met is verified for calls that a known one lets stand otherwise, and for no others", async () => {
  for (const path of ["booking.pay", "booking.cancel", "show.list", "booking.initialize"])
    await calls.meet(headOf(path, { token: `${path}.x.y`.replace("booking.", "") }));
  await calls.meet(headOf("booking.pay"));
  expect(met).toEqual(["pay.x.y", "cancel.x.y"]);
});

test("a path of slashes is read in no time to speak of", () => {
  const startedAt = performance.now();
  for (let count = 0; count < 200; count += 1) arrivalOf(`x${"/".repeat(15_000)}x`);
  // Quadratic time would be a minute.
  expect(performance.now() - startedAt).toBeLessThan(5_000);
});

test("clients are to ask each query alone that this server lets wait; mutations are alone anyway", () => {
  const waiting = [...callsThatWait].filter((path) => !isMutation(path));
  expect(waiting).toContain("admin.movies");
  expect(waiting.filter((path) => !travelsAlone(path))).toEqual([]);
  expect(slowQueries.filter(isMutation)).toEqual([]);
  expect(travelsAlone("admin.screens")).toBe(false);
});
