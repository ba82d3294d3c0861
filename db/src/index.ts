export {
  booksApplicationName,
  connectionIdleMs,
  connectOnce,
  openDatabase,
  openMigrationDatabase,
  type Connection,
  type Db,
  type Tx,
} from "./connect.ts";
export { constraints, violatedConstraint } from "./constraints.ts";
export { startListener, type Hearing, type Listener } from "./listen.ts";
export { listMigrations, migrateToLatest } from "./migrate.ts";
export * from "./queries/audit.ts";
export * from "./queries/backends.ts";
export * from "./queries/bookings.ts";
export * from "./queries/cancel-hold.ts";
export * from "./queries/cancellations.ts";
export * from "./queries/card-payments.ts";
export * from "./queries/change-seats.ts";
export * from "./queries/check-ins.ts";
export * from "./queries/clock.ts";
export * from "./queries/doubts.ts";
export * from "./queries/ended.ts";
export * from "./queries/exports.ts";
export * from "./queries/heartbeat.ts";
export * from "./queries/holds.ts";
export * from "./queries/identity.ts";
export * from "./queries/images.ts";
export * from "./queries/keys.ts";
export * from "./queries/limits.ts";
export * from "./queries/live-maps.ts";
export * from "./queries/new-bookings.ts";
export * from "./queries/passwords.ts";
export * from "./queries/payments.ts";
export * from "./queries/people.ts";
export * from "./queries/recovery.ts";
export * from "./queries/screens.ts";
export * from "./queries/revenue.ts";
export * from "./queries/seat-maps.ts";
export * from "./queries/secrets.ts";
export * from "./queries/sessions.ts";
export * from "./queries/settlements.ts";
export * from "./queries/show-changes.ts";
export * from "./queries/shows.ts";
export * from "./queries/staff.ts";
export * from "./queries/wallets.ts";
export { isOpenPayment, isPaidBooking } from "./states.ts";
export type { BookingStatus, PaymentStatus } from "./schema.ts";
export { bookingTransitions, paymentTransitions } from "./transitions.ts";
export { inTransaction, isRetryable, retryConflicts, sqlState } from "./transaction.ts";
