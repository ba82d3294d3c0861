import type { WatchSeatMapInput } from "../contract/index.ts";
import type { Deps, StreamingCall, Viewer } from "../deps.ts";
import { assertInWindow } from "../show/window.ts";
import type { SeatMapNews } from "./ports.ts";

const checkCallerEveryMs = 60_000;

/**
 * The seat map of a show and what happens to it, until the show is over or cancelled. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`, `RATE_LIMITED`
 * and `OVERLOADED` at the beginning; later what `identify` throws once the session has ended, `DATE_OUT_OF_RANGE` once the show's day is
 * over for customers, and an `AbortError` when the caller has gone or the server stops.
 */
export async function* watchSeatMap(
  deps: Pick<Deps, "clock" | "liveMaps" | "sessions" | "settings">,
  viewer: Viewer,
  { showId, lastEventId }: WatchSeatMapInput,
  { signal, identify }: StreamingCall,
): AsyncGenerator<SeatMapNews, void> {
  let wake: (() => void) | undefined;
  // First of all: the session may end while the map is read.
  using doubts = watchCaller(deps, viewer, () => wake?.());
  using watcher = await deps.liveMaps.watch(showId, viewer.address, signal);
  wake = () => watcher.wake();
  assertInWindow(deps, doubts.take() ? await identify() : viewer, watcher.showDate);
  yield watcher.first(lastEventId);
  for (;;) {
    if (doubts.take()) assertInWindow(deps, await identify(), watcher.showDate);
    const news = watcher.next();
    if (news !== undefined) {
      yield news;
      continue;
    }
    const last = watcher.last();
    if (last !== undefined) {
      yield last;
      return;
    }
    await watcher.changes();
  }
}

/** Doubts whether the caller may go on: each minute, and when sessions of the account may have ended. */
function watchCaller(
  { clock, sessions }: Pick<Deps, "clock" | "sessions">,
  viewer: Viewer,
  wake: () => void,
) {
  const over = new AbortController();
  let isDoubted = false;
  const doubt = () => {
    isDoubted = true;
    wake();
  };
  const doubtEachMinute = () => {
    clock.wakeAfter(
      checkCallerEveryMs,
      () => {
        doubt();
        doubtEachMinute();
      },
      over.signal,
    );
  };
  doubtEachMinute();
  const forget = viewer.role === "visitor" ? undefined : sessions.watch(viewer.username, doubt);
  return {
    /** Whether there is a doubt, which is over then. */
    take(): boolean {
      const was = isDoubted;
      isDoubted = false;
      return was;
    },
    [Symbol.dispose]() {
      over.abort();
      forget?.();
    },
  };
}
