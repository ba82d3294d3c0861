import { expect, test } from "vitest";
import { givenShow, goodCard } from "../../../server/test/given.ts";
import { openPicture, printPages, scan } from "../../../server/test/read-ticket.ts";
import { createTestApp } from "../../../server/test/test-app.ts";
import { Decimal, type SeatMap } from "../../src/index.ts";
import { verifyTicket } from "../../src/tickets.ts";
import { connect, newCustomer } from "../connect.ts";

const app = await createTestApp();

test("a new customer signs up, finds a show, holds two seats, pays and has a ticket", async () => {
  const showId = await givenShow(app, { date: "2026-03-12", slotId: 4, cost: "200.00" });
  const anyone = connect(app);
  const customer = newCustomer();

  const questions = await anyone.auth.securityQuestions.query();
  const securityQuestionId = questions[0]?.id ?? 0;
  expect(await anyone.auth.signup.mutate({ ...customer, securityQuestionId })).toEqual({
    username: customer.username,
    name: "Asha Rao",
  });
  const { username, password } = customer;
  const login = await anyone.auth.login.mutate({ username, password });
  expect(login).toMatchObject({ user: { username, role: "customer" } });
  expect(login.expiresAt).toEqual(new Date("2026-03-11T06:30:00Z"));

  const skyfox = connect(app, login.token);
  expect(await skyfox.auth.me.query()).toMatchObject({ role: "customer", name: "Asha Rao" });

  const week = Array.from({ length: 7 }, (_, day) => `2026-03-${10 + day}`);
  const days = await Promise.all(week.map((date) => skyfox.show.list.query({ date })));
  const shows = days.flat();
  expect(shows.map(({ id, date }) => ({ id, date }))).toEqual([{ id: showId, date: "2026-03-12" }]);
  expect(shows[0]).toMatchObject({ availableSeats: 100, startsAt: new Date("2026-03-12T15:00:00Z") });
  expect(shows[0]?.cost).toEqual(new Decimal("200.00"));

  const before = await skyfox.show.seatMap.query({ showId });
  expect(seat(before, "A1")).toMatchObject({ type: "Standard", status: "free" });
  expect(seat(before, "F1")).toMatchObject({ type: "Deluxe", status: "free" });
  const price = before.prices.Standard.plus(before.prices.Deluxe);

  const hold = await skyfox.booking.initialize.mutate({ showId, seatNumbers: ["A1", "F1"] });
  const { bookingId } = hold;
  expect(hold).toEqual({
    bookingId,
    showId,
    seatNumbers: ["A1", "F1"],
    amountDue: price,
    expiresAt: new Date("2026-03-10T06:35:00Z"),
    timeRemainingMs: 300_000,
  });
  expect(hold.amountDue.toFixed(2)).toBe("550.00");
  expect(seat(await skyfox.show.seatMap.query({ showId }), "A1")?.status).toBe("held");

  const paid = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });
  expect(paid).toMatchObject({ bookingId, status: "Confirmed", paymentType: "Card", expiresAt: null });
  expect(paid.amountPaid).toEqual(price);
  expect(app.gateway.books().charges).toMatchObject([
    { amount: "550.00", transactionId: paid.transactionId },
  ]);

  const [byId, latest, list, after] = await Promise.all([
    skyfox.booking.byId.query({ bookingId }),
    skyfox.booking.latest.query(),
    skyfox.booking.list.query({ status: "Confirmed" }),
    skyfox.show.seatMap.query({ showId }),
  ]);
  expect(byId).toEqual(paid);
  expect(latest).toEqual(paid);
  expect(list).toEqual({ items: [paid], nextCursor: null });
  expect(seat(after, "A1")?.status).toBe("sold");
  expect(seat(after, "F1")?.status).toBe("sold");
  expect(seat(after, "A2")?.status).toBe("free");
  expect(after.version).toBeGreaterThan(before.version);

  const [qr, keys] = await Promise.all([skyfox.booking.ticketQr.query({ bookingId }), skyfox.tickets.keys()]);
  const token = scan(await openPicture(Buffer.from(qr.data, "base64")));
  const ticket = { bookingId, showId, seatNumbers: ["A1", "F1"] };
  expect(await verifyTicket(token, keys)).toEqual({ valid: true, ticket });
  const pdf = await skyfox.booking.ticketPdf.query({ bookingId });
  const [page] = await printPages(Buffer.from(pdf.data, "base64"));
  expect(scan(page!.pixels)).toBe(token);
});

function seat(seatMap: SeatMap, seatNumber: string) {
  return seatMap.rows.flatMap(({ seats }) => seats).find((one) => one.seatNumber === seatNumber);
}
