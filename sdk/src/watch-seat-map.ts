import type { StreamAccess } from "./live-stream.ts";
import { followSeatMap } from "./seat-map-stream.ts";
import { createView, type WatchSeatMapOptions } from "./seat-map-view.ts";
import { followWithTabs } from "./shared-seat-map.ts";
import type { Surroundings } from "./tabs.ts";

/**
 * Watches the seat map of a show until it has ended or `signal` aborts: survives cuts and passing errors, the device's sleep and new tokens, and catches
 * up on what was missed. Throws nothing; what SkyFox refuses comes as `onStatus("ended", { why: "refused", error })`.
 */
export type WatchSeatMap = (showId: number, options: WatchSeatMapOptions) => void;

/** Makes `watchSeatMap`. Tabs of one browser share a stream where they can; a hidden page has none. */
export function seatMapWatcher(access: StreamAccess, { page, tabs }: Surroundings): WatchSeatMap {
  return (showId, options) => {
    const { signal } = options;
    let leave: (() => void) | undefined;
    const view = createView(options, access.timing, close);
    if (signal.aborted) return;
    signal.addEventListener("abort", close);
    page?.addEventListener("visibilitychange", enter);
    enter();

    function enter(): void {
      leave?.();
      if (page?.hidden) return view.say("stale");
      view.say("catching-up");
      leave =
        tabs === undefined
          ? followSeatMap(access, showId, view)
          : followWithTabs({ access, tabs, showId, view, enter });
      // The caller may have heard enough.
      if (signal.aborted) leave?.();
    }

    function close(): void {
      signal.removeEventListener("abort", close);
      page?.removeEventListener("visibilitychange", enter);
      leave?.();
    }
  };
}
