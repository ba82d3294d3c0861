import { z } from "zod";
import { paymentTypes, seatTypes } from "./choices.ts";
import { maxSeatsPerBooking } from "./constants.ts";
import { bookingStatuses } from "./statuses.ts";
import { amountSchema } from "./amounts.ts";
import { idSchema, noInput, pageFields, pageOf } from "./page.ts";
import { cinemaDateSchema } from "./show.ts";

// What a refusal repeats of a text that is no seat number.
const repeatedLength = 20;

const seatNumber = /^[A-Z]{1,2}[1-9][0-9]?$/;

/** One to ten different seats; breaking that is `INVALID_SEAT` or `TOO_MANY_SEATS`, not a validation error. */
export const seatNumbersSchema = z
  .array(z.string())
  .min(1, "Choose at least one seat.")
  .superRefine((seats, context) => {
    if (seats.length > maxSeatsPerBooking) {
      context.addIssue(tooManySeats());
      return;
    }
    const wrong = seats.filter((seat, index) => !seatNumber.test(seat) || seats.indexOf(seat) !== index);
    if (wrong.length > 0) {
      const seatNumbers = wrong.map((seat) => seat.slice(0, repeatedLength));
      context.addIssue(
        domainIssue("INVALID_SEAT", { seatNumbers }, "A seat is named like A1, and only once."),
      );
    }
  });

function tooManySeats() {
  const message = `A booking has at most ${maxSeatsPerBooking} seats.`;
  return domainIssue("TOO_MANY_SEATS", { max: maxSeatsPerBooking }, message);
}

function domainIssue(code: string, details: unknown, message: string) {
  return { code: "custom" as const, message, params: { domain: { code, details } } };
}

/** What `booking.initialize` takes: a show and one to ten of its seats, of which all are held or none. */
export const holdSeatsInput = z.strictObject({ showId: idSchema, seatNumbers: seatNumbersSchema });

/** The show and the seats to hold, in the order in which the caller named them. */
export type HoldSeatsInput = z.output<typeof holdSeatsInput>;

/** What `booking.changeSeats` takes: one's own hold and one to ten seats of its show, which it gets instead of its own, all or none. */
export const changeSeatsInput = z.strictObject({ bookingId: idSchema, seatNumbers: seatNumbersSchema });

/** The hold, and all seats that it is to have; those among them that it has already stay held. */
export type ChangeSeatsInput = z.output<typeof changeSeatsInput>;

/** What `booking.initializeBest` and `show.bestAvailable` take: a show, how many adjacent seats (more than ten is `TOO_MANY_SEATS`), and of which type. */
export const bestSeatsInput = z.strictObject({
  showId: idSchema,
  count: z
    .int()
    .min(1, "Choose at least one seat.")
    .superRefine((count, context) => {
      if (count > maxSeatsPerBooking) context.addIssue(tooManySeats());
    }),
  type: z.enum(seatTypes).optional(),
});

/** The show, how many seats side by side, and their type if it matters. */
export type BestSeatsInput = z.output<typeof bestSeatsInput>;

/** A hold: pay before `expiresAt`; `timeRemainingMs` is the same by the server's clock, for a countdown. */
export const holdSchema = z.object({
  bookingId: idSchema,
  showId: idSchema,
  seatNumbers: z.array(z.string()),
  amountDue: amountSchema,
  expiresAt: z.date(),
  timeRemainingMs: z.int(),
});

/** Seats held for one customer until `expiresAt`, and what they cost. */
export type Hold = z.output<typeof holdSchema>;

// As people type and paste it: 4242 4242 4242 4242, or with hyphens.
const cardNumber = z
  .string()
  .overwrite((number) => number.replaceAll(/[\s-]/g, ""))
  .regex(/^\d{12,19}$/, { error: "Card number must have 12 to 19 digits", abort: true })
  .refine(passesLuhn, "Card number is not valid");

