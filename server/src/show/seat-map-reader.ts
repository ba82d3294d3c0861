import { listLayout, readClaims, type Db, type LayoutRow, type MapClaim } from "@skyfox/db";
import { LRUCache } from "lru-cache";
import type { SeatMap } from "../contract/index.ts";
import type { Clock } from "../runtime/ports.ts";
import { ReadyAnswer } from "../rpc/ready-answer.ts";
import type { SeatMapReading } from "./ports.ts";
import { seatPrices } from "./seat-prices.ts";
import { shareNext } from "./share-next.ts";
import { gap, writeWithGaps } from "./write-with-gaps.ts";

// SkyFox changes no layout and no price; what an operator changes by hand shows after so long.
export const rememberedForMs = 60_000;

// Some ten megabytes: about 400 bytes a seat.
const rememberedSeats = 30_000;

type Status = SeatMap["rows"][number]["seats"][number]["status"];

/** What stays as it is in a show, and the claims that were read last. */
interface Remembered {
  readAtMs: number;
  rows: LayoutRow[];
  places: Map<string, number>;
  /** The answer's text around the version and each seat's status. */
  text: string[];
  claims: Claims | undefined;
}

interface Claims {
  version: number;
  list: MapClaim[];
  written: Written | undefined;
}

/** An answer, and between which moments it is the right one for its claims. */
interface Written {
  fromMs: number;
  untilMs: number;
  answer: ReadyAnswer<SeatMap>;
}

/**
 * Reads seat maps: layout and prices from memory, the claims by one statement each time, which says no more than that they are as remembered when
 * their version still is. Whether a hold is overdue is judged at each reading.
 */
export function createSeatMapReader(
  { db, clock }: { db: Db; clock: Clock },
  monotonicMs: () => number = () => performance.now(),
): (showId: number) => Promise<SeatMapReading | undefined> {
  const shows = new LRUCache<number, Remembered>({
    maxSize: rememberedSeats,
    sizeCalculation: ({ rows }) => rows.length,
  });

  async function findLayout(showId: number): Promise<Remembered | undefined> {
    const readAtMs = monotonicMs();
    const known = shows.get(showId);
    if (known !== undefined && readAtMs - known.readAtMs < rememberedForMs) return known;
    const rows = await listLayout(db, showId);
    if (rows.length === 0) return undefined;
    const remembered = {
      readAtMs,
      rows,
      places: new Map(rows.map(({ seatNumber }, place) => [seatNumber, place])),
      text: writeWithGaps(toSeatMap(showId, rows, gap, () => gap)),
      claims: undefined,
    };
    shows.set(showId, remembered);
    return remembered;
  }

  const read = shareNext(async (showId: number) => {
    const show = await findLayout(showId);
    if (show === undefined) return undefined;
    const known = show.claims;
    const { version, claims } = await readClaims(db, showId, known?.version ?? null);
    const current = claims === null ? known : (show.claims = { version, list: claims, written: undefined });
    // Only a version that was sent along is answered without claims.
    return current && { show, claims: current };
  });

  return async (showId) => {
    const reading = await read(showId);
    if (reading === undefined) return undefined;
    const { show, claims } = reading;
    const now = clock.now();
    return {
      date: show.rows[0]!.date,
      seatMap: () => {
        const statuses = statusesAt(show, claims, now);
        return toSeatMap(showId, show.rows, claims.version, (place) => statuses[place]!);
      },
      written: () => write(show, claims, now),
    };
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
  if (written !== undefined && written.fromMs <= nowMs && nowMs < written.untilMs) return written.answer;
  const statuses = statusesAt(show, claims, now);
  const [beforeVersion, ...beforeStatuses] = show.text;
  const ends = claims.list.map(([, freeAfterMs]) => freeAfterMs).filter((end) => end !== null);
  let text = `${beforeVersion}${claims.version}`;
  for (const [place, before] of beforeStatuses.entries())
    text += place < statuses.length ? `${before}"${statuses[place]}"` : before;
  claims.written = {
    fromMs: Math.max(-Infinity, ...ends.filter((end) => end <= nowMs)),
    untilMs: Math.min(Infinity, ...ends.filter((end) => end > nowMs)),
    answer: new ReadyAnswer(text),
  };
  return claims.written.answer;
}
