import { generateKeyPairSync } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { givenBooking, givenCounterSale, problemOf } from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, tokenOf } from "../../test/given.ts";
import { mutate } from "../../test/rpc-call.ts";
import { createTestApp, testStart } from "../../test/test-app.ts";
import { outcomesOf, together } from "../../test/together.ts";
import { getBooking } from "../booking/get-booking.ts";
import { maxTicketLength, type CheckInTicketOutput } from "../contract/index.ts";
import type { Ticket } from "../contract/index.ts";
import { createTicketTokens } from "../ticket/ticket-tokens.ts";
import { cancelShow } from "../booking/cancel-show.ts";
import { checkInTicket } from "./check-in-ticket.ts";
import { checkIn } from "./check-in.ts";
import { refundBooking } from "../booking/refund-booking.ts";

const app = await createTestApp();
const { deps, clock } = app;
const admin = await givenStaff(deps, "admin");
const staff = await givenStaff(deps, "staff");
beforeEach(() => clock.set(testStart));

/** When the shows of these tests start and end. */
const startsAt = new Date("2026-03-11T11:00:00Z");
const endsAt = new Date("2026-03-11T14:00:00Z");

/** One seat that was sold, with its ticket. */
async function givenTicket(show?: { showId: number; seat: string }) {
  const { showId, seat } = show ?? { showId: await givenShow(app), seat: "A1" };
  const bookingId = await givenCounterSale(app, showId, seat);
  const says: Ticket = { bookingId, showId, seatNumbers: [seat] };
  return { bookingId, showId, says, ticket: await deps.tickets.sign(says) };
}

function scan(ticket: string, showId?: number, user = staff): Promise<CheckInTicketOutput> {
  return checkInTicket(deps, user, { ticket, showId });
}

function bookingOf(bookingId: number) {
  return getBooking(deps, staff, { bookingId });
}

const forged = { outcome: "invalid", reason: "FORGED" };

describe("a ticket at the door", () => {
  test("lets its people in, with all that its booking says", async () => {
    const { bookingId, showId, ticket } = await givenTicket();
    clock.set(startsAt);
    const answer = await scan(ticket, showId);
    expect(answer).toEqual({ outcome: "checkedIn", booking: await bookingOf(bookingId) });
    expect(answer.booking).toMatchObject({
      status: "CheckedIn",
      customerName: "Walk In",
      seatNumbers: ["A1"],
    });
  });

  test("of seats in whatever order is the same ticket, of a customer too", async () => {
    const { bookingId, showId, seatNumbers } = await givenBooking(app, await givenCustomer(deps), "wallet");
    clock.set(startsAt);
    expect(await scan(await deps.tickets.sign({ bookingId, showId, seatNumbers }))).toMatchObject({
      outcome: "checkedIn",
      booking: { paymentType: "Wallet" },
    });
  });

  test("a second time says when and by whom it was used", async () => {
    const { bookingId, ticket } = await givenTicket();
    clock.set(startsAt);
    await scan(ticket);
    clock.advance(60_000);
    expect(await scan(ticket, undefined, admin)).toEqual({
      outcome: "alreadyDone",
      at: startsAt,
      by: staff.username,
      booking: await bookingOf(bookingId),
    });
  });

  test("is used up as well when its booking was checked in by its number", async () => {
    const { bookingId, ticket } = await givenTicket();
    clock.set(startsAt);
    await checkIn(deps, admin, { bookingIds: [bookingId] });
    expect(await scan(ticket)).toMatchObject({ outcome: "alreadyDone", by: admin.username });
  });

  test("of ten scanned at once lets in once", async () => {
    const { ticket } = await givenTicket();
    clock.set(startsAt);
    const { won } = outcomesOf(await together(Array.from({ length: 10 }, () => () => scan(ticket))));
    expect(won.map(({ outcome }) => outcome).toSorted()).toEqual([
      ...Array.from({ length: 9 }, () => "alreadyDone"),
      "checkedIn",
    ]);
  });

  test.each([
    ["TOO_EARLY", startsAt, -3_600_001],
    [undefined, startsAt, -3_600_000],
    [undefined, endsAt, 0],
    ["TOO_LATE", endsAt, 1],
  ])("is refused with %s at %s and %d ms", async (reason, time, ms) => {
    const { bookingId, ticket } = await givenTicket();
    clock.set(new Date(time.getTime() + ms));
    const answer = await scan(ticket);
    const booking = await bookingOf(bookingId);
    expect(answer).toEqual(
      reason === undefined ? { outcome: "checkedIn", booking } : { outcome: "invalid", reason, booking },
    );
  });

  test("may have been read with a line break behind it", async () => {
    const { showId, ticket } = await givenTicket();
    clock.set(startsAt);
    const token = await tokenOf(deps, await givenStaff(deps, "staff"));
    const { data } = await mutate(app, "admin.checkInTicket", { ticket: `${ticket}\r\n`, showId }, { token });
    expect(data).toMatchObject({ outcome: "checkedIn" });
  });
});

