import type { AnyTRPCProcedure, AnyTRPCRouter } from "@trpc/server";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { appRouter } from "../app-router.ts";
import { seatMapEventSchema } from "../contract/index.ts";
import { hashContract } from "./contract-hash.ts";
import { trackedEvents } from "./tracked-events.ts";
import { trpc } from "./trpc.ts";

const procedures = appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>;
const routerOf = (record: Record<string, AnyTRPCProcedure>) =>
  ({ _def: { procedures: record } }) as unknown as AnyTRPCRouter;
/** The hash of the contract in which one procedure is another one. */
const hashWith = (path: string, procedure: AnyTRPCProcedure) =>
  hashContract(routerOf({ ...procedures, [path]: procedure }));

const input = z.strictObject({ showId: z.int() });
const output = z.object({ at: z.date() });
const query = (takes: z.ZodType = input, answers: z.ZodType = output) =>
  trpc.procedure
    .input(takes)
    .output(answers)
    .query(() => ({ at: new Date(0) }));
const watch = (events: z.ZodType) =>
  trpc.procedure
    .input(input)
    .output(trackedEvents(events))
    .subscription(async function* () {});

const path = "show.byId";
const usual = hashWith(path, query());

describe("the hash of the contract", () => {
  test("is short, and the same whatever the order and the wording", () => {
    expect(hashContract(appRouter)).toMatch(/^[0-9a-f]{16}$/);
    const reversed = Object.fromEntries(Object.entries(procedures).toReversed());
    expect(hashContract(routerOf(reversed))).toBe(hashContract(appRouter));
    const explained = z.object({ at: z.date().describe("When.") }).describe("An answer.");
    expect(hashWith(path, query(input, explained))).toBe(usual);
  });

  test.each<[string, AnyTRPCProcedure]>([
    ["a field of the input", query(input.extend({ date: z.string().optional() }))],
    ["the bound of a field", query(z.strictObject({ showId: z.int().max(5) }))],
    ["a field of the output", query(input, output.extend({ to: z.string() }))],
    ["a type in the output", query(input, z.object({ at: z.string() }))],
    [
      "its kind",
      trpc.procedure
        .input(input)
        .output(output)
        .mutation(() => ({ at: new Date(0) })),
    ],
  ])("is another one when %s of a procedure changes", (_, changed) => {
    expect(hashWith(path, changed)).not.toBe(usual);
  });

  test("is another one for other codes, and when a procedure goes", () => {
    // The path decides which codes are listed.
    const one = hashContract(routerOf({ "show.byId": query() }));
    expect(hashContract(routerOf({ "booking.byId": query() }))).not.toBe(one);
    const { [path]: _gone, ...others } = procedures;
    expect(hashContract(routerOf(others))).not.toBe(hashContract(appRouter));
  });

  test("is another one when an event of a subscription changes", () => {
    const events = (schema: z.ZodType) => hashWith("show.watchSeatMap", watch(schema));
    expect(events(seatMapEventSchema)).not.toBe(events(z.object({ type: z.literal("ended") })));
    expect(events(z.object({ a: z.int() }))).toBe(events(z.object({ a: z.int() })));
  });
});
