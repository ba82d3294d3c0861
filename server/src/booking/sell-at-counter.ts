import { expireForTakeover, insertCounterSale } from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import { findOffer, LostRace, retryLostRaces } from "./claim-seats.ts";
import { describeBookingIn } from "./describe-booking.ts";
import type { Booking, SellAtCounterInput } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import type { BookingDeps } from "./ports.ts";

/**
 * Sells seats to a customer at the counter, all or none, for cash: the booking is confirmed at once. An amount that was named must be what
 * the server makes of it. Throws `SHOW_NOT_FOUND`, `SHOW_CANCELLED`, `SHOW_ALREADY_STARTED`, `INVALID_SEAT`, `SEATS_UNAVAILABLE`,
 * `INVALID_AMOUNT`.
 */
export async function sellAtCounter(
  deps: BookingDeps,
  admin: User,
  input: SellAtCounterInput,
  call: Call = callWithoutKey(deps),
): Promise<Booking> {
  const { showId, seatNumbers, customerName, phoneNumber, amountPaid } = input;
  return await retryLostRaces(deps, admin, { showId, seatNumbers }, () =>
    call.commit(async (tx) => {
      const { overdue, ...offer } = await findOffer(tx, deps, admin, { showId, seatNumbers });
      const expected = offer.amountDue;
      if (amountPaid !== undefined && !amountPaid.equals(expected))
        throw new DomainError({ code: "INVALID_AMOUNT", details: { expected } });
      if (overdue.length > 0) await expireForTakeover(tx, overdue, offer.now);
      const bookingId = await insertCounterSale(tx, { ...offer, customerName, phoneNumber });
      if (bookingId === undefined) throw new LostRace();
      await recordAudit(tx, deps.clock, admin, {
        action: "counter-sale",
        subject: null,
        details: { bookingId, showId, seatNumbers: offer.seatNumbers },
      });
      return await describeBookingIn(tx, deps, bookingId);
    }),
  );
}
