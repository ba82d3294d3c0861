import { z } from "zod";
import { amountSchema } from "./amounts.ts";
import { seatStatuses, seatTypes } from "./choices.ts";
import { idSchema, noInput } from "./page.ts";

/** A date in the cinema's zone, `YYYY-MM-DD`, that exists in the calendar; there was no year 0000. */
export const cinemaDateSchema = z.iso
  .date("Expected a date as YYYY-MM-DD.")
  .refine((date) => date >= "0001-01-01", "Expected a date as YYYY-MM-DD.");

/** A time of day in the cinema's zone. */
const cinemaTime = z.string().regex(/^\d{2}:\d{2}$/);

/** A film as it was when its show was scheduled; texts are empty and the runtime is 0 until the movie service has answered. */
export const movieSchema = z.object({
  /** The film's IMDb id. */
  movieId: z.string(),
  /** The film's title. */
  title: z.string(),
  /** How long the film runs, in minutes; 0 while the movie service has not told. */
  runtimeMinutes: z.int(),
  /** What the film is about; empty while the movie service has not told. */
  plot: z.string(),
  /** The rating at IMDb, such as `8.1`; null where there is none. */
  imdbRating: z.string().nullable(),
  /** Where the poster can be fetched; empty where there is none. */
  posterUrl: z.string(),
  /** The film's genres, such as `Drama`. */
  genres: z.array(z.string()),
});

/** A film that can be shown. */
export type Movie = z.output<typeof movieSchema>;

/** A part of the day in which one show fits; its times are in the cinema's zone. One that ends at or before its start ends on the next day. */
export const slotSchema = z.object({
  /** Names the slot in other calls. */
  id: idSchema,
  /** What the cinema calls it, such as `Evening`. */
  name: z.string(),
  /** When it starts in the cinema's zone, `HH:MM`. */
  startTime: cinemaTime,
  /** When it ends in the cinema's zone, `HH:MM`; on the next day when not after the start. */
  endTime: cinemaTime,
});

/** A part of the day in which one show fits. */
export type Slot = z.output<typeof slotSchema>;

/** One screening. `startsAt` and `endsAt` are instants; `date` and the slot's times are in the cinema's zone. */
export const showSchema = z.object({
  /** Names the show in other calls, as `showId`. */
  id: idSchema,
  /** Where the show runs. */
  screen: z.object({
    /** Names the screen. */
    id: idSchema,
    /** The screen's name, as on the ticket. */
    name: z.string(),
  }),
  /** The film, as it was when the show was scheduled. */
  movie: movieSchema,
  /** The part of the day. */
  slot: slotSchema,
  /** The show's date in the cinema's zone, `YYYY-MM-DD`. */
  date: cinemaDateSchema,
  /** When the show starts, as an instant. */
  startsAt: z.date(),
  /** When the show's slot ends, as an instant. */
  endsAt: z.date(),
  /** What a Standard seat costs, in the cinema's currency. */
  cost: amountSchema,
  /** Seats that are free as of this answer. */
  availableSeats: z.int(),
  /** When the show was cancelled; null while it is on. */
  cancelledAt: z.date().nullable(),
});

/** One screening with its film, screen, slot, base price and the number of seats that are free now. */
export type Show = z.output<typeof showSchema>;

/** Every seat of a show, rows in order. `version` only grows; prices are per seat type. */
export const seatMapSchema = z.object({
  /** The show whose seats these are. */
  showId: idSchema,
  /** Only grows: a map of a higher version has every change that one of a lower version has. */
  version: z.int(),
  /** What a seat costs by its kind, in the cinema's currency. */
  prices: z.object({
    /** The price of a Standard seat. */
    Standard: amountSchema,
    /** The price of a Deluxe seat. */
    Deluxe: amountSchema,
  }),
  /** The rows from the front of the hall to the back. */
  rows: z.array(
    z.object({
      /** The row's letter or two letters. */
      row: z.string(),
      /** The row's seats from left to right. */
      seats: z.array(
        z.object({
          /** Row and number, such as `A1`: what a booking names. */
          seatNumber: z.string(),
          /** The seat's number in its row; a number that is missing is an aisle. */
          column: z.int(),
          /** The kind of the seat, which decides its price. */
          type: z.enum(seatTypes),
          /** `held` while a buyer may still pay for it. */
          status: z.enum(seatStatuses),
        }),
      ),
    }),
  ),
});

