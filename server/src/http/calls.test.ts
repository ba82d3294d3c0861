import { describe, expect, test } from "vitest";
import type { RequestHead } from "./caller.ts";
import { createCallsByHead } from "./calls.ts";

const known = "a.b.c";
const calls = createCallsByHead({
  sign: () => Promise.reject(new Error("Nothing is signed here.")),
  verify: () => Promise.reject(new Error("Nothing is verified here.")),
  remembers: (token) => token === known,
});

function arrivalOf(
  path: string,
  { method = "POST", token = known }: { method?: string; token?: string } = {},
) {
  const head: RequestHead = {
    method,
    path: `/trpc/${path}`,
    header: (name) => (name === "authorization" ? `Bearer ${token}` : undefined),
    connection: undefined,
  };
  const { lane, weight, isUrgent } = calls.arrivalOf(head, 0);
  return { lane, weight, isUrgent };
}

describe("a call stands", () => {
  test.each([
    ["with the queries", "show.list", "GET", "queries"],
    ["with the mutations", "booking.initialize", "POST", "mutations"],
    ["outside, where it waits for another service", "wallet.addFunds", "POST", "outside"],
    ["outside, also as a query", "admin.movies", "GET", "outside"],
    ["in the line of those that hash", "auth.login", "POST", undefined],
    ["with the queries when it would hash but is none of those", "auth.login", "GET", "queries"],
  ])("%s: %s", (_, path, method, lane) => {
    expect(arrivalOf(path, { method })).toEqual({ lane, weight: 1, isUrgent: false });
  });

  test("before all others when it pays for seats or gives them up", () => {
    expect(arrivalOf("booking.pay")).toEqual({ lane: "outside", weight: 1, isUrgent: true });
    expect(arrivalOf("booking.cancel")).toEqual({ lane: "mutations", weight: 1, isUrgent: true });
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
});
