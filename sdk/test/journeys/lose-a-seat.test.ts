import { beforeEach, expect, test } from "vitest";
import { declinedCard, givenShow, goodCard } from "../../../server/test/given.ts";
import { createTestApp, testStart } from "../../../server/test/test-app.ts";
import { domainErrorOf, type SkyfoxClient } from "../../src/index.ts";
import { errorOf, signIn } from "../connect.ts";

const app = await createTestApp();
beforeEach(() => app.clock.set(testStart));

test("an unpaid hold ends, and its seat is free again", async () => {
  const chargesBefore = app.gateway.calls();
  const showId = await givenShow(app);
  const skyfox = await signIn(app);
  const { bookingId } = await skyfox.booking.initialize.mutate({ showId, seatNumbers: ["C3"] });
  expect(await statusOf(skyfox, showId, "C3")).toBe("held");

  app.clock.advance(300_000);
  await app.deps.monitors.settled();

  expect(await statusOf(skyfox, showId, "C3")).toBe("free");
  expect(await skyfox.booking.byId.query({ bookingId })).toMatchObject({
    status: "Expired",
    expiresAt: null,
  });
  const tooLate = await errorOf(skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard }));
  expect(domainErrorOf(tooLate)?.code).toBe("BOOKING_EXPIRED");
  expect(app.gateway.calls()).toEqual(chargesBefore);
});

test("after a declined card another one may be tried while the hold lives", async () => {
  const showId = await givenShow(app, { date: "2026-03-12" });
  const skyfox = await signIn(app);
  const { bookingId, expiresAt } = await skyfox.booking.initialize.mutate({ showId, seatNumbers: ["D4"] });

  const declined = domainErrorOf(
    await errorOf(skyfox.booking.pay.mutate({ bookingId, method: "Card", card: declinedCard })),
  );
  if (declined?.code !== "PAYMENT_DECLINED") throw new Error(`Not declined but ${declined?.code}.`);
  expect(declined.details.retryUntil).toEqual(expiresAt);
  expect(declined.message).toBe("The card was declined; nothing was charged.");
  expect(await skyfox.booking.byId.query({ bookingId })).toMatchObject({ status: "Pending" });

  const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });
  expect(paid.status).toBe("Confirmed");
  expect(await statusOf(skyfox, showId, "D4")).toBe("sold");
});

test("of two customers who want one seat at the same moment, one gets it and the other gets a refusal", async () => {
  const showId = await givenShow(app, { date: "2026-03-13" });
  const rivals = await Promise.all([signIn(app), signIn(app)]);

  const attempts = await Promise.allSettled(
    rivals.map((skyfox) => skyfox.booking.initialize.mutate({ showId, seatNumbers: ["E5"] })),
  );

  const lost = attempts.flatMap((one) => (one.status === "rejected" ? [domainErrorOf(one.reason)] : []));
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(lost).toMatchObject([{ code: "SEATS_UNAVAILABLE", details: { seatNumbers: ["E5"] } }]);
});

async function statusOf(skyfox: SkyfoxClient, showId: number, seatNumber: string) {
  const { rows } = await skyfox.show.seatMap.query({ showId });
  return rows.flatMap(({ seats }) => seats).find((seat) => seat.seatNumber === seatNumber)?.status;
}
