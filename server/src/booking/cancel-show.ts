import {
  cancelLiveHolds,
  cancelShowRow,
  findShowCancellation,
  finishShowCancellation,
  inTransaction,
  isPaidBooking,
  listPaidBookingsOfShow,
  listRunningShowCancellations,
  lockBooking,
  noteNotGivenBack,
  type Db,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { CancelShowInput, ShowCancellation, ShowIdInput } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { giveBookingBack } from "../payment/give-back.ts";

type CancellingDeps = Pick<Deps, "db" | "clock" | "logger" | "monitors">;

/**
 * Cancels a show: its seats cannot be held any more, live holds are cancelled, and every booking is given back to where its money came from,
 * each once, whatever stops it in between: a repeated call, and every server in the background, continues the cancellation. Answers how
 * far it is. A show that is cancelled keeps its first reason. Throws `SHOW_NOT_FOUND`.
 */
export async function cancelShow(
  deps: CancellingDeps,
  admin: User,
  input: CancelShowInput,
  call: Call = callWithoutKey(deps),
): Promise<ShowCancellation> {
  const { showId, reason } = input;
  return await call.inSteps({
    async begin(tx) {
      const now = await deps.clock.nowIn(tx);
      const cancelled = await cancelShowRow(tx, { showId, reason, cancelledBy: admin.username, now });
      if (cancelled === "no such show") throw new DomainError({ code: "SHOW_NOT_FOUND" });
      if (cancelled === "now") {
        const details = { showId };
        await recordAudit(tx, deps.clock, admin, { action: "show-cancelled", subject: null, details });
      }
    },
    goOn: () => giveShowBack(deps, showId),
    describe: (tx) => describeCancellation(tx, showId),
  });
}

/** How far the cancellation of a show is. Throws `SHOW_NOT_FOUND`, also for a show that is not cancelled. */
export async function getShowCancellation(
  deps: Pick<Deps, "db">,
  { showId }: ShowIdInput,
): Promise<ShowCancellation> {
  return await describeCancellation(deps.db, showId);
}

/** Goes on with every cancellation that is not done: what a dead server left, and bookings whose payments were under way. */
export async function goOnCancellingShows(deps: CancellingDeps, signal?: AbortSignal): Promise<void> {
  for (const showId of await listRunningShowCancellations(deps.db)) {
    if (signal?.aborted === true) return;
    await giveShowBack(deps, showId).catch((error: unknown) => {
      deps.logger.error(
        { showId, err: error },
        "A cancelled show could not be gone on with; it is tried again.",
      );
    });
  }
}

async function describeCancellation(db: Db, showId: number): Promise<ShowCancellation> {
  const found = await findShowCancellation(db, showId);
  if (found === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
  const { reason, doneAt, total, refunded, failed } = found;
  return { showId, status: doneAt === null ? "running" : "done", reason, total, refunded, failed };
}

// One booking a transaction, so that none waits for another and each is given back once or not at all. Holds are looked for every time:
// one that was just being paid for can become a hold again after the show was cancelled.
async function giveShowBack(deps: CancellingDeps, showId: number): Promise<void> {
  const cancellation = await findShowCancellation(deps.db, showId);
  if (cancellation === undefined) return;
  const now = await deps.clock.nowIn(deps.db);
  const holds = await inTransaction(deps.db, (tx) => cancelLiveHolds(tx, showId, now));
  for (const bookingId of holds) deps.monitors.disarm(bookingId);
  const { reason, cancelledBy: refundedBy } = cancellation;
  const notGivenBack: number[] = [];
  for (const bookingId of await listPaidBookingsOfShow(deps.db, showId)) {
    await giveOneBack(deps, bookingId, { reason, refundedBy }).catch((error: unknown) => {
      notGivenBack.push(bookingId);
      deps.logger.error(
        { bookingId, showId, err: error },
        "A booking of a cancelled show is not given back yet; it is tried again.",
      );
    });
  }
  await noteNotGivenBack(deps.db, showId, notGivenBack);
  await finishShowCancellation(deps.db, showId, deps.clock.now());
}

async function giveOneBack(
  deps: Pick<Deps, "db" | "clock">,
  bookingId: number,
  why: { reason: string; refundedBy: string },
): Promise<void> {
  await inTransaction(deps.db, async (tx) => {
    const booking = await lockBooking(tx, bookingId);
    if (booking === undefined || !isPaidBooking(booking.status)) return;
    const { status } = booking;
    const now = deps.clock.nowFrom(booking.lockedAt);
    await giveBookingBack(tx, { ...booking, status }, { ...why, to: "source", now });
  });
}
