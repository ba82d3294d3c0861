import { expect, test } from "vitest";
import { givenCustomer, givenShow, goodCard, tokenOf } from "../../server/test/given.ts";
import { createTestApp, testApiKey } from "../../server/test/test-app.ts";
import { connectClient } from "../src/client.ts";
import { Decimal, type Failure, type Outcome } from "../src/index.ts";
import type { Timing } from "../src/retries.ts";

const customers = 20;
const topUpsEach = 50;
const holdsEach = 25;

// A generator with a seed, so that a failure can be seen again (mulberry32).
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Waits take no time.
const instantly: Timing = {
  random: () => 0,
  now: () => 0,
  after(_ms, wake) {
    queueMicrotask(wake);
    return () => {};
  },
};

test(
  "2,000 keyed mutations behind a proxy that drops 30 % of the replies have 2,000 effects, also when each failed one is pressed again",
  { timeout: 300_000 },
  async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    console.log(`Dropped replies: seed ${seed}.`);
    const app = await createTestApp();
    const random = seeded(seed);
    const seen = { replies: 0, dropped: 0, pressedAgain: 0 };

    const connect = (token: string) =>
      connectClient(
        {
          url: "http://cinema.test",
          apiKey: testApiKey,
          token,
          // One retry only: about one call in eleven fails, and is pressed again.
          retries: 1,
          async fetch(url, init) {
            const reply = await app.app.request(url, init);
            seen.replies += 1;
            if (random() >= 0.3) return reply;
            seen.dropped += 1;
            throw new TypeError("fetch failed");
          },
        },
        instantly,
      );

    /** Presses until there is an answer, each time with the key of the error before. */
    async function press<Path extends "wallet.addFunds" | "booking.initialize" | "booking.cancel">(
      send: (key: string | undefined) => Promise<Outcome<Path>>,
    ) {
      let key: string | undefined;
      for (;;) {
        const result = await send(key);
        if (result.ok) return result.data;
        const failure: Failure<Path> = result.error;
        expect(failure).toMatchObject({ code: "NETWORK", mayHaveHappened: true, retryable: true });
        expect(failure.idempotencyKey).toBeDefined();
        key = failure.idempotencyKey;
        seen.pressedAgain += 1;
      }
    }

    async function live(): Promise<void> {
      const user = await givenCustomer(app.deps);
      const client = connect(await tokenOf(app.deps, user));
      const showId = await givenShow(app);
      const amount = new Decimal("1.25");
      for (let turn = 0; turn < topUpsEach; turn += 1) {
        await press<"wallet.addFunds">((idempotencyKey) =>
          client.wallet.addFunds.safe({ amount, card: goodCard }, { idempotencyKey }),
        );
      }
      for (let turn = 0; turn < holdsEach; turn += 1) {
        const { bookingId } = await press<"booking.initialize">((idempotencyKey) =>
          client.booking.initialize.safe({ showId, seatNumbers: ["A1"] }, { idempotencyKey }),
        );
        await press<"booking.cancel">((idempotencyKey) =>
          client.booking.cancel.safe({ bookingId }, { idempotencyKey }),
        );
      }
    }

    await Promise.all(Array.from({ length: customers }, live));

    const [money] = await app.sql.query(
      "select count(*)::int as additions, sum(amount)::text as sum from wallet_transaction where transaction_type = 'ADD'",
    );
    expect(money).toEqual({ additions: customers * topUpsEach, sum: "1250.00" });
    const [bookings] = await app.sql.query(
      "select count(*)::int as all, count(*) filter (where status = 'Cancelled')::int as cancelled from booking",
    );
    expect(bookings).toEqual({ all: customers * holdsEach, cancelled: customers * holdsEach });
    const charges = app.gateway.books().charges;
    expect(charges).toHaveLength(customers * topUpsEach);
    expect(await app.listViolations()).toEqual([]);
    expect(seen.dropped / seen.replies).toBeGreaterThan(0.25);
    expect(seen.pressedAgain).toBeGreaterThan(100);
    console.log(
      `2,000 mutations in ${seen.replies} requests, ${seen.dropped} replies dropped, ${seen.pressedAgain} pressed again.`,
    );
  },
);
