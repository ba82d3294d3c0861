import { describe, expect, test } from "vitest";
import {
  givenCheckIn,
  givenBooking,
  givenCounterSale,
  givenFunds,
  givenHold,
} from "../../test/given-money.ts";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { openPicture, printPages, scan } from "../../test/read-ticket.ts";
import { query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { refundBooking } from "./refund-booking.ts";
import type { Booking, BookingStatus, TicketPdf, TicketQr } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { cancelBooking } from "./cancel-booking.ts";
import { holdSeats } from "./hold-seats.ts";
import { payBooking } from "./pay-booking.ts";

const app = await createTestApp();
const { deps, clock } = app;
const procedures = ["booking.ticketQr", "booking.ticketPdf"];

async function fetchTicket(path: string, bookingId: number, user: User) {
  return await query<TicketQr | TicketPdf>(app, path, { bookingId }, { token: await tokenOf(deps, user) });
}

async function fetchPdf(bookingId: number, user: User): Promise<Buffer> {
  const { data } = await fetchTicket("booking.ticketPdf", bookingId, user);
  return Buffer.from(data!.data, "base64");
}

async function givenPaid(): Promise<{ customer: User; booking: Booking }> {
  const customer = await givenCustomer(deps);
  return { customer, booking: await givenBooking(app, customer, "card") };
}

describe("the code", () => {
  test("is a PNG of 256 pixels, and says the ticket's token", async () => {
    const { customer, booking } = await givenPaid();
    const { status, data } = await fetchTicket("booking.ticketQr", booking.bookingId, customer);
    expect([status, data?.mimeType, data?.encoding]).toEqual([200, "image/png", "base64"]);
    const file = Buffer.from(data!.data, "base64");
    expect(file.subarray(1, 4).toString()).toBe("PNG");
    const picture = await openPicture(file);
    expect([picture.width, picture.height]).toEqual([256, 256]);
    const { bookingId, showId } = booking;
    expect(await deps.tickets.verify(scan(picture))).toEqual({ bookingId, showId, seatNumbers: ["A1"] });
  });

  test("is drawn sixty times a minute for one account, and for others all the same", async () => {
    const { customer, booking } = await givenPaid();
    const { customer: other, booking: theirs } = await givenPaid();
    const statuses = new Set<number>();
    for (let turn = 0; turn < 60; turn += 1)
      statuses.add((await fetchTicket("booking.ticketQr", booking.bookingId, customer)).status);
    expect([...statuses]).toEqual([200]);
    for (const path of procedures) {
      const { error } = await fetchTicket(path, booking.bookingId, customer);
      expect(error?.data.domain).toMatchObject({ code: "RATE_LIMITED" });
      expect((await fetchTicket(path, theirs.bookingId, other)).status).toBe(200);
    }
  });

  test("can be read with ten seats too", async () => {
    const customer = await givenCustomer(deps);
    const showId = await givenShow(app);
    const seatNumbers = Array.from({ length: 10 }, (_, index) => `J${index + 1}`);
    const { bookingId } = await holdSeats(deps, customer, { showId, seatNumbers });
    await payBooking(deps, customer, { bookingId, method: "Card", card: goodCard });
    const { data } = await fetchTicket("booking.ticketQr", bookingId, customer);
    const token = scan(await openPicture(Buffer.from(data!.data, "base64")));
    expect(await deps.tickets.verify(token)).toEqual({ bookingId, showId, seatNumbers });
  });

  test("names nobody", async () => {
    const { customer, booking } = await givenPaid();
    const { data } = await fetchTicket("booking.ticketQr", booking.bookingId, customer);
    const token = scan(await openPicture(Buffer.from(data!.data, "base64")));
    const said = token
      .split(".")
      .slice(0, 2)
      .map((part) => Buffer.from(part, "base64url").toString());
    for (const personal of [customer.username, booking.customerName, booking.phoneNumber])
      expect(said.join()).not.toContain(personal);
  });
});

describe("the ticket to print", () => {
  test("is one A4 page with the same code", async () => {
    const { customer, booking } = await givenPaid();
    const { data } = await fetchTicket("booking.ticketPdf", booking.bookingId, customer);
    expect([data?.mimeType, data?.encoding]).toEqual(["application/pdf", "base64"]);
    const [page, ...others] = await printPages(Buffer.from(data!.data, "base64"));
    expect(others).toEqual([]);
    expect([page?.width.toFixed(), page?.height.toFixed()]).toEqual(["595", "842"]);
    const qr = await fetchTicket("booking.ticketQr", booking.bookingId, customer);
    const token = scan(await openPicture(Buffer.from(qr.data!.data, "base64")));
    expect(scan(page!.pixels)).toBe(token);
  });

  test("says the cinema, the movie, when and where, the seats, the amount, who paid how, and the house notes", async () => {
    const { customer, booking } = await givenPaid();
    const [page] = await printPages(await fetchPdf(booking.bookingId, customer));
    for (const said of [
      "The Test Cinema",
      booking.movieTitle,
      "Wednesday, 11 March 2026",
      "16:30",
      "Screen",
      "A1",
      "₹200.00",
      "Card",
      booking.customerName,
      `Booking ${booking.bookingId}`,
      "10 March 2026, 12:00",
      "Confirmed",
      "House notes",
    ])
      expect(page?.text).toContain(said);
  });

  test("says how much the wallet paid, and how much the card", async () => {
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenBooking(app, customer, "both");
    const [page] = await printPages(await fetchPdf(bookingId, customer));
    expect(page?.text.replaceAll(/\s+/g, " ")).toContain("Wallet ₹50.00, card ₹150.00");
    await givenFunds(app, customer, "200");
    const whole = await givenBooking(app, customer, "wallet");
    const [other] = await printPages(await fetchPdf(whole.bookingId, customer));
    expect(other?.text).toContain("Wallet");
    expect(other?.text).not.toMatch(/Wallet ₹|card ₹/);
  });

  test("is there for a sale at the counter, to the name given there", async () => {
    const bookingId = await givenCounterSale(app, await givenShow(app), "C3");
    const [page] = await printPages(await fetchPdf(bookingId, await givenStaff(deps, "staff")));
    for (const said of ["Walk In", "Cash", "C3"]) expect(page?.text).toContain(said);
  });

  test("says that the people have come", async () => {
    const { customer, booking } = await givenPaid();
    await givenCheckIn(app, booking.bookingId);
    const [page] = await printPages(await fetchPdf(booking.bookingId, customer));
    expect(page?.text).toContain("Checked in");
    expect(page?.text).not.toContain("Confirmed");
  });

  test("is the same each time it is printed, however late", async () => {
    const { customer, booking } = await givenPaid();
    const pdf = await fetchPdf(booking.bookingId, customer);
    clock.advance(60_000);
    expect((await fetchPdf(booking.bookingId, customer)).equals(pdf)).toBe(true);
  });

  test("writes amounts in the cinema's currency and times in its zone", async () => {
    const settings = { currency: "EUR", cinemaTimeZone: "America/New_York" };
    const abroad = await createTestApp({ settings });
    const customer = await givenCustomer(abroad.deps);
    const { bookingId } = await givenBooking(abroad, customer, "card");
    const token = await tokenOf(abroad.deps, customer);
    const { data } = await query<TicketPdf>(abroad, "booking.ticketPdf", { bookingId }, { token });
    const [page] = await printPages(Buffer.from(data!.data, "base64"));
    for (const said of ["€200.00", "16:30", "10 March 2026, 02:30", "America/New_York"])
      expect(page?.text).toContain(said);
  });

  test("is printed while no connection to the database is held", async () => {
    const single = await createTestApp({ beside: app, maxConnections: 1 });
    const { customer, booking } = await givenPaid();
    const { print } = single.deps.printer;
    let seen: Booking | undefined;
    single.deps.printer.print = async (contents) => {
      const token = await tokenOf(deps, customer);
      seen = (await query<Booking>(single, "booking.byId", { bookingId: booking.bookingId }, { token })).data;
      return await print(contents);
    };
    const token = await tokenOf(deps, customer);
    const answer = await query(single, "booking.ticketPdf", { bookingId: booking.bookingId }, { token });
    expect([answer.status, seen?.bookingId]).toEqual([200, booking.bookingId]);
  });
});

describe.each(procedures)("%s", (path) => {
  test("is for the owner, staff and admins", async () => {
    const { customer, booking } = await givenPaid();
    const people = [customer, await givenStaff(deps, "staff"), await givenStaff(deps, "admin")];
    for (const user of people) expect((await fetchTicket(path, booking.bookingId, user)).status).toBe(200);
  });

  test("answers for another customer's booking exactly as for one that does not exist", async () => {
    const { booking } = await givenPaid();
    const stranger = await givenCustomer(deps);
    const foreign = await fetchTicket(path, booking.bookingId, stranger);
    const none = await fetchTicket(path, 2_000_000_000, stranger);
    expect([foreign.status, foreign.error?.data.domain]).toEqual([
      404,
      { code: "BOOKING_NOT_FOUND", details: null },
    ]);
    const withoutId = ({ text, error }: typeof none) => text.replaceAll(error!.data.requestId, "");
    expect(withoutId(foreign)).toBe(withoutId(none));
    const hold = await givenHold(app, await givenCustomer(deps));
    expect(withoutId(await fetchTicket(path, hold.bookingId, stranger))).toBe(withoutId(none));
  });

  test("has none for a booking that is not Confirmed or CheckedIn, and says what it is", async () => {
    const customer = await givenCustomer(deps);
    const staff = await givenStaff(deps, "staff");
    const refusalsOf = async (bookingId: number) => {
      const answers = [
        await fetchTicket(path, bookingId, customer),
        await fetchTicket(path, bookingId, staff),
      ];
      return answers.map(({ status, error }) => [status, error?.data.domain]);
    };
    const refused = (status: BookingStatus) => {
      const answer = [409, { code: "TICKET_NOT_AVAILABLE", details: { status } }];
      return [answer, answer];
    };
    const pending = await givenHold(app, customer);
    expect(await refusalsOf(pending.bookingId)).toEqual(refused("Pending"));
    const paid = await givenBooking(app, customer, "card");
    const admin = await givenStaff(deps, "admin");
    const refund = { bookingId: paid.bookingId, to: "wallet", reason: "The projector is broken." } as const;
    await refundBooking(deps, admin, refund);
    expect(await refusalsOf(paid.bookingId)).toEqual(refused("Refunded"));
    const given = await givenHold(app, customer);
    await cancelBooking(deps, customer, { bookingId: given.bookingId });
    expect(await refusalsOf(given.bookingId)).toEqual(refused("Cancelled"));
    const overdue = await givenHold(app, customer);
    clock.advance(300_000);
    expect(await refusalsOf(overdue.bookingId)).toEqual(refused("Expired"));
  });

  test("has none while the payment is under way", async () => {
    const paying = await createTestApp({ beside: app });
    const { charge } = paying.deps.gateway;
    const customer = await givenCustomer(deps);
    const { bookingId } = await givenHold(app, customer);
    let meanwhile: Awaited<ReturnType<typeof fetchTicket>> | undefined;
    paying.deps.gateway.charge = async (asked) => {
      meanwhile = await fetchTicket(path, bookingId, customer);
      return await charge(asked);
    };
    await payBooking(paying.deps, customer, { bookingId, method: "Card", card: goodCard });
    const details = { status: "Paying" };
    expect(meanwhile?.error?.data.domain).toEqual({ code: "TICKET_NOT_AVAILABLE", details });
    expect((await fetchTicket(path, bookingId, customer)).status).toBe(200);
  });

  test("needs a session", async () => {
    expect((await query(app, path, { bookingId: 1 })).error?.data.domain?.code).toBe("MISSING_TOKEN");
  });
});
