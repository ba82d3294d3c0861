import type { SeatMapEvent } from "@skyfox/server/contract";
import { followStream, type StreamAccess } from "./live-stream.ts";
import type { SeatMapView } from "./seat-map-view.ts";

/** Brings what the server streams of a show into the view, from where the view is, until it has ended or the returned function is called. */
export function followSeatMap(access: StreamAccess, showId: number, view: SeatMapView): () => void {
  const { lastEventId } = view;
  return followStream(
    access,
    { path: "show.watchSeatMap", input: { showId }, lastEventId },
    {
      connecting() {
        if (view.status !== "stale") view.say("catching-up");
      },
      connected: () => view.say("catching-up"),
      silent: () => view.say("stale"),
      event(data, id) {
        const event = data as SeatMapEvent;
        if (event.type === "cancelled") return view.end({ why: "show-cancelled", reason: event.reason });
        if (event.type === "ended") return view.end({ why: "show-over" });
        view.take(event, id);
        view.say("live");
      },
      ended: () => view.end({ why: "show-over" }),
      refused: (error) => view.end({ why: "refused", error }),
    },
  );
}
