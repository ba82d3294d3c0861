import { setTimeout as pause } from "node:timers/promises";
import { developmentApiKey } from "../../server/src/config.ts";
import type { Person } from "./caller.ts";
import { seatsOfTheHall, type Branch, type Cinema, type Place } from "./cinema.ts";
import { at, cancel, hold, type Held } from "./holding.ts";
import { keptMb } from "./kept-memory.ts";
import { measureCalls, percentileOf } from "./measure.ts";
import type { Figures } from "./report.ts";
import { machineMs, type MadeChange } from "./watched-changes.ts";
import { openWatchers, type ToWatch } from "./watchers.ts";

const changesPerSecond = 50;
// The heap of a server that has just started grows with its first calls, whether there are watchers or not.
const warmUpShare = 0.5;
const kilobytesOfMb = 1_024;

/** How many live maps there are, on how many shows, and how many changes are made on all of these together. */
export interface LiveLoad {
  shows: number;
  watchers: number;
  changes: number;
}

/**
 * Changes seats at an even pace while others watch, on a server of its own. Milliseconds are from when a change was called for, so that its commit is in
 * them, to when a watcher of its show has it; those of a call are to its answer. A watcher's memory is what the server keeps more after a collection,
 * all changes made.
 */
export async function measureLive(cinema: Cinema, { shows, watchers, changes }: LiveLoad): Promise<Figures> {
  const branch = await cinema.openBranch();
  const places = placesOn(branch, shows);
  await warmUp(branch, places, changes * warmUpShare);
  const withoutMb = await keptMb(branch.inspector);
  const watching = await openWatchers(listWatchers(branch, { shows, watchers }));
  try {
    const before = { server: branch.serverCpu(), postgres: cinema.postgresCpu(), ms: machineMs() };
    const { made, callsMs } = await makeChanges(branch, places, changes);
    const seconds = (machineMs() - before.ms) / 1_000;
    const { p50, p99 } = await watching.judge(made);
    const after = { server: branch.serverCpu(), postgres: cinema.postgresCpu() };
    const perChange = (from: number | undefined, to: number | undefined) =>
      from === undefined || to === undefined ? undefined : (to - from) / changes;
    const [serverUs, postgresUs] = [
      perChange(before.server, after.server),
      perChange(before.postgres, after.postgres),
    ];
    const withAllMb = await keptMb(branch.inspector);
    return {
      "changes/s": changes / seconds,
      "p50 ms": p50,
      "p99 ms": p99,
      "call p50 ms": percentileOf(callsMs, 50),
      "call p99 ms": percentileOf(callsMs, 99),
      ...(serverUs !== undefined && { "server µs": serverUs }),
      ...(postgresUs !== undefined && { "Postgres µs": postgresUs }),
      "KB a watcher": ((withAllMb - withoutMb) * kilobytesOfMb) / watchers,
    };
  } finally {
    await watching.close();
    await branch.close();
  }
}

// As many seats for any number of shows, so that the same is asked of the server but for who hears of it.
function placesOn(branch: Branch, shows: number): Place[] {
  return seatsOfTheHall.map((seat, turn) => ({ show: at(branch.shows.slice(0, shows), turn), seat }));
}

function listWatchers(
  { url, shows: all, customers }: Branch,
  { shows, watchers }: Pick<LiveLoad, "shows" | "watchers">,
): ToWatch[] {
  return Array.from({ length: watchers }, (_, turn) => {
    const { token, address } = at(customers, turn);
    const { id } = at(all.slice(0, shows), turn);
    return { url, apiKey: developmentApiKey, showId: id, token, address };
  });
}

async function warmUp(branch: Branch, places: Place[], calls: number): Promise<void> {
  const atOnce = 8;
  for (let made = 0; made < calls; made += 2 * places.length) {
    const held: Held[] = [];
    await measureCalls({
      count: places.length,
      atOnce,
      async call(turn) {
        held.push(await hold(branch, at(branch.customers, turn), at(places, turn)));
      },
    });
    await measureCalls({ count: held.length, atOnce, call: (turn) => cancel(branch, at(held, turn)) });
  }
}

// All seats are held one after the other, then all are freed, and so on. A slow call delays only the next one for its seat.
async function makeChanges(
  branch: Branch,
  places: Place[],
  count: number,
): Promise<{ made: MadeChange[]; callsMs: number[] }> {
  const made: MadeChange[] = [];
  const callsMs: number[] = [];
  const states = new Map<Place, Promise<Held | undefined>>();
  const startedAtMs = machineMs();

  async function change(place: Place, person: Person): Promise<Held | undefined> {
    const held = await states.get(place);
    const status = held === undefined ? "held" : "free";
    const atMs = machineMs();
    made.push({ showId: place.show.id, seat: place.seat, status, atMs });
    const now = held === undefined ? await hold(branch, person, place) : undefined;
    if (held !== undefined) await cancel(branch, held);
    callsMs.push(machineMs() - atMs);
    return now;
  }

  for (let turn = 0; turn < count; turn += 1) {
    const dueInMs = startedAtMs + (turn * 1_000) / changesPerSecond - machineMs();
    if (dueInMs > 0) await pause(dueInMs);
    const place = at(places, turn);
    const changed = change(place, at(branch.customers, turn));
    // What fails is thrown at the end, by the last change of the seat.
    changed.catch(() => {});
    states.set(place, changed);
  }
  await Promise.all(states.values());
  return { made, callsMs };
}
