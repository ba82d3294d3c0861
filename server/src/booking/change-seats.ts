import {
  changeSeatsOfHold,
  expireForTakeover,
  findBooking,
  findBrokenBound,
  lockBooking,
  type Tx,
} from "@skyfox/db";
import type { ChangeSeatsInput, Hold } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { findOffer, retryLostRaces, type Offer, type Wanted } from "./claim-seats.ts";
import { boundsOf, countHold, tooManyHolds } from "./hold-seats.ts";
import type { BookingDeps } from "./ports.ts";
import { statusAt } from "./status-at.ts";

/**
 * Gives a hold these seats of its show instead of its own, all or none, at their price. Seats that it keeps stay held throughout, and its time goes
 * on. Throws `BOOKING_NOT_FOUND`, `BOOKING_EXPIRED`, `PAYMENT_IN_PROGRESS`, `INVALID_BOOKING_STATUS`, and for the seats what `holdSeats`
 * throws; `TOO_MANY_HOLDS` only where the hold would have more seats than before.
 */
export async function changeSeats(
  deps: BookingDeps & Pick<Deps, "limits" | "monitors">,
  user: User,
  { bookingId, seatNumbers }: ChangeSeatsInput,
  call: Call = callWithoutKey(deps),
): Promise<Hold> {
  return await countHold(deps, user, async () => {
    const booking = await findBooking(deps.db, bookingId);
    if (booking === undefined || booking.username !== user.username)
      throw new DomainError({ code: "BOOKING_NOT_FOUND" });
    const wanted = { showId: booking.showId, seatNumbers, heldBy: bookingId };
    return await retryLostRaces(deps, user, wanted, () =>
      call.commit((tx) => changeIn(tx, deps, user, wanted)),
    );
  });
}

async function changeIn(
  tx: Tx,
  deps: BookingDeps,
  user: User,
  wanted: Wanted & { heldBy: number },
): Promise<Hold> {
  const bookingId = wanted.heldBy;
  const booking = (await lockBooking(tx, bookingId))!;
  if (booking.status === "Paying") throw new DomainError({ code: "PAYMENT_IN_PROGRESS" });
  const status = statusAt(booking, deps.clock.nowFrom(booking.lockedAt));
  if (status === "Expired") throw new DomainError({ code: "BOOKING_EXPIRED" });
  if (status !== "Pending") throw new DomainError({ code: "INVALID_BOOKING_STATUS", details: { status } });
  const offer = await findOffer(tx, deps, user, wanted);
  const more = { seats: offer.seatNumbers.length - booking.seats, heldFrom: booking.heldFrom };
  await assertWithinBounds(tx, deps, user, offer, more);
  if (offer.overdue.length > 0) await expireForTakeover(tx, offer.overdue, offer.now);
  const { showId, seatNumbers, amountDue, now } = offer;
  await changeSeatsOfHold(tx, { bookingId, seatNumbers, amountDue });
  const expiresAt = booking.expiresAt!;
  const timeRemainingMs = Math.max(0, expiresAt.getTime() - now.getTime());
  return { bookingId, showId, seatNumbers, amountDue, expiresAt, timeRemainingMs };
}

// Its own seats are counted already; with fewer or as many it breaks nothing. All count for the network from which the hold was made.
async function assertWithinBounds(
  tx: Tx,
  deps: BookingDeps,
  user: User,
  { showId, now }: Offer,
  more: { seats: number; heldFrom: string | null },
): Promise<void> {
  if (more.seats <= 0) return;
  const { bounds } = boundsOf(deps, user);
  const broken = await findBrokenBound(tx, { showId, username: user.username, now, bounds, ...more });
  if (broken !== undefined) throw tooManyHolds(broken, now);
}
