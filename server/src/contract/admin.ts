import { z } from "zod";
import { nameSchema, newPasswordSchema, typedUsernameSchema, usernameSchema } from "./person.ts";
import { paymentOutcomes } from "./statuses.ts";
import { amountSchema } from "./amounts.ts";
import { idSchema, noInput, pageFields, pageOf } from "./page.ts";

const counterNoSchema = z.int().min(1).max(999_999_999);

const staffRoleSchema = z.enum(["staff", "admin"]);

/** One person of the staff; `disabledAt` is null while they can log in. */
export const staffMemberSchema = z.object({
  /** What the person logs in with. */
  username: z.string(),
  /** The name as it is kept, in NFC and with single spaces. */
  name: z.string(),
  /** `admin` may do everything that staff may, and more. */
  role: staffRoleSchema,
  /** The number of the person's counter; null for those who have none. */
  counterNo: z.int().nullable(),
  /** When the account was made. */
  createdAt: z.date(),
  /** Since when the person can no longer log in; null while they can. */
  disabledAt: z.date().nullable(),
});

/** One person of the staff. */
export type StaffMember = z.output<typeof staffMemberSchema>;

/** What `admin.staff` takes: nothing. */
export const staffInput = noInput;

/** What `admin.staff` answers: all staff and admins, disabled ones too, by username. */
export const staffOutput = z.array(staffMemberSchema);

/** What `admin.createStaff` takes; without a counter the person has none. */
export const createStaffInput = z.strictObject({
  /** A new username, trimmed and in lower case: 3 to 30 of a-z, 0-9, dot, underscore and hyphen, a letter first. */
  username: usernameSchema,
  /** 1 to 70 letters of any script, with spaces and `. , ' ’ · -`. */
  name: nameSchema,
  /** What the person may do. */
  role: staffRoleSchema,
  /** The person's counter, a number from 1 to 999,999,999; left out for none. */
  counterNo: counterNoSchema.optional(),
  /** 8 to 128 characters with an upper-case letter, a lower-case letter and a punctuation mark; common passwords are refused. */
  password: newPasswordSchema,
});

/** A new person of the staff after the checks: the name as it is kept. */
export type CreateStaffInput = z.output<typeof createStaffInput>;

/** What `admin.updateStaff` takes: who, and what is to change; what is left out stays as it is. */
export const updateStaffInput = z.strictObject({
  /** Whom to change, in upper or lower case. */
  username: typedUsernameSchema,
  /** The role to have from now on. */
  role: staffRoleSchema.optional(),
  /** The counter to have from now on, a number from 1 to 999,999,999. */
  counterNo: counterNoSchema.optional(),
  /** Whether the person can no longer log in. */
  disabled: z.boolean().optional(),
  /** The new password, with the rules of `admin.createStaff`; neither the present one nor one of the two before it. */
  password: newPasswordSchema.optional(),
});

/** What is to change of whom. */
export type UpdateStaffInput = z.output<typeof updateStaffInput>;

/** What `admin.unlockAccount` takes: whose account, customers and staff alike. */
export const unlockAccountInput = z.strictObject({
  /** Whose account, a customer's or that of staff, in upper or lower case. */
  username: typedUsernameSchema,
});

/** Whose counted guesses are forgotten. */
export type UnlockAccountInput = z.output<typeof unlockAccountInput>;

/** What `admin.unlockAccount` answers: how many counted guesses were forgotten, also those at a name that no account has. */
export const unlockAccountOutput = z.object({
  /** The account, as its owner writes it. */
  username: z.string(),
  /** How many counted guesses were forgotten, on login and recovery together. */
  cleared: z.int(),
});

/** The account, and how many counted guesses were forgotten. */
export type UnlockAccountOutput = z.output<typeof unlockAccountOutput>;

/** Why something is done to a customer's booking, in words that they may read. */
const reasonSchema = z.string().trim().min(1, "Say why.").max(500, "The reason has at most 500 characters.");

/** What `admin.refundBooking` takes: `source` gives each part back where it came from, `wallet` all of it to the wallet. */
export const refundBookingInput = z.strictObject({
  /** The confirmed booking to give back. */
  bookingId: idSchema,
  /** `source` gives each part back to where it came from, `wallet` all of it to the wallet. */
  to: z.enum(["source", "wallet"]),
  /** Why, in 1 to 500 characters that the customer may read. */
  reason: reasonSchema,
});

/** Which booking is given back, where to and why. */
export type RefundBookingInput = z.output<typeof refundBookingInput>;

/** What `admin.cancelShow` takes. */
export const cancelShowInput = z.strictObject({
  /** The show to cancel. */
  showId: idSchema,
  /** Why, in 1 to 500 characters that customers may read. */
  reason: reasonSchema,
});

/** Which show is cancelled and why. */
export type CancelShowInput = z.output<typeof cancelShowInput>;

/**
 * How far the cancellation of a show is: `refunded` of `total` bookings have their money back, `failed` are tried again. Bookings whose
 * payment is in doubt count among `total` until the gateway answers; it is `done` when nothing is left to refund or to find out.
 */
