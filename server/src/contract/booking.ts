import { z } from "zod";
import { paymentTypes, seatTypes } from "./choices.ts";
import { maxSeatsPerBooking } from "./constants.ts";
import { cardSchema } from "./card.ts";
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
export const holdSeatsInput = z.strictObject({
  /** The show, by the `id` of `show.list`. */
  showId: idSchema,
  /** One to ten different seats, such as `A1`. */
  seatNumbers: seatNumbersSchema,
});

/** The show and the seats to hold, in the order in which the caller named them. */
export type HoldSeatsInput = z.output<typeof holdSeatsInput>;

/** What `booking.changeSeats` takes: one's own hold and one to ten seats of its show, which it gets instead of its own, all or none. */
export const changeSeatsInput = z.strictObject({
  /** One's own hold. */
  bookingId: idSchema,
  /** All seats that the hold is to have, one to ten; those that it has already stay held. */
  seatNumbers: seatNumbersSchema,
});

/** The hold, and all seats that it is to have; those among them that it has already stay held. */
export type ChangeSeatsInput = z.output<typeof changeSeatsInput>;

/** What `booking.initializeBest` and `show.bestAvailable` take: a show, how many adjacent seats (more than ten is `TOO_MANY_SEATS`), and of which type. */
export const bestSeatsInput = z.strictObject({
  /** The show, by the `id` of `show.list`. */
  showId: idSchema,
  /** Seats side by side, 1 to 10. */
  count: z
    .int()
    .min(1, "Choose at least one seat.")
    .superRefine((count, context) => {
      if (count > maxSeatsPerBooking) context.addIssue(tooManySeats());
    }),
  /** The kind that all of them have to be; left out for any. */
  type: z.enum(seatTypes).optional(),
});

/** The show, how many seats side by side, and their type if it matters. */
export type BestSeatsInput = z.output<typeof bestSeatsInput>;

/** A hold: pay before `expiresAt`; `timeRemainingMs` is the same by the server's clock, for a countdown. */
export const holdSchema = z.object({
  /** Names the hold, and the booking that it becomes. */
  bookingId: idSchema,
  /** The show whose seats are held. */
  showId: idSchema,
  /** The seats that are held, such as `A1`. */
  seatNumbers: z.array(z.string()),
  /** What the seats cost together, in the cinema's currency. */
  amountDue: amountSchema,
  /** Until when the hold can be paid. */
  expiresAt: z.date(),
  /** Milliseconds until `expiresAt` by the server's clock, as of this answer; 0 once the seats are no longer held. */
  timeRemainingMs: z.int(),
});

/** Seats held for one customer until `expiresAt`, and what they cost. */
export type Hold = z.output<typeof holdSchema>;

/**
 * What `booking.pay` takes: one's own live hold, and how it is paid. By `Card` the card is charged the whole amount due; by `Wallet` the wallet
 * pays, and a card, where there is one, exactly what the wallet lacks.
 */
export const payBookingInput = z.discriminatedUnion("method", [
  z.strictObject({
    /** One's own live hold. */
    bookingId: idSchema,
    /** `Card` charges the card everything; `Wallet` spends the wallet, and charges a card that is sent what the wallet lacks. */
    method: z.literal("Card"),
    /** The card to charge. With `Wallet` it may be left out. */
    card: cardSchema,
  }),
  z.strictObject({
    /** One's own live hold. */
    bookingId: idSchema,
    /** `Card` charges the card everything; `Wallet` spends the wallet, and charges a card that is sent what the wallet lacks. */
    method: z.literal("Wallet"),
    /** The card to charge. With `Wallet` it may be left out. */
    card: cardSchema.optional(),
  }),
]);

/** The hold to pay for, the method and the checked card. */
export type PayBookingInput = z.output<typeof payBookingInput>;

/** What `booking.byId` and `booking.cancel` take. */
export const bookingIdInput = z.strictObject({
  /** The booking that the call is about. */
  bookingId: idSchema,
});

/** The one booking that a call is about. */
export type BookingIdInput = z.output<typeof bookingIdInput>;

/** A booking as its owner, staff and admins see it. Before payment `amountPaid` is 0 and `paymentType` null. */
export const bookingSchema = z.object({
  /** Names the booking in every other call. */
  bookingId: idSchema,
  /** The show that the seats are for. */
  showId: idSchema,
  /** The show's date in the cinema's zone, `YYYY-MM-DD`. */
  showDate: cinemaDateSchema,
  /** The show's start in the cinema's zone, `HH:MM`. */
  showTime: z.string(),
  /** When the show starts, as an instant. */
  startsAt: z.date(),
  /** The film's title. */
  movieTitle: z.string(),
  /** The screen on which it runs. */
  screenName: z.string(),
  /** The seats, such as `A1`. */
  seatNumbers: z.array(z.string()),
  /** What the seats cost together, in the cinema's currency. */
  amountDue: amountSchema,
  /** What has been paid; 0 before payment. A refund does not lower it. */
  amountPaid: amountSchema,
  /** How it was paid; null before payment. `Wallet` also where a card paid a part. */
  paymentType: z.enum(paymentTypes).nullable(),
  /** What of `amountPaid` came from the wallet. */
  walletAmount: amountSchema,
  /** What of `amountPaid` was charged to a card. */
  cardAmount: amountSchema,
  /** The state as of this answer; a hold whose time is over is `Expired` at once. */
  status: z.enum(bookingStatuses),
  /** When the seats were held or sold. */
  bookingTime: z.date(),
  /** Until when the seats are held; null once they are paid for or the booking has ended. */
  expiresAt: z.date().nullable(),
  // Left out only by answers that were kept before there was such a field.
  /** Milliseconds until `expiresAt` by the server's clock, for a countdown; 0 while a payment goes on past it. Null when `expiresAt` is. */
  timeRemainingMs: z.int().nullable().default(null),
  /** Who the booking is for. */
  customerName: z.string(),
  /** The phone number of that person, ten digits; empty where none is known. */
  phoneNumber: z.string(),
  /** The gateway's reference of the payment that counts. */
  transactionId: z.string().nullable(),
  /** The money that was given back; null when none was. */
  refund: z
    .object({
      /** What was or is to be given back, in the cinema's currency. */
      amount: amountSchema,
      /** `source` is where it came from, `wallet` the customer's wallet, `counter` cash at the counter. */
      to: z.enum(["source", "wallet", "counter"]),
      /** `pending` until the gateway has confirmed it. */
      state: z.enum(["pending", "done"]),
      /** When it was decided on. */
      at: z.date(),
    })
    .nullable(),
});

/** A booking with its show, seats, money and state; amounts are Decimals and instants are Dates. */
export type Booking = z.output<typeof bookingSchema>;

/** What `booking.list` takes: a page, and one status or all; an overdue hold counts as `Expired`. */
export const listBookingsInput = z
  .strictObject({
    ...pageFields,
    /** The one state to list; left out for all. */
    status: z.enum(bookingStatuses).optional(),
  })
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
