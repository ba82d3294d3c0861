import {
  bookingSchema,
  cinemaOutput,
  holdSchema,
  logInOutput,
  movieSchema,
  seatMapSchema,
  showSchema,
  walletSchema,
} from "@skyfox/server/contract";
import { bookingStatuses, Decimal } from "@skyfox/server/contract/plain";
import { expect, test } from "vitest";
import {
  makeBooking,
  makeCinema,
  makeHold,
  makeLogin,
  makeMovie,
  makeSeatMap,
  makeShow,
  makeWallet,
} from "./testing.ts";

test.each([
  ["makeBooking", bookingSchema, makeBooking()],
  ["makeCinema", cinemaOutput, makeCinema()],
  ["makeHold", holdSchema, makeHold()],
  ["makeLogin", logInOutput, makeLogin()],
  ["makeMovie", movieSchema, makeMovie()],
  ["makeSeatMap", seatMapSchema, makeSeatMap()],
  ["makeShow", showSchema, makeShow()],
  ["makeWallet", walletSchema, makeWallet()],
])("what %s makes is what the server answers", (_name, schema, sample) => {
  expect(schema.parse(sample)).toEqual(sample);
});

test.each(bookingStatuses)("a booking that is %s hangs together", (status) => {
  const booking = makeBooking({ status, seatNumbers: ["B1", "B2", "B3"] });
  const isHeld = ["Pending", "Paying"].includes(status);
  const isPaid = ["Confirmed", "CheckedIn", "Refunded"].includes(status);
  expect(bookingSchema.parse(booking)).toEqual(booking);
  expect(booking.amountDue.toFixed(2)).toBe("600.00");
  expect(booking.amountPaid.toFixed(2)).toBe(isPaid ? "600.00" : "0.00");
  expect(booking.walletAmount.plus(booking.cardAmount)).toEqual(booking.amountPaid);
  expect([booking.paymentType !== null, booking.transactionId !== null]).toEqual([isPaid, isPaid]);
  expect([booking.expiresAt !== null, booking.timeRemainingMs !== null]).toEqual([isHeld, isHeld]);
  expect(booking.refund?.amount.toFixed(2)).toBe(status === "Refunded" ? "600.00" : undefined);
});

test("what is given is kept, and the rest follows from it", () => {
  const show = makeShow({ startsAt: new Date("2026-03-12T20:30:00Z"), movie: makeMovie({ title: "Heat" }) });
  expect(show).toMatchObject({
    date: "2026-03-12",
    endsAt: new Date("2026-03-12T23:30:00Z"),
    slot: { startTime: "20:30", endTime: "23:30" },
    movie: { title: "Heat" },
  });
  expect(makeHold({ seatNumbers: ["A1"], timeRemainingMs: 0 })).toMatchObject({
    amountDue: new Decimal(200),
    timeRemainingMs: 0,
  });
  expect(makeBooking({ paymentType: "Wallet" })).toMatchObject({
    walletAmount: new Decimal(400),
    cardAmount: new Decimal(0),
  });
  expect(makeWallet({ balance: new Decimal(7) }).available).toEqual(new Decimal(7));
});

test("a seat map has the seats that are named as taken", () => {
  const { rows } = makeSeatMap({ held: ["A1"], sold: ["A2", "E8"] });
  const taken = rows.flatMap(({ seats }) => seats).filter(({ status }) => status !== "free");
  expect(taken.map(({ seatNumber, status }) => `${seatNumber} ${status}`)).toEqual([
    "A1 held",
    "A2 sold",
    "E8 sold",
  ]);
});
