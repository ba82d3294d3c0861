import type { BookingStatus } from "../contract/index.ts";

/** The status of a booking at a moment: a hold whose time is over is Expired, whether or not that is written yet. */
export function statusAt(
  { status, expiresAt }: { status: BookingStatus; expiresAt: Date | null },
  now: Date,
): BookingStatus {
  return status === "Pending" && expiresAt !== null && expiresAt <= now ? "Expired" : status;
}
