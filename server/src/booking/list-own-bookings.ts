import { listBookings } from "@skyfox/db";
import type { BookingPage, ListBookingsInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { describeBooking } from "./describe-booking.ts";

/** The customer's bookings, newest first, a page at a time; the cursor is the id of the last one seen. */
export async function listOwnBookings(
  deps: Deps,
  user: User,
  input: ListBookingsInput,
): Promise<BookingPage> {
  const rows = await listBookings(deps.db, {
    username: user.username,
    status: input.status,
    beforeId: readCursor(input.cursor),
    limit: input.limit + 1,
    now: deps.clock.now(),
  });
  const items = rows.slice(0, input.limit).map((row) => describeBooking(deps, row));
  const last = rows.length > input.limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : String(last.bookingId) };
}

function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "cursor", message: "This is not a cursor of this list." },
  ]);
}
