/** The kinds of seats; Deluxe costs the surcharge more than Standard. */
export const seatTypes = ["Standard", "Deluxe"] as const;

/** The kind of a seat, which decides its price. */
export type SeatType = (typeof seatTypes)[number];

/** A seat is free for anyone, held while someone may still pay for it, or sold. */
export const seatStatuses = ["free", "held", "sold"] as const;

/** The ways in which a booking can have been paid for; `Cash` is a sale at the counter. */
export const paymentTypes = ["Cash", "Card", "Wallet"] as const;

/** What a login reports to the owner: a wrong security answer, a new password, or a lock of login or recovery. */
export const noticeKinds = ["failed-recovery", "password-changed", "locked"] as const;

/** Why a booking is not let in: none of that id, not paid for or given back, before the doors open, after the end of the show. */
export const checkInReasons = ["NOT_FOUND", "NOT_CONFIRMED", "TOO_EARLY", "TOO_LATE"] as const;

/** Why a booking is not let in. */
export type CheckInReason = (typeof checkInReasons)[number];

/** Why a ticket is not let in: beside what is the matter with its booking, it is not ours, or for another show. */
export const ticketReasons = [...checkInReasons, "FORGED", "WRONG_SHOW"] as const;

/** The calendar periods of revenue, all of them whole and in the cinema's zone. */
export const timeframes = ["daily", "weekly", "monthly", "yearly"] as const;

/** The calendar period that makes a group. */
export type Timeframe = (typeof timeframes)[number];

/** The parts of a group's label, in their default order. */
export const labelParts = ["timeframe", "month", "year", "movie", "slot", "genre"] as const;

/** One thing that a group's label says: the period, or what one of the filters let through. */
export type LabelPart = (typeof labelParts)[number];
