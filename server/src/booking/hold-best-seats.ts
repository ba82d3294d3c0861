import { findAllSeats, isSeatLocked, type PlacedSeat } from "@skyfox/db";
import { bestSeats, longestBlock, type BestSeatsInput, type Hold, type SeatMap } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { seatPrices } from "../show/seat-prices.ts";
import { assertOnSale, claimantsOf, isLostRace, isTaken, type Offer } from "./claim-seats.ts";
import { countHold, tryToHold } from "./hold-seats.ts";
import type { BookingDeps } from "./ports.ts";

// After a lost race another buyer has the block, so that this ends with the hall. The bound is far beyond that, and against a fault of ours.
const maxTries = 200;

// In a row, without a race that was decided between them: a crowd makes waits too. Each costs as long as a claim is waited for, 150 ms.
const maxLockedTries = 10;

/**
 * Holds the best adjacent seats that are free, as `bestSeats` chooses them, and takes the next best ones when another buyer was faster. Throws
 * `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`, `SHOW_CANCELLED`, `SHOW_ALREADY_STARTED`, `NO_ADJACENT_SEATS` only when no such block is left,
 * `TOO_MANY_HOLDS` and `RATE_LIMITED` as `holdSeats`, and `OVERLOADED` when the blocks that are left stay locked, as by a server that is frozen.
 */
export async function holdBestSeats(
  deps: BookingDeps & Pick<Deps, "limits" | "monitors">,
  user: User,
  input: BestSeatsInput,
  call: Call = callWithoutKey(deps),
): Promise<Hold> {
  return await countHold(deps, user, async () => {
    // Seats that another transaction kept locked: the last ones to try.
    const locked = new Set<string>();
    let chosen: string[] = [];
    const look = async (wantsId: boolean) => {
      const offer = await findBestOffer(deps, user, { ...input, wantsId }, locked);
      chosen = offer.seatNumbers;
      return offer;
    };
    let lockedTries = 0;
    for (let tries = 0; tries < maxTries && lockedTries < maxLockedTries; tries += 1) {
      try {
        return await tryToHold(deps, user, look, call);
      } catch (error) {
        if (isSeatLocked(error)) {
          lockedTries += 1;
          for (const seat of chosen) locked.add(seat);
        } else if (isLostRace(error)) lockedTries = 0;
        else throw error;
      }
    }
    throw new DomainError({ code: "OVERLOADED", details: { retryAfterSeconds: 1 } });
  });
}

async function findBestOffer(
  deps: BookingDeps,
  user: User,
  { showId, count, type, wantsId }: BestSeatsInput & { wantsId: boolean },
  locked: ReadonlySet<string>,
): Promise<Offer> {
  const seats = await findAllSeats(deps.db, { showId, wantsId });
  const { screenId, date, startsAt, cost, now, freeId } = assertOnSale(deps, user, seats);
  const prices = seatPrices(cost);
  const mapWithout = (avoided: ReadonlySet<string>) => ({ prices, rows: rowsOf(seats, now, avoided) });
  const all = mapWithout(new Set());
  const best = bestSeats(mapWithout(locked), count, type) ?? bestSeats(all, count, type);
  if (best === null)
    throw new DomainError({ code: "NO_ADJACENT_SEATS", details: { longest: longestBlock(all, type) } });
  const overdue = claimantsOf(seats.filter(({ seatNumber }) => best.seatNumbers.includes(seatNumber)));
  return { showId, screenId, date, startsAt, ...best, overdue, now, freeId };
}

function rowsOf(seats: PlacedSeat[], now: Date, avoided: ReadonlySet<string>): SeatMap["rows"] {
  return Array.from(
    Map.groupBy(seats, ({ row }) => row),
    ([row, seatsOfRow]) => ({
      row,
      seats: seatsOfRow.map((seat) => {
        const { seatNumber, column, seatType: type } = seat;
        const status = isTaken(seat, now) || avoided.has(seatNumber) ? "held" : "free";
        return { seatNumber, column, type, status };
      }),
    }),
  );
}
