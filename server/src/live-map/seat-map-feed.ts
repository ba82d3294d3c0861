import {
  listClaimsOfShows,
  listLayout,
  listMapVersions,
  type Db,
  type Hearing,
  type LayoutRow,
} from "@skyfox/db";
import type { SeatMapEvent } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";
import { startLoop, type Loop } from "../runtime/background.ts";
import type { Clock, Logger } from "../runtime/ports.ts";
import { createAnnouncements } from "./announcements.ts";
import { MapMemory } from "./map-memory.ts";
import type { LiveMaps, MapWatcher } from "./ports.ts";
import { createStreamPlaces, type StreamBounds } from "./stream-places.ts";

// A notice is only a hint: a change whose notice was lost is noticed within two seconds, reading included.
const checkEveryMs = 1_500;
// Between two readings: a burst is one change, and what many watch changes less often.
const pauseMs = { least: 50, most: 250, perWatcher: 0.125 };

export interface SeatMapFeedParts {
  db: Db;
  clock: Clock;
  logger: Logger;
  /** Tells the other servers; the text may be lost. */
  announce: (text: string) => void;
  bounds: StreamBounds;
}

/** The live maps of one server, and what it must hear of the others. */
export interface SeatMapFeed extends LiveMaps, Hearing {
  /** How much is remembered for watchers. */
  readonly watched: { shows: number; watchers: number };
  /** Ends all streams, so that their callers connect to another server, and waits for the reading that is under way. */
  close(): Promise<void>;
}

interface WatchedShow {
  memory: MapMemory;
  layout: Promise<LayoutRow[]>;
  watchers: Set<MapWatcher>;
  /** Undefined until the layout is read. */
  endsAt: Date | undefined;
  end: SeatMapEvent | undefined;
  /** The timer of the moment at which the map changes by itself. */
  turn: AbortController | undefined;
}

/**
 * Reads the claims of watched shows when they may have changed: once for all watchers of a show, all changed shows in one statement, one reading at
 * a time. A show is remembered from its first watcher to its last.
 */
