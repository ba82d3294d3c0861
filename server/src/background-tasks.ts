import { expireAnyDue, hurryPaymentsAndRefunds, writeHeartbeat } from "@skyfox/db";
import { removeEnded } from "./auth/remove-ended.ts";
import { goOnCancellingShows } from "./booking/cancel-show.ts";
import type { RunningExpiryMonitors } from "./booking/expiry-monitors.ts";
import type { Deps } from "./deps.ts";
import { removeImages } from "./image/keep-image.ts";
import { fillInFilms } from "./movie/fill-in-films.ts";
import { askAfter } from "./payment/charge-card.ts";
import { checkBooks } from "./payment/check-books.ts";
import { reconcilePayments } from "./payment/reconcile-payments.ts";
import { warnOfWaitingRefunds } from "./payment/waiting-refunds.ts";
import { startLoop, type Loop } from "./runtime/background.ts";
import type { RunningClock } from "./runtime/clock.ts";
import type { Metrics } from "./runtime/ports.ts";
import { createChangeRemoval } from "./show/remove-changes.ts";

const reconcileEveryMs = 5_000;
const followJumpEveryMs = 1_000;
const sweepEveryMs = 10_000;
const heartbeatEveryMs = 5_000;
const warnOfWaitingEveryMs = 60_000;
const checkBooksEveryMs = 60 * 60_000;
const removeEveryMs = 10 * 60_000;
const fillInFilmsEveryMs = 10 * 60_000;
const removeImagesEveryMs = 60_000;
const removeChangesEveryMs = 60_000;
const sweepBatch = 500;

/** What the tasks use: connections of their own, so that recovery goes on while callers have all others. */
type TaskDeps = Pick<
  Deps,
  "db" | "books" | "clock" | "gateway" | "images" | "logger" | "monitors" | "movies" | "settings" | "subjects"
>;

/** How the tasks of one server are run. */
export interface TaskOptions {
  clock: RunningClock;
  monitors: RunningExpiryMonitors;
  metrics: Metrics | undefined;
  /** Otherwise only what reads is run: the books are checked. */
  isOn: boolean;
  /** After so long without a heartbeat refunds wait; null where no refund has to wait. */
  longestGapSeconds: number | null;
}

/** What a server does besides answering calls. */
export interface BackgroundTasks {
  /** Rebuilds the expiry monitors from Postgres, then starts the tasks. */
  start(): Promise<{ rehydrated: number }>;
  /** Resolves once no task runs any more. */
  stop(): Promise<void>;
}

/** Makes the background tasks of one server; none runs yet. */
export function createBackgroundTasks(
  deps: TaskDeps,
  { clock, monitors, metrics, isOn, longestGapSeconds }: TaskOptions,
): BackgroundTasks {
  const { db, books, logger } = deps;
  const loops: Loop[] = [];
  const stopping = new AbortController();
  const { signal } = stopping;
  const unknownFilms = new Set<string>();
  const removeChanges = createChangeRemoval(db);
  let jumpsSeen = clock.jumps;

  function every(everyMs: number, name: string, run: () => Promise<unknown>): void {
    loops.push(startLoop(deps, { name, everyMs, run }));
  }

  async function beat(): Promise<void> {
    await writeHeartbeat(db, { now: await clock.nowIn(db), longestGapSeconds });
  }

  async function catchUp(): Promise<number> {
    const rehydrated = await monitors.rehydrate();
    await beat();
    const now = await clock.nowIn(db);
    await hurryPaymentsAndRefunds(db, { now, latestFirstTurn: askAfter(now) });
    return rehydrated;
  }

  // Timers and turns were set by the time before the jump.
  async function followJump(): Promise<void> {
    const { jumps } = clock;
    if (jumps === jumpsSeen) return;
    await catchUp();
    jumpsSeen = jumps;
  }

  async function reconcile(): Promise<void> {
    // Before refunds are looked for: whether the database was away for long is known by the heartbeat before this one.
    await beat();
    await reconcilePayments(deps, signal);
    await goOnCancellingShows(deps, signal);
  }

  // What a dead server left: holds without a monitor, and payments that kept their seats too long.
  async function sweep(): Promise<void> {
    let expired: number[];
    do {
      expired = await expireAnyDue(db, sweepBatch, await clock.nowIn(db));
      if (expired.length > 0) logger.info({ swept: expired.length }, "Holds without a timer have expired.");
      // A batch may be short because another transaction has locked a part of a booking.
    } while (expired.length > 0 && !signal.aborted);
  }

  async function check(): Promise<void> {
    await checkBooks({ books, logger, metrics }).catch((error: unknown) => {
      // A stop ends the reading.
      if (!signal.aborted) throw error;
    });
  }

  return {
    async start() {
      if (!isOn) {
        every(checkBooksEveryMs, "check the books", check);
        return { rehydrated: 0 };
      }
      jumpsSeen = clock.jumps;
      const rehydrated = await catchUp();
      every(reconcileEveryMs, "reconcile payments", reconcile);
      every(followJumpEveryMs, "follow the clock", followJump);
      // One of its own, since a round of the reconciler takes as long as the gateway does.
      every(heartbeatEveryMs, "write the heartbeat", beat);
      every(warnOfWaitingEveryMs, "warn of refunds that wait", () => warnOfWaitingRefunds(deps));
      every(sweepEveryMs, "sweep expired holds", sweep);
      every(checkBooksEveryMs, "check the books", check);
      every(removeEveryMs, "remove what has ended", () => removeEnded(deps, signal));
      every(fillInFilmsEveryMs, "fill in films", () => fillInFilms(deps, unknownFilms, signal));
      every(removeChangesEveryMs, "remove changes that servers have seen", () => removeChanges(signal));
      every(removeImagesEveryMs, "remove pictures without an owner", () => removeImages(deps, signal));
      return { rehydrated };
    },
    async stop() {
      stopping.abort();
      await Promise.all(loops.map((loop) => loop.close()));
    },
  };
}
