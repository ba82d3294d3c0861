import { expect, test } from "vitest";
import { givenShow, givenStaff, goodCard, tokenOf } from "../../../server/test/given.ts";
import { createTestApp } from "../../../server/test/test-app.ts";
import { Decimal, domainErrorOf, type SkyfoxClient } from "../../src/index.ts";
import { connect, errorOf, signIn } from "../connect.ts";

const app = await createTestApp();

/** What is written in the code on a booking's ticket. */
function ticketOf({
  bookingId,
  showId,
  seatNumbers,
}: {
  bookingId: number;
  showId: number;
  seatNumbers: string[];
}) {
  return app.deps.tickets.sign({ bookingId, showId, seatNumbers });
}

async function signInStaff(role: "staff" | "admin"): Promise<{ username: string; skyfox: SkyfoxClient }> {
  const person = await givenStaff(app.deps, role);
  return { username: person.username, skyfox: connect(app, await tokenOf(app.deps, person)) };
}

test("seats are sold at the counter and online, and their people come to the door", async () => {
  const { skyfox: counter } = await signInStaff("admin");
  const { skyfox: door, username: doorman } = await signInStaff("staff");
  const customer = await signIn(app);
  // Half past four this afternoon; it is noon.
  const showId = await givenShow(app, { date: "2026-03-10" });

  const walkIn = { customerName: "Ravi Kumar", phoneNumber: "9123456780" };
  const sale = { showId, ...walkIn, seatNumbers: ["A1", "F1"] };
  const wrong = counter.admin.createBooking.mutate({ ...sale, amountPaid: new Decimal("500") });
  expect(domainErrorOf(await errorOf(wrong))).toMatchObject({
    code: "INVALID_AMOUNT",
    details: { expected: new Decimal("550.00") },
  });
  const sold = await counter.admin.createBooking.mutate({ ...sale, amountPaid: new Decimal("550") });
  expect(sold).toMatchObject({ status: "Confirmed", paymentType: "Cash", customerName: "Ravi Kumar" });

  const taken = customer.booking.initialize.mutate({ showId, seatNumbers: ["A1", "A2"] });
  expect(domainErrorOf(await errorOf(taken))).toMatchObject({ details: { seatNumbers: ["A1"] } });
  const { bookingId } = await customer.booking.initialize.mutate({ showId, seatNumbers: ["A2"] });
  const paid = await customer.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });

  const { items } = await door.admin.doorList.query();
  expect(items.map((booking) => [booking.customerName, booking.seatNumbers.join(" ")])).toEqual([
    ["Ravi Kumar", "A1 F1"],
    ["Asha Rao", "A2"],
  ]);
  expect(
    await door.admin.checkIn.mutate({ bookingIds: [sold.bookingId, bookingId, sold.bookingId] }),
  ).toEqual({
    checkedIn: [],
    alreadyDone: [],
    invalid: [
      { bookingId: sold.bookingId, reason: "TOO_EARLY" },
      { bookingId, reason: "TOO_EARLY" },
    ],
  });

  app.clock.set(new Date(sold.startsAt.getTime() - 3_600_000));
  expect(await door.admin.checkIn.mutate({ bookingIds: [sold.bookingId] })).toMatchObject({
    checkedIn: [sold.bookingId],
  });
  const ticket = await ticketOf(sold);
  const again = await door.admin.checkInTicket.mutate({ ticket, showId });
  expect(again).toMatchObject({ outcome: "alreadyDone", at: app.clock.now(), by: doorman });
  expect(again.booking?.status).toBe("CheckedIn");

  const online = { ticket: await ticketOf(paid), showId };
  expect(await door.admin.checkInTicket.mutate(online)).toMatchObject({
    outcome: "checkedIn",
    booking: { customerName: "Asha Rao" },
  });
  expect(await door.admin.checkInTicket.mutate(online)).toMatchObject({ outcome: "alreadyDone" });
  expect(await door.admin.checkInTicket.mutate({ ticket: "https://example.com" })).toEqual({
    outcome: "invalid",
    reason: "FORGED",
  });
  expect((await customer.booking.byId.query({ bookingId })).status).toBe("CheckedIn");
});

test("a sale at the counter whose answer was lost is answered when it is repeated, and made once", async () => {
  const { skyfox } = await signInStaff("admin");
  const showId = await givenShow(app, { date: "2026-03-12" });
  const sale = { showId, customerName: "Ravi Kumar", phoneNumber: "9123456780", seatNumbers: ["A1"] };
  const options = { idempotencyKey: "kept by the till" };
  const sold = await skyfox.admin.createBooking.mutate(sale, options);
  expect(await skyfox.admin.createBooking.mutate(sale, options)).toEqual(sold);
  expect((await skyfox.admin.doorList.query({ showId })).items).toEqual([sold]);
});
