import { randomInt } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import { cinemaToday } from "../../src/show/window.ts";
import type { Hold, SeatMap } from "../../src/contract/index.ts";
import { startServerOf, drillApiKey } from "../drill-server.ts";
import { givenCustomer, givenCustomers, givenShow, goodCard, tokenOf } from "../given.ts";
import { mutate, query, type Reachable } from "../rpc-call.ts";
import { testCards } from "../../../scripts/sandbox/cards.ts";
import { createManualClock } from "../manual-clock.ts";
import { createTestApp } from "../test-app.ts";
import { watchMap } from "../watch-seat-map.ts";

const changes = 5_000;
const cuts = 200;
const slowCard = { ...goodCard, number: testCards.slow };

const app = await createTestApp();
const other = await createTestApp({ beside: app });
const tokens = await Promise.all(
  // Enough that none asks more often than a customer may.
  (await givenCustomers(app.deps, 200)).map((customer) => tokenOf(app.deps, customer)),
);
const [token = ""] = tokens;

/** A server in a process of its own, as the functions below call one. */
function reach(url: string): Reachable {
  return { app: { request: async (path, init) => await fetch(`${url}${path}`, init) } };
}

async function freshMap(showId: number): Promise<SeatMap> {
  const { data } = await query<SeatMap>(app, "show.seatMap", { showId }, { token });
  if (data === undefined) throw new Error("There is no seat map.");
  return data;
}

describe("P20: the live seat map", () => {
  test(
    `loses nothing: clients that are cut ${cuts} times over ${changes} changes end equal to a fresh map`,
    { timeout: 180_000 },
    async () => {
      const showId = await givenShow(app);
      const followers = [1, 2, 3].map(() => ({ cuts: 0, live: 0, snapshots: 0, wentBack: 0, version: 0 }));
      let made = 0;
      let isStopped = false;
      onTestFinished(() => void (isStopped = true));
      const goesOn = () => !isStopped && (made < changes || followers.some((seen) => seen.cuts < cuts));
      const change = async (row: string) => {
        while (goesOn()) {
          const by = { token: tokens[randomInt(tokens.length)] };
          const server = randomInt(2) === 0 ? app : other;
          const seats = { showId, seatNumbers: [`${row}${1 + randomInt(10)}`] };
          const held = await mutate<Hold>(server, "booking.initialize", seats, by);
          const { bookingId } = held.data ?? {};
          if (bookingId === undefined) throw new Error(held.text);
          made += 1;
          // The last holds stay.
          if (!goesOn()) return;
          const cancelled = await mutate(server, "booking.cancel", { bookingId }, by);
          if (cancelled.status !== 200) throw new Error(cancelled.text);
          made += 1;
        }
      };
      let isOver = false;
      const over = Promise.all(Array.from("ABCDEFGH", change)).then(() => {
        isOver = true;
        return "over" as const;
      });
      over.catch(() => {});

      const follow = async (seen: (typeof followers)[number]) => {
        let map: SeatMap | undefined;
        let lastEventId: string | undefined;
        while (!isStopped && (!isOver || map?.version !== made)) {
          const server = randomInt(2) === 0 ? app : other;
          const watching = await watchMap(
            server,
            { showId, ...(lastEventId && { lastEventId }) },
            { token, map },
          );
          // The first event comes at once, whatever happens to the show.
          for (let left = randomInt(1, 4), isFirst = true; left > 0; left -= 1, isFirst = false) {
            const coming = watching.next();
            const outcome = isFirst ? undefined : await Promise.race([coming, over]);
            // Once nothing changes any more, what the stream still owes has to come.
            if (outcome === "over" && watching.map?.version === made) break;
            const got = await coming;
            if (got?.event === undefined) throw new Error(`The stream ended: ${JSON.stringify(got)}`);
            if (!isFirst) seen.live += 1;
            if (got.event.type === "snapshot") seen.snapshots += 1;
            const version = watching.map?.version ?? 0;
            if (version < seen.version) seen.wentBack += 1;
            seen.version = version;
            lastEventId = got.id;
          }
          map = watching.map;
          watching.leave();
          if (!isOver) seen.cuts += 1;
        }
        return map;
      };
      const maps = await Promise.all(followers.map(follow));
      await over;
      const fresh = await freshMap(showId);
      expect(fresh.version).toBe(made);
      for (const seen of followers) {
        console.log(`P20: ${made} changes, ${JSON.stringify(seen)}`);
        expect(seen.wentBack).toBe(0);
        expect(seen.cuts).toBeGreaterThanOrEqual(cuts);
        expect(seen.live).toBeGreaterThan(cuts / 2);
      }
      expect(maps).toEqual(followers.map(() => fresh));
      expect([app, other].map(({ deps }) => deps.liveMaps.watched.watchers)).toEqual([0, 0]);
    },
  );
});

