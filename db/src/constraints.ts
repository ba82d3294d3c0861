/** The constraints that verbs turn into domain errors, by the name the migrations gave them. */
export const constraints = {
  username: "usertable_username_key",
  email: "customertable_email_key",
  phoneNumber: "customertable_number_key",
  securityQuestion: "customertable_security_question_id_fkey",
  /** A seat was claimed that another booking has. */
  seatTaken: "seat_claim_taken_has_booking",
  /** Two holds of one customer went for the same slot at once. */
  holdSlotTaken: "booking_hold_slot_key",
  /** All slots of the customer are in use. */
  noHoldSlot: "booking_live_hold_has_slot",
  screenName: "screen_name_key",
} as const;

/** The name of the constraint that a Postgres error says was broken, if it is that kind of error. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("constraint" in error)) return undefined;
  return typeof error.constraint === "string" ? error.constraint : undefined;
}
