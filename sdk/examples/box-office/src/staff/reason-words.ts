import type { CheckInTicketOutput } from "@skyfox/sdk";

/** Why a booking is not let in, in words. */
export const reasonWords: Record<NonNullable<CheckInTicketOutput["reason"]>, string> = {
  NOT_FOUND: "There is no such booking.",
  NOT_CONFIRMED: "Not paid for, or given back.",
  TOO_EARLY: "The doors are not open yet.",
  TOO_LATE: "The show is over.",
  FORGED: "This is no ticket of ours.",
  WRONG_SHOW: "This ticket is for another show.",
};
