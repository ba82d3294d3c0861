import { findShows, listShowsOfDate, type Db, type ListedShow } from "@skyfox/db";
import { LRUCache } from "lru-cache";
import { transformer, type Show } from "../contract/index.ts";
import { ReadyAnswer } from "../rpc/ready-answer.ts";
import type { Clock } from "../runtime/ports.ts";
import { describeShow } from "./describe-show.ts";
import { rememberedForMs } from "./seat-map-reader.ts";
import { shareNext } from "./share-next.ts";
import { gap, splitAtGaps } from "./write-with-gaps.ts";

// Two megabytes of shows; a list of 48 is 30 kB.
const rememberedShows = 2_000;
const rememberedLists = 50;

/** A show as it is in a version, but for its free seats. */
interface Remembered {
  readAtMs: number;
  version: string;
  capacity: number;
  /** Its text before and after the number of free seats. */
  text: string[];
  /** The fields that are no plain JSON, with their types as text. */
  types: (readonly [field: string, type: string])[];
}

/** A list, as old as the oldest of its shows. */
interface RememberedList {
  listed: string;
  readAtMs: number;
  answer: ReadyAnswer<Show[]>;
}

interface Part {
  show: Remembered;
  taken: number;
}

/**
 * Reads lists of shows: what a show is comes from memory by its version, and one statement says which shows and versions there are and how many
 * seats are taken.
 */
export function createShowListReader(
  { db, clock }: { db: Db; clock: Clock },
  monotonicMs: () => number = () => performance.now(),
): (date: string) => Promise<ReadyAnswer<Show[]>> {
  const shows = new LRUCache<number, Remembered>({ max: rememberedShows });
  const lists = new LRUCache<string, RememberedList>({ max: rememberedLists });

  async function findParts(listed: ListedShow[]): Promise<Part[]> {
    const nowMs = monotonicMs();
    const found = new Map<number, Remembered>();
    for (const [id, version] of listed) {
      const known = shows.get(id);
      if (known?.version === version && nowMs - known.readAtMs < rememberedForMs) found.set(id, known);
    }
    const unknown = listed.map(([id]) => id).filter((id) => !found.has(id));
    for (const row of unknown.length === 0 ? [] : await findShows(db, unknown)) {
      const show = toRemembered(row, nowMs);
      shows.set(row.id, show);
      found.set(row.id, show);
    }
    return listed.flatMap(([id, , taken]) => {
      const show = found.get(id);
      return show === undefined ? [] : [{ show, taken }];
    });
  }

  return shareNext(async (date) => {
    const listed = await listShowsOfDate(db, date, clock.now());
    const known = lists.get(date);
    if (known?.listed === listed && monotonicMs() - known.readAtMs < rememberedForMs) return known.answer;
    const parts = await findParts(JSON.parse(listed) as ListedShow[]);
    const answer = write(parts);
    lists.set(date, { listed, readAtMs: Math.min(...parts.map(({ show }) => show.readAtMs)), answer });
    return answer;
  });
}

function toRemembered(row: Awaited<ReturnType<typeof findShows>>[number], readAtMs: number): Remembered {
  const { json, meta } = transformer.serialize({ ...describeShow(row, 0), availableSeats: gap });
  const types = Object.entries(meta?.values ?? {});
  return {
    readAtMs,
    version: row.version,
    capacity: row.capacity ?? 0,
    text: splitAtGaps(json),
    types: types.map(([field, type]) => [field, JSON.stringify(type)] as const),
  };
}

// What the transformer writes around the types of values: any value that has one shows it.
const aroundTypes = splitAtGaps({ ...transformer.serialize(new Date(0)).meta, values: gap });

function write(parts: Part[]): ReadyAnswer<Show[]> {
  const shows = parts.map(({ show, taken }) => show.text.join(String(show.capacity - taken)));
  const types = parts.flatMap(({ show }, index) =>
    show.types.map(([field, type]) => `"${index}.${field}":${type}`),
  );
  const meta = types.length === 0 ? "" : `,"meta":${aroundTypes.join(`{${types.join(",")}}`)}`;
  return new ReadyAnswer(`{"json":[${shows.join(",")}]${meta}}`);
}