export const showCancellationSchema = z.object({
  /** The show that was cancelled. */
  showId: idSchema,
  /** `done` when nothing is left to refund or to find out. */
  status: z.enum(["running", "done"]),
  /** Why the show was cancelled, for customers to read. */
  reason: z.string(),
  /** Bookings that are owed their money. */
  total: z.int(),
  /** Bookings of those that have it back. */
  refunded: z.int(),
  /** Bookings whose refund has failed; each is tried again by itself. */
  failed: z.array(
    z.object({
      /** The booking that waits for its money. */
      bookingId: idSchema,
      /** What the gateway or the server said of the last try. */
      error: z.string(),
    }),
  ),
});

/** How far the cancellation of a show is. */
export type ShowCancellation = z.output<typeof showCancellationSchema>;

/** What `admin.paymentsInDoubt` takes: a page. */
export const paymentsInDoubtInput = z.strictObject(pageFields).prefault({});

/** The page to list, with the default size filled in. */
export type PaymentsInDoubtInput = z.output<typeof paymentsInDoubtInput>;

/** What `admin.paymentsInDoubt` answers: payments of unknown outcome and refunds that the gateway has not done, newest first. */
export const paymentsInDoubtPageSchema = pageOf(
  z.object({
    /** Names the payment in `admin.resolvePayment`, `settlePayment` and `settleRefund`. */
    paymentId: idSchema,
    /** Null where the payment adds funds to a wallet. */
    bookingId: idSchema.nullable(),
    /** The customer who pays. */
    username: z.string(),
    /** What the card was or is to be charged, or given back. */
    amount: amountSchema,
    /** Seconds since the payment, or its refund, was begun. */
    ageSeconds: z.int(),
    /** How often the gateway was asked, or told to give back. */
    attempts: z.int(),
    /** What came of the last attempt; null before the first one and when it told nothing. */
    lastError: z.string().nullable(),
  }),
);

/** Some payments in doubt, newest first, and the cursor of the older ones or null when there are none. */
export type PaymentsInDoubtPage = z.output<typeof paymentsInDoubtPageSchema>;

/** What `admin.resolvePayment` takes. */
export const resolvePaymentInput = z.strictObject({
  /** The payment to ask the gateway about. */
  paymentId: idSchema,
});

/** The payment to ask about now. */
export type ResolvePaymentInput = z.output<typeof resolvePaymentInput>;

/**
 * What `admin.resolvePayment`, `admin.settlePayment` and `admin.settleRefund` answer: what became of the payment, `unknown` when the gateway does
 * not tell or has not given back.
 */
export const resolvePaymentOutput = z.object({
  /** The payment that was asked about. */
  paymentId: idSchema,
  /** What became of it; `unknown` while the gateway does not tell, or has not given back what is owed. */
  outcome: z.enum(paymentOutcomes),
});

/** What became of the payment. */
export type ResolvePaymentOutput = z.output<typeof resolvePaymentOutput>;

/** The gateway's own name for a charge or a refund. */
const referenceSchema = z
  .string()
  .trim()
  .regex(/^[!-~]{1,255}$/, "The reference has 1 to 255 printable ASCII characters and no spaces.");

/**
 * What `admin.settlePayment` takes: what the gateway's own books say of a payment in doubt. `reference` is the charge's there, by which it can
 * be given back; a charge without one has the key that we sent with it.
 */
export const settlePaymentInput = z.strictObject({
  /** The payment in doubt. */
  paymentId: idSchema,
  /** What the gateway's own books say: whether the card was charged. */
  outcome: z.enum(["charged", "notCharged"]),
  /** The charge's name in the gateway's books, 1 to 255 printable ASCII characters; left out, the key that was sent with the charge. */
  reference: referenceSchema.optional(),
  /** How this is known, in 1 to 500 characters, for the audit. */
  reason: reasonSchema,
});

/** Which payment is settled, how and why. */
export type SettlePaymentInput = z.output<typeof settlePaymentInput>;

/** What `admin.settleRefund` takes: the payment that was given back, and the refund's reference in the gateway's own books. */
export const settleRefundInput = z.strictObject({
  /** The payment whose refund is owed. */
  paymentId: idSchema,
  /** The refund's name in the gateway's books, 1 to 255 printable ASCII characters. */
  reference: referenceSchema,
  /** How this is known, in 1 to 500 characters, for the audit. */
  reason: reasonSchema,
});

/** Which payment was given back, and how that is known. */
export type SettleRefundInput = z.output<typeof settleRefundInput>;

/** What `admin.integrity` takes: nothing. */
export const integrityInput = noInput;

/** What `admin.integrity` answers: every rule of the books that is broken; none when all is well. */
export const integrityOutput = z.object({
  /** Everything that does not add up; empty when all is well. */
  violations: z.array(
    z.object({
      /** The name of the broken rule; server/docs/invariants.md explains each. */
      rule: z.string(),
      /** What breaks it, such as a booking or a wallet. */
      subject: z.string(),
      /** The figures that disagree. */
      details: z.string(),
    }),
  ),
});