describe("a ticket is refused", () => {
  test("at the door of another show, and is still good at its own", async () => {
    const { bookingId, showId, ticket } = await givenTicket();
    clock.set(startsAt);
    for (const other of [await givenShow(app), 999_999_999])
      expect(await scan(ticket, other)).toEqual({
        outcome: "invalid",
        reason: "WRONG_SHOW",
        booking: await bookingOf(bookingId),
      });
    expect(await scan(ticket, showId)).toMatchObject({ outcome: "checkedIn" });
  });

  test("when its money was given back, also when the seat was sold again", async () => {
    const { bookingId, showId, ticket } = await givenTicket();
    await refundBooking(deps, admin, { bookingId, to: "source", reason: "Ill" });
    const again = await givenTicket({ showId, seat: "A1" });
    clock.set(startsAt);
    expect(await scan(ticket)).toMatchObject({
      outcome: "invalid",
      reason: "NOT_CONFIRMED",
      booking: { status: "Refunded" },
    });
    expect(await scan(again.ticket)).toMatchObject({ outcome: "checkedIn" });
  });

  test("when its show is cancelled", async () => {
    const { showId, ticket } = await givenTicket();
    clock.set(startsAt);
    await cancelShow(deps, admin, { showId, reason: "A power cut" });
    expect(await scan(ticket)).toMatchObject({ outcome: "invalid", reason: "NOT_CONFIRMED" });
  });

  test("when there is no such booking", async () => {
    const ticket = await deps.tickets.sign({ bookingId: 999_999_999, showId: 1, seatNumbers: ["A1"] });
    expect(await scan(ticket)).toEqual({ outcome: "invalid", reason: "NOT_FOUND" });
  });
});

describe("a ticket is forged, and tells of no booking,", () => {
  test("when another key signed it, or it was changed", async () => {
    const { bookingId, says, ticket } = await givenTicket();
    clock.set(startsAt);
    const strangers = { signing: generateKeyPairSync("ed25519").privateKey, retired: [] };
    const [header, payload, signature] = ticket.split(".") as [string, string, string];
    const otherPayload = Buffer.from(JSON.stringify({ ...says, seatNumbers: ["A2"] })).toString("base64url");
    for (const wrong of [
      await createTicketTokens(strangers).sign(says),
      [header, otherPayload, signature].join("."),
      [header, payload, ""].join("."),
      [Buffer.from('{"alg":"none"}').toString("base64url"), payload, ""].join("."),
      await tokenOf(deps, staff),
      String(bookingId),
      "https://example.com",
      "",
    ])
      expect([wrong, await scan(wrong)]).toEqual([wrong, forged]);
    expect((await bookingOf(bookingId)).status).toBe("Confirmed");
  });

  test.each([
    ["another show", { showId: 999_999_999 }],
    ["other seats", { seatNumbers: ["A2"] }],
    ["more seats", { seatNumbers: ["A1", "A2"] }],
    ["one seat twice", { seatNumbers: ["A1", "A1"] }],
  ])("when it names %s than its booking, also with our signature", async (_, change) => {
    const { bookingId, says } = await givenTicket();
    clock.set(startsAt);
    expect(await scan(await deps.tickets.sign({ ...says, ...change }))).toEqual(forged);
    expect((await bookingOf(bookingId)).status).toBe("Confirmed");
  });

  test("when it is as long as a code can be; longer ones are no tickets at all", async () => {
    const token = await tokenOf(deps, staff);
    const call = (length: number) =>
      mutate(app, "admin.checkInTicket", { ticket: "a".repeat(length) }, { token });
    expect((await call(maxTicketLength)).data).toEqual(forged);
    expect((await call(maxTicketLength + 1)).error?.data.fields?.map(({ field }) => field)).toEqual([
      "ticket",
    ]);
  });
});

test("a ticket is shown to staff and admins, not to customers", async () => {
  const { bookingId, ticket } = await givenTicket();
  const token = await tokenOf(deps, await givenCustomer(deps));
  const { error } = await mutate(app, "admin.checkInTicket", { ticket }, { token });
  expect(error?.data.domain).toEqual({ code: "FORBIDDEN", details: { requiredRoles: ["staff", "admin"] } });
  clock.set(startsAt);
  expect(await problemOf(scan(ticket, undefined, admin))).toBe("accepted");
  expect((await bookingOf(bookingId)).status).toBe("CheckedIn");
});
