import { expect, test } from "vitest";
import { givenFunds, givenHundredHolds, paymentOf, purseOf } from "../given-money.ts";
import { givenCustomer } from "../given.ts";
import { createTestApp } from "../test-app.ts";
import { outcomesOf, together } from "../together.ts";
import { payBooking } from "../../src/booking/pay-booking.ts";

const rounds = 200;

const app = await createTestApp({ maxConnections: 20 });

test(
  "P14: of 100 spends of 10 at once from 50 exactly 5 succeed, in each of 200 rounds",
  { timeout: 600_000 },
  async () => {
    const startedAt = performance.now();
    for (let round = 0; round < rounds; round += 1) {
      const customer = await givenCustomer(app.deps);
      await givenFunds(app, customer, "50.00");
      const holds = await givenHundredHolds(app, customer, "10.00");
      const { won, lost } = outcomesOf(
        await together(holds.map((id) => () => payBooking(app.deps, customer, paymentOf(id, "wallet")))),
      );
      expect(won).toHaveLength(5);
      expect(new Set(lost)).toEqual(new Set(["INSUFFICIENT_BALANCE"]));
      expect(await purseOf(app, customer)).toEqual({ balance: "0.00", available: "0.00" });
    }
    const ms = (performance.now() - startedAt) / rounds;
    console.log(`P14: ${rounds} rounds of 100 spends, 5 succeed in each; ${ms.toFixed(0)} ms a round.`);
  },
);