export function createSeatMapFeed({ db, clock, logger, announce, bounds }: SeatMapFeedParts): SeatMapFeed {
  const shows = new Map<number, WatchedShow>();
  const places = createStreamPlaces(bounds);
  const announcements = createAnnouncements(announce);
  const changed = new Set<number>();
  // The reading that has not begun yet.
  let next: PromiseWithResolvers<void> | undefined;
  let reading: Promise<void> | undefined;
  let endPause: (() => void) | undefined;
  let checks: Loop | undefined;
  let isClosed = false;

  /** Resolves once the show has been read by a statement that began after this call. */
  function read(showId: number): Promise<void> {
    changed.add(showId);
    if (next === undefined) {
      next = Promise.withResolvers<void>();
      // A notice of a change does not wait for the reading; a failed one is made up for by the next check.
      next.promise.catch(() => {});
    }
    const { promise } = next;
    reading ??= readChanged();
    return promise;
  }

  async function readChanged(): Promise<void> {
    while (next !== undefined && !isClosed) {
      const { resolve, reject } = next;
      const showIds = [...changed].filter((showId) => shows.has(showId));
      next = undefined;
      changed.clear();
      let woken = 0;
      try {
        if (showIds.length > 0) woken = publish(await listClaimsOfShows(db, showIds));
        resolve();
      } catch (error) {
        // The next check finds what is missing.
        logger.warn({ err: error }, "Watched seat maps could not be read.");
        reject(error);
      }
      await pause(Math.min(Math.max(woken * pauseMs.perWatcher, pauseMs.least), pauseMs.most));
    }
    reading = undefined;
  }

  async function pause(ms: number): Promise<void> {
    if (isClosed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    endPause = resolve;
    const timer = setTimeout(resolve, ms);
    await promise;
    clearTimeout(timer);
  }

  function publish(claimsOfShows: Awaited<ReturnType<typeof listClaimsOfShows>>): number {
    let woken = 0;
    const now = clock.now();
    for (const { showId, cancelReason, claims } of claimsOfShows) {
      const show = shows.get(showId);
      if (show === undefined) continue;
      const before = show.memory.changes;
      show.memory.take(claims, now);
      if (cancelReason !== null) show.end ??= { type: "cancelled", reason: cancelReason };
      settle(show, before);
      woken += show.watchers.size;
    }
    return woken;
  }

  /** Does what is due by the clock, and wakes the watchers if anything has changed since. */
  function settle(show: WatchedShow, before: number): void {
    const now = clock.now();
    show.memory.freeOverdue(now);
    const { endsAt } = show;
    if (endsAt !== undefined && endsAt <= now) show.end ??= { type: "ended" };
    if (show.memory.changes !== before || show.end !== undefined)
      for (const watcher of show.watchers) watcher.wake();
    show.turn?.abort();
    if (show.end !== undefined || show.watchers.size === 0) return;
    const times = [show.memory.nextOverdue(), endsAt].filter((time) => time !== undefined);
    const [soonest] = times.toSorted((one, other) => one.getTime() - other.getTime());
    if (soonest === undefined) return;
    show.turn = new AbortController();
    clock.wakeAt(soonest, () => settle(show, show.memory.changes), show.turn.signal);
  }

  async function check(): Promise<void> {
    const known = [...shows].filter(([, { memory }]) => memory.changes > 0);
    // The clock may have jumped over a timer.
    for (const [, show] of known) settle(show, show.memory.changes);
    const showIds = known.map(([showId]) => showId);
    if (showIds.length === 0) return;
    for (const { showId, version, isCancelled } of await listMapVersions(db, showIds)) {
      const show = shows.get(showId);
      if (show === undefined) continue;
      if (show.memory.version !== version || (isCancelled && show.end === undefined)) void read(showId);
    }
  }

  function open(showId: number): WatchedShow {
    const show: WatchedShow = {
      memory: new MapMemory(showId),
      layout: readLayout(),
      watchers: new Set(),
      endsAt: undefined,
      end: undefined,
      turn: undefined,
    };
    // Those who wait for it may have gone.
    show.layout.catch(() => {});
    shows.set(showId, show);
    checks ??= startLoop({ clock, logger }, { name: "check live maps", everyMs: checkEveryMs, run: check });
    return show;

    async function readLayout(): Promise<LayoutRow[]> {
      const layout = await listLayout(db, showId);
      if (layout[0] === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
      show.endsAt = layout[0].endsAt;
      return layout;
    }
  }

  function leave(showId: number, show: WatchedShow, watcher: MapWatcher): void {
    show.watchers.delete(watcher);
    if (show.watchers.size > 0) return;
    show.turn?.abort();
    shows.delete(showId);
    if (shows.size > 0) return;
    void checks?.close();
    checks = undefined;
  }

  function assertGoesOn(signal: AbortSignal): void {
    if (isClosed || signal.aborted) throw streamOver();
  }

  return {
    async watch(showId, address, signal) {
      assertGoesOn(signal);
      const place = places.take(address);
      const show = shows.get(showId) ?? open(showId);
      let layout: LayoutRow[] = [];
      let seen = 0;
      let waiting: (() => void) | undefined;
      let isWoken = false;
      const watcher: MapWatcher = {
        get showDate() {
          return layout[0]?.date ?? "";
        },
        first(lastEventId) {
          seen = show.memory.changes;
          return show.memory.afterVersion(readVersion(lastEventId), layout);
        },
        next() {
          const news = show.memory.after(seen, layout);
          seen = show.memory.changes;
          return news;
        },
        last: () => show.end && { id: String(show.memory.version), data: show.end },
        async changes() {
          if (!isWoken) await new Promise<void>((resolve) => (waiting = resolve));
          waiting = undefined;
          isWoken = false;
          assertGoesOn(signal);
        },
        wake() {
          isWoken = true;
          waiting?.();
        },
        [Symbol.dispose]() {
          signal.removeEventListener("abort", watcher.wake);
          leave(showId, show, watcher);
          place[Symbol.dispose]();
        },
      };
      signal.addEventListener("abort", watcher.wake);
      show.watchers.add(watcher);
      try {
        layout = await unlessAborted(show.layout, signal);
        assertGoesOn(signal);
        await unlessAborted(read(showId), signal);
        return watcher;
      } catch (error) {
        watcher[Symbol.dispose]();
        throw error;
      }
    },
    changed(showId) {
      announcements.add(showId);
      if (shows.has(showId)) void read(showId);
    },
    heard(text) {
      for (const showId of announcements.read(text)) if (shows.has(showId)) void read(showId);
    },
    // Notices may have been missed.
    lost() {
      for (const showId of shows.keys()) void read(showId);
    },
    proven() {},
    get watched() {
      return { shows: shows.size, watchers: places.taken };
    },
    async close() {
      isClosed = true;
      announcements.close();
      next?.reject(streamOver());
      endPause?.();
      for (const { watchers } of shows.values()) for (const watcher of watchers) watcher.wake();
      await Promise.all([checks?.close(), reading]);
    },
  };
}

/** The version of the map that an event's id stands for; undefined for what is no id of ours. */
function readVersion(eventId: string | undefined): number | undefined {
  return eventId !== undefined && /^\d{1,15}$/.test(eventId) ? Number(eventId) : undefined;
}

// Nothing is said to the caller, who connects again if there still is one.
function streamOver(): DOMException {
  return new DOMException("The stream is over.", "AbortError");
}

async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  if (signal.aborted) throw streamOver();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(streamOver());
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
