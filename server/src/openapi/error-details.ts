import { z } from "zod";
import {
  amountSchema,
  bookingStatuses,
  cinemaDateSchema,
  paymentOutcomes,
  roles,
  type DomainCode,
  type DomainErrorDetails,
} from "../contract/index.ts";

/** What the details of a code look like, and some as they are sent. */
interface Details<Of> {
  schema: z.ZodType<Of>;
  example: Record<string, unknown>;
}

type CodeWithDetails = {
  [Code in DomainCode]: DomainErrorDetails[Code] extends null ? never : Code;
}[DomainCode];

const seats = { schema: z.object({ seatNumbers: z.array(z.string()) }), example: { seatNumbers: ["A1"] } };
const status = { schema: z.object({ status: z.enum(bookingStatuses) }), example: { status: "Expired" } };
const reason = z.object({ reason: z.string() });
const upTo = { schema: z.object({ max: amountSchema }), example: { max: "10000.00" } };
const wait = { schema: z.object({ retryAfterSeconds: z.int() }), example: { retryAfterSeconds: 2 } };

/** Every code that tells more than itself; one that is missing, or of another shape than in the contract, does not compile. */
export const errorDetails: { [Code in CodeWithDetails]: Details<DomainErrorDetails[Code]> } = {
  DATE_OUT_OF_RANGE: {
    schema: z.object({ from: cinemaDateSchema, to: cinemaDateSchema }),
    example: { from: "2026-03-10", to: "2026-03-16" },
  },
  INVALID_SEAT: seats,
  TOO_MANY_SEATS: { schema: z.object({ max: z.int() }), example: { max: 10 } },
  INVALID_AMOUNT: {
    schema: z.object({ expected: amountSchema.exactOptional() }),
    example: { expected: "400.00" },
  },
  AMOUNT_TOO_LARGE: upTo,
  INVALID_COST: { ...upTo, example: { max: "3000.00" } },
  INVALID_PARAMS: { schema: reason, example: { reason: "A timeframe cannot be combined with a month." } },
  INVALID_IMAGE: {
    schema: z.object({
      reason: z.enum(["too-large", "too-many-pixels", "unsupported", "damaged", "not-base64"]),
    }),
    example: { reason: "too-large" },
  },
  PAYMENT_VALIDATION_FAILED: {
    schema: z.object({ errors: z.array(z.object({ field: z.string(), message: z.string() })) }),
    example: { errors: [{ field: "expiry", message: "Card has expired" }] },
  },
  PAYMENT_DECLINED: {
    schema: z.object({ retryUntil: z.date().nullable() }),
    example: { retryUntil: "2026-03-10T06:35:00.000Z" },
  },
  INSUFFICIENT_BALANCE: {
    schema: z.object({ required: amountSchema, available: amountSchema }),
    example: { required: "400.00", available: "150.00" },
  },
  FORBIDDEN: {
    schema: z.object({ requiredRoles: z.array(z.enum(roles)) }),
    example: { requiredRoles: ["admin"] },
  },
  PAYMENT_NOT_IN_DOUBT: {
    schema: z.object({ outcome: z.enum(paymentOutcomes) }),
    example: { outcome: "completed" },
  },
  SEATS_UNAVAILABLE: seats,
  NO_ADJACENT_SEATS: { schema: z.object({ longest: z.int() }), example: { longest: 3 } },
  TOO_MANY_HOLDS: {
    schema: z.object({ max: z.int(), retryAfterSeconds: z.int().exactOptional() }),
    example: { max: 5 },
  },
  SHOW_CANCELLED: { schema: reason, example: { reason: "The projector is broken." } },
  INVALID_BOOKING_STATUS: status,
  TICKET_NOT_AVAILABLE: status,
  RATE_LIMITED: wait,
  OVERLOADED: wait,
  DATABASE_UNAVAILABLE: wait,
};
