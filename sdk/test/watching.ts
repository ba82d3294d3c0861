import type { SeatMap } from "../src/index.ts";
import type { SeatMapEnd } from "../src/seat-map-view.ts";
import type { Page, Surroundings, Tabs } from "../src/tabs.ts";
import { seatMapWatcher } from "../src/watch-seat-map.ts";
import type { LiveServer } from "./live-server.ts";
import { createManualTiming, type ManualTiming } from "./manual-timing.ts";

/** A page that a test shows and hides. */
export interface TestPage extends Page {
  /** How many listen to it. */
  readonly listeners: number;
  turn(what: "hidden" | "shown"): void;
}

export function createPage(isHidden = false): TestPage {
  const listeners = new Set<() => void>();
  let hidden = isHidden;
  return {
    get hidden() {
      return hidden;
    },
    get listeners() {
      return listeners.size;
    },
    addEventListener: (_type, listener) => listeners.add(listener),
    removeEventListener: (_type, listener) => listeners.delete(listener),
    turn(what) {
      hidden = what === "hidden";
      for (const listener of listeners) listener();
    },
  };
}

/** The browser's own parts, which Node has as well. */
export const realTabs: Tabs = {
  locks: navigator.locks,
  openChannel: (name) => new BroadcastChannel(name),
};

/** A watch, and what its caller has heard. */
export interface Watching {
  timing: ManualTiming;
  page: TestPage;
  maps: SeatMap[];
  statuses: string[];
  end: SeatMapEnd | undefined;
  token: string | undefined;
  /** What the seats are now, such as `7 A1:free`. */
  readonly seen: string;
  readonly status: string | undefined;
  /** Until when the token is being fetched, each time. */
  fetching: Promise<void> | undefined;
  /** Called with everything that the caller hears. */
  heard: () => void;
  abort: () => void;
}

export interface WatchingOptions extends Surroundings {
  page?: TestPage;
  /** Null while none can be had. */
  token?: string | null;
  showId?: number;
  signal?: AbortSignal;
}

const refreshToken = () => Promise.resolve(false);

/** Watches show 1 at the test's server. */
export function watchAt(server: LiveServer, options: WatchingOptions = {}): Watching {
  const { page = createPage(), tabs, token = "first", showId = 1 } = options;
  const abort = new AbortController();
  const timing = createManualTiming();
  const watching: Watching = {
    timing,
    page,
    maps: [],
    statuses: [],
    end: undefined,
    token: token ?? undefined,
    get seen() {
      const map = watching.maps.at(-1);
      if (map === undefined) return "";
      const seats = map.rows.flatMap((row) => row.seats.map((seat) => `${seat.seatNumber}:${seat.status}`));
      return [map.version, ...seats].join(" ");
    },
    get status() {
      return watching.statuses.at(-1);
    },
    fetching: undefined,
    heard() {},
    abort: () => abort.abort(),
  };
  const headers = async () => {
    if (watching.fetching !== undefined) await watching.fetching;
    if (watching.token === undefined) throw new Error("No token.");
    return { "x-api-key": "key", authorization: `Bearer ${watching.token}` };
  };
  const access = { url: "http://cinema.test/trpc", fetch: server.fetch, headers, refreshToken, timing };
  seatMapWatcher(access, { page, tabs })(showId, {
    onChange(seatMap) {
      watching.maps.push(seatMap);
      watching.heard();
    },
    onStatus(status, end) {
      watching.statuses.push(status);
      watching.end = end;
      watching.heard();
    },
    signal: options.signal ?? abort.signal,
  });
  return watching;
}