describe("servers in processes of their own", async () => {
  // They go by the database's clock.
  const clock = createManualClock(new Date());
  const living = await createTestApp({ clock });
  const buyer = await givenCustomer(living.deps);
  const options = { token: await tokenOf(living.deps, buyer), apiKey: drillApiKey };
  const date = cinemaToday(living.deps, new Date(clock.now().getTime() + 24 * 3_600_000));

  async function givenServer() {
    const server = await startServerOf(living, onTestFinished);
    return { server, reached: reach(server.url) };
  }

  function hold(reached: Reachable, showId: number, seat: string) {
    return mutate<Hold>(reached, "booking.initialize", { showId, seatNumbers: [seat] }, options);
  }

  test("P19: SIGTERM with 50 live maps and a slow payment: it is answered, the streams end so that clients come back", async () => {
    const { server, reached } = await givenServer();
    const showId = await givenShow(living, { date });
    const watchers = await Promise.all(
      Array.from({ length: 50 }, () => watchMap(reached, { showId }, options)),
    );
    for (const watching of watchers) await watching.next();
    const { data } = await hold(reached, showId, "A1");
    for (const watching of watchers) await watching.next();
    const input = { bookingId: data?.bookingId, method: "Card", card: slowCard };
    const paying = mutate(reached, "booking.pay", input, options);
    // The claim is changed as the payment begins, which is noticed by the next check: its answer is still to come.
    for (const watching of watchers) await watching.next();
    const startedAt = performance.now();
    const stopping = server.stop();
    const endings = await Promise.all(watchers.map((watching) => watching.next()));
    const endedMs = Math.round(performance.now() - startedAt);
    expect(await paying).toMatchObject({ status: 200, data: { status: "Confirmed" } });
    expect(await stopping).toBe(0);
    const exitedMs = Math.round(performance.now() - startedAt);
    console.log(`P19: 50 streams ended after ${endedMs} ms, exit after ${exitedMs} ms`);
    expect(endings).toEqual(Array.from({ length: 50 }, () => undefined));
    expect(watchers.filter(({ names }) => names.includes("return"))).toEqual([]);
    expect(exitedMs).toBeLessThan(10_000);
  });

  test("a change on one is seen on the other, also when the one is killed right after it", async () => {
    const [one, two] = await Promise.all([givenServer(), givenServer()]);
    const showId = await givenShow(living, { date });
    const watching = await watchMap(two.reached, { showId }, options);
    await watching.next();
    const seen: number[] = [];
    for (const seat of ["B1", "B2"]) {
      expect(await hold(one.reached, showId, seat)).toMatchObject({ status: 200 });
      const heldAt = performance.now();
      if (seat === "B2") await one.server.kill();
      expect((await watching.next())?.event).toMatchObject({ seats: [{ seatNumber: seat, status: "held" }] });
      seen.push(Math.round(performance.now() - heldAt));
    }
    console.log(`P20: seen on the other server after ${seen[0]} ms, with a kill after ${seen[1]} ms`);
    for (const ms of seen) expect(ms).toBeLessThan(2_000);
    watching.leave();
    expect(await two.server.stop()).toBe(0);
  });
});
