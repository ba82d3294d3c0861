import { insertAuditEntry, type AuditEntry, type Db } from "@skyfox/db";
import type { Caller, User } from "../deps.ts";
import type { Clock } from "../runtime/ports.ts";

/** What is worth an entry. */
export type AuditAction =
  | "signed-up"
  | "logged-in"
  | "logged-out"
  | "login-failed"
  | "login-locked"
  | "password-changed"
  | "password-change-failed"
  | "password-reset"
  | "security-answer-failed"
  | "security-answer-locked"
  | "reset-token-made"
  | "reset-token-failed"
  | "profile-changed"
  | "profile-image-changed"
  | "booking-refunded"
  | "payment-resolved"
  | "payment-settled"
  | "refund-settled"
  | "counter-sale"
  | "show-scheduled"
  | "show-cancelled"
  | "screen-created"
  | "bookings-exported"
  | "staff-created"
  | "staff-changed"
  | "account-unlocked";

/**
 * Records who did what to whose account, and from where. Give it the transaction of the effect, so that both are there or neither; what was
 * refused is recorded by itself. `subject` is an account that exists, or null: what people type may be a secret. `details` has no secrets.
 */
export async function recordAudit(
  db: Db,
  clock: Clock,
  caller: Caller | User,
  entry: { action: AuditAction; subject: string | null; details?: AuditEntry["details"] },
): Promise<void> {
  await insertAuditEntry(db, {
    at: clock.now(),
    action: entry.action,
    actor: "username" in caller ? caller.username : null,
    subject: entry.subject,
    address: caller.address,
    requestId: caller.requestId,
    details: entry.details ?? {},
  });
}
