import type { Deps } from "../deps.ts";

/** What verbs about bookings use at least. */
export type BookingDeps = Pick<Deps, "db" | "clock" | "settings">;

/** Timers that wake the server when a hold is due; the booking's row stays the truth. */
export interface ExpiryMonitors {
  /** Called after the hold is committed; arming again replaces the older timer. */
  arm(bookingId: number, expiresAt: Date): void;
  /** Called after payment or cancellation is committed. */
  disarm(bookingId: number): void;
}

/** How many unpaid seats of one show may be held at a time, and how often a customer may let a hold of it go unpaid. */
export interface HoldLimits {
  seatsPerCustomer: number;
  /** From one network address. */
  seatsPerAddress: number;
  /** Holds of one customer and show in an hour that expired, or were cancelled after more than a minute. */
  abandonedPerHour: number;
}
