import { Decimal, deluxeSurcharge, maxLiveHolds, maxSeatsPerBooking } from "@skyfox/server/contract/plain";
import type { Booking, Cinema, Hold, Movie, SeatMap, Show, Wallet } from "@skyfox/server/contract";
import type { OutputOf } from "./router.ts";

const standardPrice = "200.00";
const holdMs = 300_000;
const showMs = 3 * 3_600_000;
const dayMs = 24 * 3_600_000;

// Times count from now, so that what is to come is to come whenever a test runs.
function fromNow(ms: number): Date {
  return new Date(new Date().getTime() + ms);
}

function tomorrowAt(hour: number): Date {
  const tomorrow = fromNow(dayMs);
  tomorrow.setUTCHours(hour, 0, 0, 0);
  return tomorrow;
}

function dateOf(instant: Date): string {
  return instant.toISOString().slice(0, 10);
}

function timeOf(instant: Date): string {
  return instant.toISOString().slice(11, 16);
}

function priceOf(seatNumbers: string[]): Decimal {
  return new Decimal(standardPrice).times(seatNumbers.length);
}

/** A cinema whose zone is UTC. */
export function makeCinema(overrides: Partial<Cinema> = {}): Cinema {
  const { now = fromNow(0) } = overrides;
  return {
    name: "SkyFox",
    timeZone: "UTC",
    currency: "INR",
    today: dateOf(now),
    now,
    holdSeconds: holdMs / 1_000,
    maxSeatsPerBooking,
    maxLiveHolds,
    ...overrides,
  };
}

/** A film. */
export function makeMovie(overrides: Partial<Movie> = {}): Movie {
  return {
    movieId: "tt0000001",
    title: "A Film",
    runtimeMinutes: 120,
    plot: "What happens in it.",
    imdbRating: "7.5",
    posterUrl: "https://posters.example/tt0000001.jpg",
    genres: ["Drama"],
    ...overrides,
  };
}

/** A show tomorrow at 18:00 UTC, with 40 free seats. Date, slot and end follow from `startsAt`. */
export function makeShow(overrides: Partial<Show> = {}): Show {
  const { startsAt = tomorrowAt(18) } = overrides;
  const endsAt = new Date(startsAt.getTime() + showMs);
  return {
    id: 1,
    screen: { id: 1, name: "Screen 1" },
    movie: makeMovie(),
    slot: { id: 1, name: "Evening", startTime: timeOf(startsAt), endTime: timeOf(endsAt) },
    date: dateOf(startsAt),
    startsAt,
    endsAt,
    cost: new Decimal(standardPrice),
    availableSeats: 40,
    cancelledAt: null,
    ...overrides,
  };
}

/** Five rows of eight seats, A1 to E8, the last row Deluxe; all free but those that are named. */
export function makeSeatMap({
  held = [],
  sold = [],
  ...overrides
}: Partial<SeatMap> & { held?: string[]; sold?: string[] } = {}): SeatMap {
  const rows = ["A", "B", "C", "D", "E"].map((row) => ({
    row,
    seats: Array.from({ length: 8 }, (_, index) => {
      const column = index + 1;
      const seatNumber = `${row}${column}`;
      const status = sold.includes(seatNumber) ? "sold" : held.includes(seatNumber) ? "held" : "free";
      return { seatNumber, column, type: row === "E" ? "Deluxe" : "Standard", status } as const;
    }),
  }));
  const Standard = new Decimal(standardPrice);
  return {
    showId: 1,
    version: 1,
    prices: { Standard, Deluxe: Standard.plus(deluxeSurcharge) },
    rows,
    ...overrides,
  };
}

/** A hold of A1 and A2 that has just begun; what is due follows from the seats, `expiresAt` from `timeRemainingMs`. */
export function makeHold(overrides: Partial<Hold> = {}): Hold {
  const { seatNumbers = ["A1", "A2"], timeRemainingMs = holdMs } = overrides;
  return {
    bookingId: 1,
    showId: 1,
    seatNumbers,
    amountDue: priceOf(seatNumbers),
    expiresAt: fromNow(timeRemainingMs),
    timeRemainingMs,
    ...overrides,
  };
}

/** A booking of A1 and A2, confirmed and paid by card unless `status` says otherwise; amounts, times and refund follow from the status. */
export function makeBooking(overrides: Partial<Booking> = {}): Booking {
  const { status = "Confirmed", seatNumbers = ["A1", "A2"], startsAt = tomorrowAt(18) } = overrides;
  const isHeld = status === "Pending" || status === "Paying";
  const isPaid = status === "Confirmed" || status === "CheckedIn" || status === "Refunded";
  const { amountDue = priceOf(seatNumbers), paymentType = isPaid ? "Card" : null } = overrides;
  const amountPaid = overrides.amountPaid ?? (isPaid ? amountDue : new Decimal(0));
  const nothing = new Decimal(0);
  return {
    bookingId: 1,
    showId: 1,
    showDate: dateOf(startsAt),
    showTime: timeOf(startsAt),
    startsAt,
    movieTitle: "A Film",
    screenName: "Screen 1",
    seatNumbers,
    amountDue,
    amountPaid,
    paymentType,
    walletAmount: paymentType === "Wallet" ? amountPaid : nothing,
    cardAmount: paymentType === "Card" ? amountPaid : nothing,
    status,
    bookingTime: fromNow(0),
    expiresAt: isHeld ? fromNow(holdMs) : null,
    timeRemainingMs: isHeld ? holdMs : null,
    customerName: "Asha Rao",
    phoneNumber: "9876543210",
    transactionId: isPaid ? "txn-1" : null,
    refund:
      status === "Refunded" ? { amount: amountPaid, to: "source", state: "done", at: fromNow(0) } : null,
    ...overrides,
  };
}

/** A wallet of which everything can be spent. */
export function makeWallet(overrides: Partial<Wallet> = {}): Wallet {
  const { balance = new Decimal("1000.00") } = overrides;
  return { username: "asha", balance, available: balance, updatedAt: fromNow(0), ...overrides };
}

/** The answer to a customer's login, good for a day. */
export function makeLogin(overrides: Partial<OutputOf<"auth.login">> = {}): OutputOf<"auth.login"> {
  return {
    user: { username: "asha", name: "Asha Rao", role: "customer" },
    token: "token",
    expiresAt: fromNow(dayMs),
    deviceToken: "device-token",
    notices: [],
    ...overrides,
  };
}
