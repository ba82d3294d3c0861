import fc from "fast-check";
import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";
import { expect, test } from "vitest";
import { createLiveServer, type Connection } from "../test/live-server.ts";
import { seatMapOf } from "../test/seat-map-of.ts";
import { eventually, settle } from "../test/settle.ts";
import { realTabs, watchAt, type Watching } from "../test/watching.ts";

const seatNumbers = ["A1", "A2", "B1", "B2"];
type Status = SeatMap["rows"][number]["seats"][number]["status"];

const tab = fc.nat({ max: 3 });
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("change" as const),
      seat: fc.constantFrom(...seatNumbers),
      status: fc.constantFrom<Status>("free", "held", "sold"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom("hide", "show", "reopen", "renew"), tab }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("pass" as const), tab, ms: fc.constantFrom(200, 5_000, 40_000) }),
  },
);

test("tabs that come and go, hide, stall and lose their streams end with the server's map, and none ever goes back", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(step, fc.boolean()), { minLength: 10, maxLength: 40 }),
      async (steps) => {
        const server = createCinema();
        const tabs = Array.from({ length: 4 }, () => watchAt(server.live, { tabs: realTabs }));
        const all = [...tabs];
        for (const [one, isHasty] of steps) {
          if (one.do === "change") server.change(one.seat, one.status);
          else if (one.do === "cut") server.cut();
          else if (one.do === "pass") tabs[one.tab]?.timing.pass(one.ms);
          else {
            const watching = tabs[one.tab] as Watching;
            if (one.do === "hide") watching.page.turn("hidden");
            if (one.do === "show") watching.page.turn("shown");
            if (one.do === "renew") watching.token = watching.token === "first" ? "second" : "first";
            if (one.do === "reopen") {
              watching.abort();
              tabs[one.tab] = watchAt(server.live, { tabs: realTabs });
              all.push(tabs[one.tab] as Watching);
            }
          }
          if (!isHasty) await settle();
        }
        for (const { page } of tabs) if (page.hidden) page.turn("shown");
        await settle();
        // Waits after cuts end, and tabs with another token change over.
        for (let round = 0; round < 4; round += 1) {
          for (const { timing } of tabs) timing.pass(5_000);
          await settle();
        }
        server.change("A1", "sold");
        await eventually(() => tabs.every(({ status, seen }) => status === "live" && seen === server.seen));
        expect(server.live.connections.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(2);
        for (const { maps, abort } of all) {
          const versions = maps.map(({ version }) => version);
          expect(versions).toEqual(versions.toSorted((one, other) => one - other));
          abort();
        }
        await settle();
        expect(all.map(({ timing }) => timing.pending)).toEqual(all.map(() => 0));
      },
    ),
    { numRuns: 40, seed: 20_270_101 },
  );
});

/** A server of one show, which resumes streams from the version that their last event had. */
function createCinema() {
  const live = createLiveServer();
  const seats = new Map<string, { status: Status; version: number }>(
    seatNumbers.map((seatNumber) => [seatNumber, { status: "free", version: 1 }]),
  );
  let version = 1;
  void serve();
  return {
    live,
    get seen() {
      return [version, ...[...seats].map(([seatNumber, { status }]) => `${seatNumber}:${status}`)].join(" ");
    },
    change(seatNumber: string, status: Status) {
      version += 1;
      seats.set(seatNumber, { status, version });
      for (const connection of open())
        send(connection, { type: "changed", version, seats: [{ seatNumber, status }] });
    },
    cut() {
      for (const connection of open()) connection.cut();
    },
  };

  function open(): Connection[] {
    return live.connections.filter(({ isOpen }) => isOpen);
  }

  async function serve(): Promise<never> {
    for (;;) {
      const connection = await live.next();
      const { lastEventId } = connection.input as { lastEventId?: string };
      if (lastEventId === undefined) {
        const statuses = Object.fromEntries(
          [...seats].map(([seatNumber, { status }]) => [seatNumber, status]),
        );
        send(connection, { type: "snapshot", seatMap: seatMapOf(version, statuses) });
        continue;
      }
      const missed = [...seats].filter(([, seat]) => seat.version > Number(lastEventId));
      const changed = missed.map(([seatNumber, { status }]) => ({ seatNumber, status }));
      send(connection, { type: "changed", version, seats: changed });
    }
  }

  function send(connection: Connection, event: SeatMapEvent): void {
    connection.send(String(version), event);
  }
}
