import { beforeEach, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import type { Booking, Hold } from "../contract/index.ts";

const app = await createTestApp();
const { deps, clock } = app;
// What is overdue is not written as expired meanwhile.
await deps.monitors.close();
beforeEach(() => clock.set(testStart));

async function givenHold() {
  const token = await tokenOf(deps, await givenCustomer(deps));
  const input = { showId: await givenShow(app), seatNumbers: ["A1"] };
  const call = <Data>(path: string, asked: object, key: string) =>
    mutate<Data>(app, path, asked, { token, headers: { "idempotency-key": key } });
  const hold = () => call<Hold>("booking.initialize", input, "hold");
  const { bookingId } = (await hold()).data!;
  const read = async () => (await query<Booking>(app, "booking.byId", { bookingId }, { token })).data!;
  return { call, hold, read, bookingId };
}

describe("the time that a booking has left", () => {
  test("is that of this moment while its seats are held, and null once the hold is over", async () => {
    const { read, hold } = await givenHold();
    expect((await read()).timeRemainingMs).toBe(300_000);
    clock.advance(100_001);
    expect((await read()).timeRemainingMs).toBe(199_999);
    clock.advance(199_999);
    expect(await read()).toMatchObject({ status: "Expired", expiresAt: null, timeRemainingMs: null });
    // The replay of what made it says the same: nothing is left.
    expect((await hold()).data?.timeRemainingMs).toBe(0);
  });

  test("is never below zero while a payment goes on past the hold's end", async () => {
    const { call, read, hold, bookingId } = await givenHold();
    app.gateway.script("reset-after-effect");
    await call("booking.pay", { bookingId, method: "Card", card: goodCard }, "pay");
    clock.advance(300_001);
    expect(await read()).toMatchObject({ status: "Paying", timeRemainingMs: 0 });
    expect((await hold()).data?.timeRemainingMs).toBe(0);
    await app.reconcile();
    expect(await read()).toMatchObject({ status: "Confirmed", timeRemainingMs: null });
  });

  test("is null once the hold is cancelled, also in an answer that was kept without it", async () => {
    const { call, read, hold, bookingId } = await givenHold();
    const cancel = () => call<Booking>("booking.cancel", { bookingId }, "cancel");
    expect((await cancel()).data).toMatchObject({ status: "Cancelled", timeRemainingMs: null });
    expect((await read()).timeRemainingMs).toBeNull();
    expect((await hold()).data?.timeRemainingMs).toBe(0);
    const before = await app.sql.query(
      `update idempotency_key set answer = replace(answer, ',"timeRemainingMs":null', '')
       where procedure = 'booking.cancel' and answer like '%"timeRemainingMs":null%' returning key`,
    );
    expect(before).toEqual([{ key: "cancel" }]);
    expect((await cancel()).data).toMatchObject({ status: "Cancelled", timeRemainingMs: null });
  });
});
