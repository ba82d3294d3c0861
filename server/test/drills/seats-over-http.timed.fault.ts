import { expect, test } from "vitest";
import type { Hold } from "../../src/contract/index.ts";
import { givenCustomers, givenShow, tokenOf } from "../given.ts";
import { mutate } from "../rpc-call.ts";
import { createTestApp } from "../test-app.ts";
import { together } from "../together.ts";

// By itself: a server that is kept from working off such a crowd for two seconds puts the rest of it off, as it should.
const app = await createTestApp({ maxConnections: 20 });

test(
  "P1: of 200 buyers of one seat exactly one gets it, in each of 50 rounds over HTTP, and no answer is a 5xx",
  { timeout: 600_000 },
  async () => {
    const buyers = await givenCustomers(app.deps, 200);
    const tokens = await Promise.all(buyers.map((buyer) => tokenOf(app.deps, buyer)));
    const showId = await givenShow(app);
    const seatNumbers = ["A", "B", "C", "D", "E"].flatMap((row) =>
      Array.from({ length: 10 }, (_, index) => `${row}${index + 1}`),
    );
    for (const seat of seatNumbers) {
      // These buyers ask for seats more often than the limits allow.
      await app.forgetCounts();
      const wish = { showId, seatNumbers: [seat] };
      const settled = await together(
        tokens.map((token) => () => mutate<Hold>(app, "booking.initialize", wish, { token })),
      );
      const answers = settled.map((one, index) => ({
        ...(one.status === "fulfilled" ? one.value : undefined),
        index,
      }));
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners).toHaveLength(1);
      const losers = answers.filter(({ status }) => status !== 200);
      expect(new Set(losers.map(({ status }) => status))).toEqual(new Set([409]));
      for (const { error } of losers) {
        expect(error?.data.domain).toEqual({ code: "SEATS_UNAVAILABLE", details: { seatNumbers: [seat] } });
      }
      const { data, index } = winners[0]!;
      await mutate(app, "booking.cancel", { bookingId: data?.bookingId }, { token: tokens[index]! });
    }
    console.log("P1: 50 rounds of 200 buyers over HTTP, one winner each, every other answer 409.");
  },
);
