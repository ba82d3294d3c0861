import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";
import { callCallersCode } from "./callers-code.ts";
import type { SkyfoxError } from "./errors.ts";
import type { Timing } from "./retries.ts";
import { applySeatMapEvent } from "./seat-map-events.ts";

/**
 * How far a seat map that is watched can be trusted: `live` follows every change; `catching-up` is being connected, at first or after a cut; `stale`
 * was not heard of for 30 seconds, or its page is hidden; `ended` changes no more.
 */
export type SeatMapStatus = "live" | "catching-up" | "stale" | "ended";

/** Why a seat map is watched no longer: its show is over, was cancelled, or SkyFox refuses to go on, such as after a logout. */
export type SeatMapEnd =
  | { why: "show-over" }
  | { why: "show-cancelled"; reason: string }
  | { why: "refused"; error: SkyfoxError };

/** What a watched seat map calls. */
export interface WatchSeatMapOptions {
  /** The whole map, at first and after each change. Its version never goes back; rows without a change stay the same objects. */
  onChange(seatMap: SeatMap): void;
  /** At first, and when the status has changed; `end` comes with `ended`, after which nothing is called any more. */
  onStatus?(status: SeatMapStatus, end?: SeatMapEnd): void;
  /** Ends the watch at once; then nothing is called any more. */
  signal: AbortSignal;
}

/** The caller's seat map, as it was last. */
export interface SeatMapView {
  readonly seatMap: SeatMap | undefined;
  /** Of the last event in `seatMap`. */
  readonly lastEventId: string | undefined;
  readonly status: SeatMapStatus | undefined;
  take(event: SeatMapEvent, id: string | undefined): void;
  say(status: SeatMapStatus): void;
  end(end: SeatMapEnd): void;
}

/** A view without a map; `over` is called when it ends. */
export function createView(
  { onChange, onStatus, signal }: WatchSeatMapOptions,
  timing: Timing,
  over: () => void,
): SeatMapView {
  let seatMap: SeatMap | undefined;
  let lastEventId: string | undefined;
  let status: SeatMapStatus | undefined;
  return {
    get seatMap() {
      return seatMap;
    },
    get lastEventId() {
      return lastEventId;
    },
    get status() {
      return status;
    },
    take(event, id) {
      const next = applySeatMapEvent(seatMap, event);
      if (versionOf(event) === next?.version) lastEventId = id;
      if (next === undefined || next === seatMap) return;
      seatMap = next;
      call(() => onChange(next));
    },
    say(next) {
      if (status === next) return;
      status = next;
      call(() => onStatus?.(next));
    },
    end(end) {
      status = "ended";
      over();
      call(() => onStatus?.("ended", end));
    },
  };

  function call(callback: () => void): void {
    if (!signal.aborted) callCallersCode(timing, callback);
  }
}

function versionOf(event: SeatMapEvent): number | undefined {
  if (event.type === "snapshot") return event.seatMap.version;
  return event.type === "changed" ? event.version : undefined;
}