/** A payment card; spaces and hyphens in its number are dropped, a month may be `1` or `01`, a year `30` or `2030`. Digits, Luhn sum and form are checked here in the gateway's words, the expiry month by the server's clock. */
export const cardSchema = z.strictObject({
  number: cardNumber,
  cvv: z.string().regex(/^\d{3,4}$/, "CVV must have 3 or 4 digits"),
  expiryMonth: z
    .string()
    .regex(/^(0?[1-9]|1[0-2])$/, "Expiry must be MM/YY")
    .overwrite((month) => month.padStart(2, "0")),
  expiryYear: z
    .string()
    .regex(/^(20)?\d{2}$/, "Expiry must be MM/YY")
    .overwrite((year) => year.slice(-2)),
  cardholderName: z
    .string()
    .trim()
    .min(1, "Name on card is required")
    .max(100, "Name on card must have at most 100 characters"),
});

/** A card whose form has been checked; whether it is still valid and is charged, the server and the gateway decide. */
export type Card = z.output<typeof cardSchema>;

/**
 * What `booking.pay` takes: one's own live hold, and how it is paid. By `Card` the card is charged the whole amount due; by `Wallet` the wallet
 * pays, and a card, where there is one, exactly what the wallet lacks.
 */
export const payBookingInput = z.discriminatedUnion("method", [
  z.strictObject({ bookingId: idSchema, method: z.literal("Card"), card: cardSchema }),
  z.strictObject({ bookingId: idSchema, method: z.literal("Wallet"), card: cardSchema.optional() }),
]);

/** The hold to pay for, the method and the checked card. */
export type PayBookingInput = z.output<typeof payBookingInput>;

/** What `booking.byId` and `booking.cancel` take. */
export const bookingIdInput = z.strictObject({ bookingId: idSchema });

/** The one booking that a call is about. */
export type BookingIdInput = z.output<typeof bookingIdInput>;

/** A booking as its owner, staff and admins see it. Before payment `amountPaid` is 0 and `paymentType` null. */
export const bookingSchema = z.object({
  bookingId: idSchema,
  showId: idSchema,
  showDate: cinemaDateSchema,
  showTime: z.string(),
  startsAt: z.date(),
  movieTitle: z.string(),
  screenName: z.string(),
  seatNumbers: z.array(z.string()),
  amountDue: amountSchema,
  amountPaid: amountSchema,
  paymentType: z.enum(paymentTypes).nullable(),
  walletAmount: amountSchema,
  cardAmount: amountSchema,
  status: z.enum(bookingStatuses),
  bookingTime: z.date(),
  /** Until when the seats are held; null once they are paid for or the booking has ended. */
  expiresAt: z.date().nullable(),
  // Left out only by answers that were kept before there was such a field.
  /** Milliseconds until `expiresAt` by the server's clock, for a countdown; 0 while a payment goes on past it. Null when `expiresAt` is. */
  timeRemainingMs: z.int().nullable().default(null),
  customerName: z.string(),
  phoneNumber: z.string(),
  /** The gateway's reference of the payment that counts. */
  transactionId: z.string().nullable(),
  refund: z
    .object({
      amount: amountSchema,
      to: z.enum(["source", "wallet", "counter"]),
      state: z.enum(["pending", "done"]),
      at: z.date(),
    })
    .nullable(),
});

/** A booking with its show, seats, money and state; amounts are Decimals and instants are Dates. */
export type Booking = z.output<typeof bookingSchema>;

/** What `booking.list` takes: a page, and one status or all; an overdue hold counts as `Expired`. */
export const listBookingsInput = z
  .strictObject({ ...pageFields, status: z.enum(bookingStatuses).optional() })
  .prefault({});

/** Page and status filter, with the default page size filled in. */
export type ListBookingsInput = z.output<typeof listBookingsInput>;

/** What `booking.list` answers: the caller's own bookings, newest first. */
export const bookingPageSchema = pageOf(bookingSchema);

/** Some bookings, newest first, and the cursor of the older ones or null when there are none. */
export type BookingPage = z.output<typeof bookingPageSchema>;

/** What `booking.latest` takes: nothing. */
export const latestBookingInput = noInput;

/** What `booking.latest` answers: the caller's newest booking in whatever state, or null before the first one. */
export const latestBookingOutput = bookingSchema.nullable();

/** The check digit of ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    const digit = Number(digits[digits.length - 1 - index]);
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}