/** Every seat of one show with its kind and state, rows in order, as of `version`. */
export type SeatMap = z.output<typeof seatMapSchema>;

/** Adjacent free seats in one row, from left to right, and what they cost together. */
export const bestSeatsSchema = z.object({
  /** Adjacent seats of one row, from left to right. */
  seatNumbers: z.array(z.string()),
  /** What they cost together, in the cinema's currency. */
  amountDue: amountSchema,
});

/** The best seats that are free, and what they cost. */
export type BestSeats = z.output<typeof bestSeatsSchema>;

/** What `show.bestAvailable` answers: the best seats, or null when no row has so many free ones side by side. */
export const bestAvailableOutput = bestSeatsSchema.nullable();

/** What `show.cinema` takes: nothing. */
export const cinemaInput = noInput;

/** What `show.cinema` answers: `now` is the server's time, `today` the date in the cinema's zone, `currency` a code of ISO 4217. */
export const cinemaOutput = z.object({
  /** The cinema's name, as on its tickets. */
  name: z.string(),
  /** The cinema's zone, a name of the IANA database such as `Asia/Kolkata`. */
  timeZone: z.string(),
  /** The currency of every amount, a code of ISO 4217 such as `INR`. */
  currency: z.string(),
  /** The date in the cinema's zone, `YYYY-MM-DD`. */
  today: cinemaDateSchema,
  /** The server's time. */
  now: z.date(),
  /** Seconds for which a hold lives, unless its show starts sooner. */
  holdSeconds: z.int(),
  /** Seats in one booking at most. */
  maxSeatsPerBooking: z.int(),
  /** Unpaid holds of one customer at most. */
  maxLiveHolds: z.int(),
});

/** The cinema as its pages show it. */
export type Cinema = z.output<typeof cinemaOutput>;

/** What `show.list` takes: a cinema date; left out, today's in the cinema's zone. */
export const listShowsInput = z
  .strictObject({
    /** A cinema date, `YYYY-MM-DD`; left out for today. Customers and visitors see today and the six days after it. */
    date: cinemaDateSchema.optional(),
  })
  .prefault({});

/** The cinema date asked for, if one was. */
export type ListShowsInput = z.output<typeof listShowsInput>;

/** What `show.byId` and `show.seatMap` take. */
export const showIdInput = z.strictObject({
  /** The show, by the `id` of `show.list`. */
  showId: idSchema,
});

/** The one show that a call is about. */
export type ShowIdInput = z.output<typeof showIdInput>;

/** What `show.watchSeatMap` takes: a show, and the id of the last event that the caller has seen of it, whatever its form. */
export const watchSeatMapInput = z.strictObject({
  /** The show, by the `id` of `show.list`. */
  showId: idSchema,
  /** The id of the last event that was seen, to go on after it; left out to begin with a snapshot. */
  lastEventId: z.string().max(100).optional(),
});

/** The show to watch, and after which event. */
export type WatchSeatMapInput = z.output<typeof watchSeatMapInput>;

/**
 * What `show.watchSeatMap` yields. Put the seats of `changed` into the seat map that you have; one of these may have the map's version already,
 * since a hold whose time is over frees its seats before that is written. A `snapshot` comes first, unless only changes were missed, and
 * again when too much was. `cancelled` and `ended` are the last.
 */
export const seatMapEventSchema = z.discriminatedUnion("type", [
  z.object({
    /** What happened: the whole map, some changed seats, or the end of the stream. */
    type: z.literal("snapshot"),
    /** The whole map, with every change so far. */
    seatMap: seatMapSchema,
  }),
  z.object({
    /** What happened: the whole map, some changed seats, or the end of the stream. */
    type: z.literal("changed"),
    /** The map's version after these changes. */
    version: z.int(),
    /** The seats whose status is another one now. */
    seats: z.array(
      z.object({
        /** Row and number, such as `A1`. */
        seatNumber: z.string(),
        /** What the seat is now. */
        status: z.enum(seatStatuses),
      }),
    ),
  }),
  z.object({
    /** What happened: the whole map, some changed seats, or the end of the stream. */
    type: z.literal("cancelled"),
    /** Why the show was cancelled, for customers to read. */
    reason: z.string(),
  }),
  z.object({
    /** What happened: the whole map, some changed seats, or the end of the stream. */
    type: z.literal("ended"),
  }),
]);

/** What happens to a seat map that is watched; `switch` over its `type`. */
export type SeatMapEvent = z.output<typeof seatMapEventSchema>;
