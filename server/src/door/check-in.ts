import {
  checkBookingsIn,
  inTransaction,
  listForCheckIn,
  lockBookings,
  type CheckInRow,
  type Tx,
} from "@skyfox/db";
import {
  doorsOpenMinutes,
  type CheckInInput,
  type CheckInOutput,
  type CheckInReason,
} from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";

/** Lets the people of these bookings in, as far as they may come in now; says of each what became of it, in the order asked and once. */
export async function checkIn(
  deps: Pick<Deps, "clock" | "db">,
  user: User,
  input: CheckInInput,
): Promise<CheckInOutput> {
  const bookingIds = [...new Set(input.bookingIds)];
  const verdicts = await inTransaction(deps.db, (tx) => letIn(tx, deps, user, bookingIds));
  const output: CheckInOutput = { checkedIn: [], alreadyDone: [], invalid: [] };
  for (const { bookingId, ...verdict } of verdicts) {
    if (verdict.outcome === "checkedIn") output.checkedIn.push(bookingId);
    else if (verdict.outcome === "alreadyDone")
      output.alreadyDone.push({ bookingId, at: verdict.at, by: verdict.by });
    else output.invalid.push({ bookingId, reason: verdict.reason });
  }
  return output;
}

/** What became of a booking at the door. */
export type Verdict =
  | { outcome: "checkedIn" }
  | { outcome: "alreadyDone"; at: Date; by: string }
  | { outcome: "invalid"; reason: CheckInReason };

/**
 * Checks in these different bookings in one transaction: locks all of them, then reads them and the clock, so that a refund, a cancelled show
 * or another check-in comes before or after. Three statements for any number of bookings.
 */
export async function letIn(
  tx: Tx,
  deps: Pick<Deps, "clock">,
  user: User,
  bookingIds: number[],
): Promise<({ bookingId: number } & Verdict)[]> {
  const now = deps.clock.nowFrom(await lockBookings(tx, bookingIds));
  const rows = new Map((await listForCheckIn(tx, bookingIds)).map((row) => [row.id, row]));
  const verdicts = bookingIds.map((bookingId) => ({ bookingId, ...judge(rows.get(bookingId), now) }));
  const admitted = verdicts
    .filter(({ outcome }) => outcome === "checkedIn")
    .map(({ bookingId }) => bookingId);
  if (admitted.length > 0) await checkBookingsIn(tx, admitted, { at: now, by: user.username });
  return verdicts;
}

function judge(row: CheckInRow | undefined, now: Date): Verdict {
  if (row === undefined) return { outcome: "invalid", reason: "NOT_FOUND" };
  // Its bookings are about to be given back.
  if (row.cancelledAt !== null) return { outcome: "invalid", reason: "NOT_CONFIRMED" };
  if (row.status === "CheckedIn" && row.checkedInAt !== null && row.checkedInBy !== null)
    return { outcome: "alreadyDone", at: row.checkedInAt, by: row.checkedInBy };
  if (row.status !== "Confirmed") return { outcome: "invalid", reason: "NOT_CONFIRMED" };
  const opensAt = row.startsAt.getTime() - doorsOpenMinutes * 60_000;
  if (now.getTime() < opensAt) return { outcome: "invalid", reason: "TOO_EARLY" };
  if (now > row.endsAt) return { outcome: "invalid", reason: "TOO_LATE" };
  return { outcome: "checkedIn" };
}
