// A process of its own: watches seat maps as pages do, and reads as little as it can of what they get.
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { percentileOf } from "./measure.ts";
import { findDelays, machineMs, type Receipt, type Status } from "./watched-changes.ts";
import type { Ask, Said, ToWatch } from "./watchers.ts";

interface Watcher {
  showId: number;
  receipts: Receipt[];
}

const openAtOnce = 16;
const tryAgainMs = 1_000;
const mostTries = 10;

const agent = new Agent({ maxSockets: Infinity });
const watchers: Watcher[] = [];
// Those who watch one show mostly get the same text.
let lastRead: { text: string; seats: Receipt["seats"] } | undefined;

function say(said: Said): void {
  // The other side may have gone.
  if (process.connected) process.send?.(said, undefined, undefined, () => {});
}

function fail(reason: string): void {
  say({ type: "failed", reason });
}

/** Resolves with the first seats; what comes later is kept with its time. What is refused at the beginning is tried again. */
async function watch(wanted: ToWatch): Promise<void> {
  const watcher: Watcher = { showId: wanted.showId, receipts: [] };
  watchers.push(watcher);
  for (let tries = 1; !(await connect(wanted, watcher.receipts)); tries += 1) {
    if (tries === mostTries) throw new Error("A live map could not be opened.");
    await pause(tryAgainMs);
  }
}

/** Resolves with false when the server refuses. */
function connect({ url, apiKey, showId, token, address }: ToWatch, receipts: Receipt[]): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const input = encodeURIComponent(JSON.stringify({ json: { showId } }));
  const headers = {
    "x-api-key": apiKey,
    authorization: `Bearer ${token}`,
    "x-forwarded-for": address,
    accept: "text/event-stream",
  };
  request(`${url}/trpc/show.watchSeatMap?input=${input}`, { agent, headers }, (response) => {
    let rest = "";
    let lastEvent = "nothing";
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      const atMs = machineMs();
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        lastEvent = event;
        const seats = seatsOf(event);
        if (seats === undefined) continue;
        receipts.push({ atMs, seats });
        resolve(true);
      }
    });
    response.once("close", () => {
      if (receipts.length > 0) fail(`it was cut after ${lastEvent.trim().slice(0, 500)}`);
      resolve(false);
    });
  })
    .on("error", reject)
    .end();
  return promise;
}

// The seats of a snapshot or a change; undefined for what is neither.
function seatsOf(event: string): Receipt["seats"] | undefined {
  const text = event.includes("event: ") ? undefined : /^data: (.+)$/m.exec(event)?.[1];
  if (text === undefined) return undefined;
  if (lastRead?.text !== text) lastRead = { text, seats: readSeats(text) };
  return lastRead.seats;
}

interface SeatState {
  seatNumber: string;
  status: Status;
}

type SentEvent = { seats: SeatState[] } | { seatMap: { rows: { seats: SeatState[] }[] } };

function readSeats(text: string): Receipt["seats"] {
  const { json } = JSON.parse(text) as { json: SentEvent };
  const seats = "seats" in json ? json.seats : json.seatMap.rows.flatMap((row) => row.seats);
  return new Map(seats.map(({ seatNumber, status }) => [seatNumber, status]));
}

async function openAll(wanted: ToWatch[]): Promise<void> {
  let next = 0;
  const openOn = async () => {
    for (let one = wanted[next++]; one !== undefined; one = wanted[next++]) await watch(one);
  };
  await Promise.all(Array.from({ length: openAtOnce }, openOn));
  say({ type: "watching" });
}

process.on("message", (ask: Ask) => {
  if (ask.type === "watch") return void openAll(ask.wanted).catch(({ message }: Error) => fail(message));
  const ofShows = Map.groupBy(ask.changes, ({ showId }) => showId);
  const found = watchers.map(({ showId, receipts }) => findDelays(ofShows.get(showId) ?? [], receipts));
  const delays = found.flatMap((one) => one.delays);
  const unseen = found.reduce((sum, one) => sum + one.unseen, 0);
  const figures = unseen === 0 && { p50: percentileOf(delays, 50), p99: percentileOf(delays, 99) };
  say({ type: "seen", unseen, ...figures });
});
// It ends with its parent.
process.once("disconnect", () => process.exit(0));
