import { listLayout, readClaims, type Db, type LayoutRow, type MapClaim } from "@skyfox/db";
import type { SeatMap } from "../contract/index.ts";
import type { Clock } from "../runtime/ports.ts";
import { ReadyAnswer } from "../rpc/ready-answer.ts";
import { askInTime } from "./ask-in-time.ts";
import { createKnown, type Known } from "./known.ts";
import type { SeatMapReading } from "./ports.ts";
import { seatPrices } from "./seat-prices.ts";
import { shareNext } from "./share-next.ts";
import type { ShowMemory } from "./show-changes.ts";
import { gap, writeWithGaps } from "./write-with-gaps.ts";

// Some ten megabytes: about 400 bytes a seat.
const rememberedSeats = 30_000;

type Status = SeatMap["rows"][number]["seats"][number]["status"];

/** What stays as it is in a show; what an operator changes of it by hand shows when it is read again. */
interface Remembered {
  rows: LayoutRow[];
  places: Map<string, number>;
  /** The answer's text around the version and each seat's status. */
  text: string[];
}

interface Claims {
  showId: number;
  version: number;
  list: MapClaim[];
  written: Written | undefined;
}

/** An answer, the layout that it was written of, and between which moments it is the right one for its claims. */
interface Written {
  show: Remembered;
  fromMs: number;
  untilMs: number;
  answer: ReadyAnswer<SeatMap>;
}

/** Reads seat maps of remembered shows; its caller lets it forget what has changed before each reading. */
export interface SeatMapReader extends ShowMemory {
  /** Undefined when there is no such show. */
  read(showId: number): Promise<SeatMapReading | undefined>;
}

/** Reads seat maps from memory: layout and prices, and the claims until they are forgotten. Whether a hold is overdue is judged at each reading. */
export function createSeatMapReader(
  { db, clock }: { db: Db; clock: Clock },
  monotonicMs?: () => number,
): SeatMapReader {
  const shows: Known<number, Remembered> = createKnown(
    { maxSize: rememberedSeats, sizeCalculation: ({ rows }) => rows.length },
    async (showIds) => {
      const layouts = await Promise.all(showIds.map(readLayout));
      return layouts.flatMap((layout, index) => (layout === undefined ? [] : [[showIds[index]!, layout]]));
    },
    monotonicMs,
  );
  const claims: Known<number, Claims> = createKnown(
    { maxSize: rememberedSeats, sizeCalculation: ({ list }) => list.length + 1 },
    async (showIds) =>
      (await readClaims(db, showIds)).map(({ showId, version, claims: list }) => [
        showId,
        { showId, version, list, written: undefined },
      ]),
    monotonicMs,
  );

  async function readLayout(showId: number): Promise<Remembered | undefined> {
    const rows = await listLayout(db, showId);
    if (rows.length === 0) return undefined;
    return {
      rows,
      places: new Map(rows.map(({ seatNumber }, place) => [seatNumber, place])),
      text: writeWithGaps(toSeatMap(showId, rows, gap, () => gap)),
    };
  }

  async function readShows(showIds: readonly number[]) {
    const layouts = await shows.get(showIds);
    const existing = showIds.filter((_, index) => layouts[index] !== undefined);
    const claimsOf = new Map((await claims.get(existing)).map((current) => [current!.showId, current!]));
    return showIds.map((showId, index) => {
      const show = layouts[index];
      return show && { show, current: claimsOf.get(showId)! };
    });
  }

  const readUnknown = shareNext((showIds: readonly number[]) => askInTime(() => readShows(showIds)));

  return {
    async read(showId) {
      const [known, knownClaims] = [shows.peek(showId), claims.peek(showId)];
      const reading =
        known !== undefined && knownClaims !== undefined
          ? { show: known, current: knownClaims }
          : await readUnknown(showId);
      if (reading === undefined) return undefined;
      const { show, current } = reading;
      const now = clock.now();
      return {
        date: show.rows[0]!.date,
        seatMap: () => {
          const statuses = statusesAt(show, current, now);
          return toSeatMap(showId, show.rows, current.version, (place) => statuses[place]!);
        },
        written: () => write(show, current, now),
      };
    },
    forget: claims.forget,
    forgetAll() {
      shows.forgetAll();
      claims.forgetAll();
    },
  };
}

function toSeatMap(
  showId: number,
  layout: LayoutRow[],
  version: number,
  statusOf: (place: number) => Status,
): SeatMap {
  const seats = layout.map(({ row, seatNumber, column, type }, place) => ({
    row,
    seat: { seatNumber, column, type, status: statusOf(place) },
  }));
  const rows = Map.groupBy(seats, ({ row }) => row);
  return {
    showId,
    version,
    prices: seatPrices(layout[0]!.cost),
    rows: Array.from(rows, ([row, inRow]) => ({ row, seats: inRow.map(({ seat }) => seat) })),
  };
}

function statusesAt({ rows, places }: Remembered, { list }: Claims, now: Date): Status[] {
  const statuses: Status[] = rows.map(() => "free");
  for (const [seatNumber, freeAfterMs, isSold] of list) {
    const place = places.get(seatNumber);
    const isOverdue = freeAfterMs !== null && freeAfterMs <= now.getTime();
    if (place !== undefined && !isOverdue) statuses[place] = isSold ? "sold" : "held";
  }
  return statuses;
}

// The text is kept until a hold of it is overdue.
function write(show: Remembered, claims: Claims, now: Date): ReadyAnswer<SeatMap> {
  const nowMs = now.getTime();
  const { written } = claims;
  if (written?.show === show && written.fromMs <= nowMs && nowMs < written.untilMs) return written.answer;
  const statuses = statusesAt(show, claims, now);
  const [beforeVersion, ...beforeStatuses] = show.text;
  const ends = claims.list.map(([, freeAfterMs]) => freeAfterMs).filter((end) => end !== null);
  let text = `${beforeVersion}${claims.version}`;
  for (const [place, before] of beforeStatuses.entries())
    text += place < statuses.length ? `${before}"${statuses[place]}"` : before;
  claims.written = {
    show,
    fromMs: Math.max(-Infinity, ...ends.filter((end) => end <= nowMs)),
    untilMs: Math.min(Infinity, ...ends.filter((end) => end > nowMs)),
    answer: new ReadyAnswer(text),
  };
  return claims.written.answer;
}
