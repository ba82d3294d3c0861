import { listShowsOfDate, listTakenSeats, type Db, type ShowRow, type TakenSeats } from "@skyfox/db";
import { LRUCache } from "lru-cache";
import { transformer, type Show } from "../contract/index.ts";
import { ReadyAnswer } from "../rpc/ready-answer.ts";
import type { Clock } from "../runtime/ports.ts";
import { askInTime } from "./ask-in-time.ts";
import { describeShow } from "./describe-show.ts";
import { createKnown, type Known } from "./known.ts";
import { shareNext } from "./share-next.ts";
import type { ShowMemory } from "./show-changes.ts";
import { gap, splitAtGaps } from "./write-with-gaps.ts";

// Some megabytes of shows; a list of 48 is 30 kB.
const rememberedShows = 2_000;
const rememberedLists = 50;

/** The shows of a date, in their order. */
interface Listing {
  shows: Remembered[];
}

/** A show, but for its free seats. */
interface Remembered {
  id: number;
  capacity: number;
  /** Its text before and after the number of free seats. */
  text: string[];
  /** The fields that are no plain JSON, with their types as text. */
  types: (readonly [field: string, type: string])[];
}

/** An answer, what it was written of, and between which moments it is the right one. */
interface Written {
  listing: Listing;
  taken: TakenSeats[];
  fromMs: number;
  untilMs: number;
  answer: ReadyAnswer<Show[]>;
}

/** Reads lists of remembered shows; its caller lets it forget what has changed before each reading. */
export interface ShowListReader extends ShowMemory {
  read(date: string): Promise<ReadyAnswer<Show[]>>;
}

/** Reads lists of shows from memory: the shows of a date, and which of their seats are taken, until they are forgotten. */
export function createShowListReader(
  { db, clock }: { db: Db; clock: Clock },
  monotonicMs?: () => number,
): ShowListReader {
  const listings: Known<string, Listing> = createKnown(
    { maxSize: rememberedShows, sizeCalculation: ({ shows }) => shows.length + 1 },
    (dates) => Promise.all(dates.map(async (date) => [date, await readListing(date)] as const)),
    monotonicMs,
  );
  const seats: Known<number, TakenSeats> = createKnown({ max: rememberedShows }, readTaken, monotonicMs);
  const lists = new LRUCache<string, Written>({ max: rememberedLists });

  async function readListing(date: string): Promise<Listing> {
    return { shows: (await listShowsOfDate(db, date)).map(toRemembered) };
  }

  async function readTaken(showIds: readonly number[]): Promise<[number, TakenSeats][]> {
    const found = new Map((await listTakenSeats(db, showIds)).map((taken) => [taken.showId, taken]));
    return showIds.map((showId) => [showId, found.get(showId) ?? { showId, kept: 0, freeAfterMs: [] }]);
  }

  // Undefined where something of it is to be read.
  function findWritten(date: string): ReadyAnswer<Show[]> | undefined {
    const nowMs = clock.now().getTime();
    const written = lists.get(date);
    if (written === undefined || written.listing !== listings.peek(date)) return undefined;
    if (nowMs < written.fromMs || nowMs >= written.untilMs) return undefined;
    return written.taken.every((taken) => seats.peek(taken.showId) === taken) ? written.answer : undefined;
  }

  async function readLists(dates: readonly string[]) {
    const found = (await listings.get(dates)).map((listing) => listing!);
    const showIds = found.flatMap(({ shows }) => shows.map(({ id }) => id));
    const takenOf = new Map((await seats.get(showIds)).map((taken) => [taken!.showId, taken!]));
    return found.map((listing, index) => {
      const taken = listing.shows.map(({ id }) => takenOf.get(id)!);
      const written = write(listing, taken, clock.now().getTime());
      lists.set(dates[index]!, written);
      return written.answer;
    });
  }

  const readUnknown = shareNext((dates: readonly string[]) => askInTime(() => readLists(dates)));

  return {
    async read(date) {
      return findWritten(date) ?? (await readUnknown(date));
    },
    forget: seats.forget,
    forgetAll() {
      listings.forgetAll();
      seats.forgetAll();
    },
  };
}

function toRemembered(row: ShowRow): Remembered {
  const { json, meta } = transformer.serialize({ ...describeShow(row, 0), availableSeats: gap });
  const types = Object.entries(meta?.values ?? {});
  return {
    id: row.id,
    capacity: row.capacity ?? 0,
    text: splitAtGaps(json),
    types: types.map(([field, type]) => [field, JSON.stringify(type)] as const),
  };
}

// What the transformer writes around the types of values: any value that has one shows it.
const aroundTypes = splitAtGaps({ ...transformer.serialize(new Date(0)).meta, values: gap });

// A hold that is overdue is taken no more.
function write(listing: Listing, taken: TakenSeats[], nowMs: number): Written {
  const shows = listing.shows.map(({ text, capacity }, index) => {
    const { kept, freeAfterMs } = taken[index]!;
    return text.join(String(capacity - kept - freeAfterMs.filter((end) => end > nowMs).length));
  });
  const types = listing.shows.flatMap((show, index) =>
    show.types.map(([field, type]) => `"${index}.${field}":${type}`),
  );
  const meta = types.length === 0 ? "" : `,"meta":${aroundTypes.join(`{${types.join(",")}}`)}`;
  const ends = taken.flatMap(({ freeAfterMs }) => freeAfterMs);
  return {
    listing,
    taken,
    fromMs: ends.reduce((latest, end) => (end <= nowMs ? Math.max(latest, end) : latest), -Infinity),
    untilMs: ends.reduce((soonest, end) => (end > nowMs ? Math.min(soonest, end) : soonest), Infinity),
    answer: new ReadyAnswer(`{"json":[${shows.join(",")}]${meta}}`),
  };
}
