import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";
import { transformer } from "@skyfox/server/contract/plain";
import type { StreamAccess } from "./live-stream.ts";
import { followSeatMap } from "./seat-map-stream.ts";
import type { SeatMapEnd, SeatMapStatus, SeatMapView } from "./seat-map-view.ts";
import { watchSilence } from "./silence.ts";
import { joinGroup, type GroupPlace, type Tabs } from "./tabs.ts";

// Of what tabs say to each other: tabs with another version of this package may be open.
const protocol = 1;

// Of five seconds each: one more without a word from the tab that leads, and another one takes over.
const patienceTicks = 5;

type TabMessage =
  | { type: "hello" }
  | { type: "map"; seatMap: SeatMap; id: string | undefined; status: SeatMapStatus }
  | {
      type: "changed";
      /** The version that the map must have for the change to be all that it lacks. */
      after: number;
      event: SeatMapEvent;
      id: string | undefined;
    }
  | { type: "status"; status: SeatMapStatus }
  | { type: "end"; end: SeatMapEnd };

/** A watch in one of several tabs. */
export interface SharedWatch {
  access: StreamAccess;
  tabs: Tabs;
  showId: number;
  view: SeatMapView;
  /** Leaves and enters again, because the token is another one. */
  enter(): void;
}

/**
 * Watches a seat map together with the tabs of this browser that watch the same one of the same server with the same token: one of them has the
 * stream and gives the others what it gets. Each tab has its own where tabs cannot work together.
 */
export function followWithTabs(watch: SharedWatch): () => void {
  let hasLeft = false;
  let leave: (() => void) | undefined;
  void join();
  return () => {
    hasLeft = true;
    leave?.();
  };

  async function join(): Promise<void> {
    const { access, showId, view } = watch;
    try {
      // A token that cannot be had now is asked for again with the stream.
      const headers = await access.headers().catch(() => ({}));
      const name = await nameOf(access.url, headers, showId);
      if (!hasLeft) leave = followInGroup(watch, name, headers);
    } catch {
      if (!hasLeft) leave = followSeatMap(access, showId, view);
    }
  }
}

// Tabs of another account have another name, and none can read a token out of it.
async function nameOf(url: string, headers: Record<string, string>, showId: number): Promise<string> {
  const text = JSON.stringify([url, headers["x-api-key"], headers["authorization"], showId]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `skyfox-seat-map-${protocol.toFixed()}-${hex}`;
}

function followInGroup(
  { access, tabs, showId, view, enter }: SharedWatch,
  name: string,
  { authorization }: Record<string, string>,
): () => void {
  let stopLeading: (() => void) | undefined;
  let isInStep = false;
  let quietTicks = 0;
  let hasLeft = false;
  const place: GroupPlace = joinGroup(tabs, name, {
    lead,
    resign,
    receive: (message) => receive(transformer.deserialize(message as never) as TabMessage),
  });
  const silence = watchSilence(access.timing, { tick, silent });
  post({ type: "hello" });
  return () => {
    hasLeft = true;
    silence.stop();
    resign();
    place.leave();
  };

  function post(message: TabMessage): void {
    place.post(transformer.serialize(message));
  }

  function lead(): void {
    stopLeading = followSeatMap({ ...access, headers }, showId, {
      get seatMap() {
        return view.seatMap;
      },
      get lastEventId() {
        return view.lastEventId;
      },
      get status() {
        return view.status;
      },
      take(event, id) {
        const before = view.seatMap;
        view.take(event, id);
        if (event.type === "changed" && before !== undefined)
          post({ type: "changed", after: before.version, event, id });
        else postMap();
      },
      say(status) {
        const before = view.status;
        view.say(status);
        if (status !== before) post({ type: "status", status });
      },
      end(end) {
        // What SkyFox refuses to this tab, the others hear for themselves.
        if (end.why !== "refused") post({ type: "end", end });
        view.end(end);
      },
    });
    // The caller may have heard enough while the stream was being opened.
    if (hasLeft) resign();
  }

  function resign(): void {
    stopLeading?.();
    stopLeading = undefined;
  }

  function postMap(): void {
    const { seatMap, lastEventId: id, status = "catching-up" } = view;
    post(seatMap === undefined ? { type: "status", status } : { type: "map", seatMap, id, status });
  }

  function receive(message: TabMessage): void {
    if (message.type === "hello") {
      if (stopLeading !== undefined) postMap();
      return;
    }
    // Of a tab that led until now, and may have been heard after this one took its place.
    if (message.type === "end") return view.end(message.end);
    if (stopLeading !== undefined) return;
    silence.heard();
    quietTicks = 0;
    switch (message.type) {
      case "map":
        isInStep = true;
        view.take({ type: "snapshot", seatMap: message.seatMap }, message.id);
        return view.say(message.status);
      case "changed":
        if (!isInStep || view.seatMap === undefined || view.seatMap.version < message.after)
          return fallBehind();
        return view.take(message.event, message.id);
      case "status":
        if (message.status === "live" && !isInStep) return fallBehind();
        return view.say(message.status);
    }
  }

  function fallBehind(): void {
    isInStep = false;
    view.say("catching-up");
    post({ type: "hello" });
  }

  function tick(): void {
    if (stopLeading !== undefined) return post({ type: "status", status: view.status ?? "catching-up" });
    quietTicks += 1;
    void headers().catch(() => {});
  }

  // After a sleep the tab that leads only has to be asked; one that was quiet all the time hangs.
  function silent(): void {
    if (stopLeading !== undefined) return tick();
    view.say("stale");
    if (quietTicks < patienceTicks) post({ type: "hello" });
    else place.takeOver();
    quietTicks = 0;
  }

  async function headers(): Promise<Record<string, string>> {
    const current = await access.headers();
    if (!hasLeft && current["authorization"] !== authorization) enter();
    return current;
  }
}
