import { z } from "zod";
import { nameSchema, newPasswordSchema, typedUsernameSchema, usernameSchema } from "./auth.ts";
import { paymentOutcomes } from "./statuses.ts";
import { amountSchema } from "./amounts.ts";
import { idSchema, noInput, pageFields, pageOf } from "./page.ts";

const counterNoSchema = z.int().min(1).max(999_999_999);

const staffRoleSchema = z.enum(["staff", "admin"]);

/** One person of the staff; `disabledAt` is null while they can log in. */
export const staffMemberSchema = z.object({
  username: z.string(),
  name: z.string(),
  role: staffRoleSchema,
  counterNo: z.int().nullable(),
  createdAt: z.date(),
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
  username: usernameSchema,
  name: nameSchema,
  role: staffRoleSchema,
  counterNo: counterNoSchema.optional(),
  password: newPasswordSchema,
});

/** A new person of the staff after the checks: the name as it is kept. */
export type CreateStaffInput = z.output<typeof createStaffInput>;

/** What `admin.updateStaff` takes: who, and what is to change; what is left out stays as it is. */
export const updateStaffInput = z.strictObject({
  username: typedUsernameSchema,
  role: staffRoleSchema.optional(),
  counterNo: counterNoSchema.optional(),
  disabled: z.boolean().optional(),
  password: newPasswordSchema.optional(),
});

/** What is to change of whom. */
export type UpdateStaffInput = z.output<typeof updateStaffInput>;

/** What `admin.unlockAccount` takes: whose account, customers and staff alike. */
export const unlockAccountInput = z.strictObject({ username: typedUsernameSchema });

/** Whose counted guesses are forgotten. */
export type UnlockAccountInput = z.output<typeof unlockAccountInput>;

/** What `admin.unlockAccount` answers: how many counted guesses were forgotten, also those at a name that no account has. */
export const unlockAccountOutput = z.object({ username: z.string(), cleared: z.int() });

/** The account, and how many counted guesses were forgotten. */
export type UnlockAccountOutput = z.output<typeof unlockAccountOutput>;

/** Why something is done to a customer's booking, in words that they may read. */
const reasonSchema = z.string().trim().min(1, "Say why.").max(500, "The reason has at most 500 characters.");

/** What `admin.refundBooking` takes: `source` gives each part back where it came from, `wallet` all of it to the wallet. */
export const refundBookingInput = z.strictObject({
  bookingId: idSchema,
  to: z.enum(["source", "wallet"]),
  reason: reasonSchema,
});

/** Which booking is given back, where to and why. */
export type RefundBookingInput = z.output<typeof refundBookingInput>;

/** What `admin.cancelShow` takes. */
export const cancelShowInput = z.strictObject({ showId: idSchema, reason: reasonSchema });

/** Which show is cancelled and why. */
export type CancelShowInput = z.output<typeof cancelShowInput>;

/**
 * How far the cancellation of a show is: `refunded` of `total` bookings have their money back, `failed` are tried again. Bookings whose
 * payment is in doubt count among `total` until the gateway answers; it is `done` when nothing is left to refund or to find out.
 */
export const showCancellationSchema = z.object({
  showId: idSchema,
  status: z.enum(["running", "done"]),
  reason: z.string(),
  total: z.int(),
  refunded: z.int(),
  failed: z.array(z.object({ bookingId: idSchema, error: z.string() })),
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
    paymentId: idSchema,
    /** Null where the payment adds funds to a wallet. */
    bookingId: idSchema.nullable(),
    username: z.string(),
    /** What the card was or is to be charged, or given back. */
    amount: amountSchema,
    ageSeconds: z.int(),
    attempts: z.int(),
    lastError: z.string().nullable(),
  }),
);

/** Some payments in doubt, newest first, and the cursor of the older ones or null when there are none. */
export type PaymentsInDoubtPage = z.output<typeof paymentsInDoubtPageSchema>;

/** What `admin.resolvePayment` takes. */
export const resolvePaymentInput = z.strictObject({ paymentId: idSchema });

/** The payment to ask about now. */
export type ResolvePaymentInput = z.output<typeof resolvePaymentInput>;

/**
 * What `admin.resolvePayment`, `admin.settlePayment` and `admin.settleRefund` answer: what became of the payment, `unknown` when the gateway does
 * not tell or has not given back.
 */
export const resolvePaymentOutput = z.object({
  paymentId: idSchema,
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
  paymentId: idSchema,
  outcome: z.enum(["charged", "notCharged"]),
  reference: referenceSchema.optional(),
  reason: reasonSchema,
});

/** Which payment is settled, how and why. */
export type SettlePaymentInput = z.output<typeof settlePaymentInput>;

/** What `admin.settleRefund` takes: the payment that was given back, and the refund's reference in the gateway's own books. */
export const settleRefundInput = z.strictObject({
  paymentId: idSchema,
  reference: referenceSchema,
  reason: reasonSchema,
});

/** Which payment was given back, and how that is known. */
export type SettleRefundInput = z.output<typeof settleRefundInput>;

/** What `admin.integrity` takes: nothing. */
export const integrityInput = noInput;

/** What `admin.integrity` answers: every rule of the books that is broken; none when all is well. */
export const integrityOutput = z.object({
  violations: z.array(z.object({ rule: z.string(), subject: z.string(), details: z.string() })),
});
