import type { SeatMapEvent } from "../contract/index.ts";

/** An event of a stream, with the id by which the caller goes on after it. */
export interface SeatMapNews {
  id: string;
  data: SeatMapEvent;
}

/** One watcher of a seat map; disposing of it leaves nothing behind. */
export interface MapWatcher extends Disposable {
  /** The cinema date of the show. */
  readonly showDate: string;
  /** What the watcher has to see first: what has changed after the event of that id, or the whole map. */
  first(lastEventId: string | undefined): SeatMapNews;
  /** What has changed since the last look, as one event; undefined when nothing has. */
  next(): SeatMapNews | undefined;
  /** The last event of all, once the show is over or cancelled. */
  last(): SeatMapNews | undefined;
  /** Resolves at the next change, or at `wake`. Rejects with an `AbortError` when the caller has gone or the server stops. */
  changes(): Promise<void>;
  wake(): void;
}

/** The seat maps that are being watched on this server. */
export interface LiveMaps {
  /**
   * Begins to watch a show, with a map that is as new as this call. Throws `RATE_LIMITED` when the caller's network has too many streams,
   * `OVERLOADED` when the server has, and `SHOW_NOT_FOUND`.
   */
  watch(showId: number, address: string, signal: AbortSignal): Promise<MapWatcher>;
  /** To be called after the commit that changed seats of the show; other servers get a notice within a quarter of a second. */
  changed(showId: number): void;
}
