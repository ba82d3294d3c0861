import { Decimal } from "./money.ts";
import type { SeatType } from "./choices.ts";
import type { BestSeats, SeatMap } from "./show.ts";

type Row = SeatMap["rows"][number];
type Seat = Row["seats"][number];

/** A block of seats, how many single free seats it would leave, and how far it is from the best place. */
interface Block {
  seats: Seat[];
  leftAlone: number;
  distance: number;
}

/**
 * The best free seats of a seat map: `count` adjacent ones in one row, all of `type` if one is given, and what they cost; null when no row
 * has that many. Blocks that leave no single free seat behind come first, then those that leave one. Among these the nearest to the best
 * place wins, which is in the middle of the hall and two thirds back; of two that are equally near the one further back, then the left one.
 */
export function bestSeats(
  seatMap: Pick<SeatMap, "rows" | "prices">,
  count: number,
  type?: SeatType,
): BestSeats | null {
  const best = blocksOf(seatMap.rows, count, type).reduce<Block | undefined>(
    (one, other) => (one === undefined || isBetter(other, one) ? other : one),
    undefined,
  );
  if (best === undefined) return null;
  return {
    seatNumbers: best.seats.map(({ seatNumber }) => seatNumber),
    amountDue: best.seats.reduce((sum, seat) => sum.plus(seatMap.prices[seat.type]), new Decimal(0)),
  };
}

/** The number of adjacent free seats in one row, all of `type` if one is given, beyond which `bestSeats` finds none; 0 when all are taken. */
export function longestBlock({ rows }: Pick<SeatMap, "rows">, type?: SeatType): number {
  let longest = 0;
  for (const { seats } of rows) {
    let length = 0;
    for (const [index, seat] of seats.entries()) {
      if (!isWanted(seat, type)) length = 0;
      else length = areAdjacent(seats[index - 1], seat) ? length + 1 : 1;
      longest = Math.max(longest, length);
    }
  }
  return longest;
}

// From the last row to the first, from left to right: where two are equally good, the first one counts.
function blocksOf(rows: Row[], count: number, type: SeatType | undefined): Block[] {
  const columns = rows.flatMap(({ seats }) => seats.map(({ column }) => column));
  const edges = Math.min(...columns) + Math.max(...columns);
  const blocks: Block[] = [];
  for (const [rowIndex, { seats }] of [...rows.entries()].toReversed()) {
    for (let start = 0; start + count <= seats.length; start += 1) {
      const block = seats.slice(start, start + count);
      const [first, last] = [block[0]!, block.at(-1)!];
      if (last.column - first.column !== count - 1 || !block.every((seat) => isWanted(seat, type))) continue;
      // Twice the columns to the middle and three times the rows to the best row are whole numbers.
      const across = first.column + last.column - edges;
      const along = 3 * rowIndex - 2 * (rows.length - 1);
      blocks.push({
        seats: block,
        leftAlone:
          Number(isLeftAlone(first, seats[start - 1], seats[start - 2])) +
          Number(isLeftAlone(last, seats[start + count], seats[start + count + 1])),
        distance: (3 * across) ** 2 + (2 * along) ** 2,
      });
    }
  }
  return blocks;
}

function isBetter(one: Block, other: Block): boolean {
  return (one.leftAlone - other.leftAlone || one.distance - other.distance) < 0;
}

function isWanted(seat: Seat, type: SeatType | undefined): boolean {
  return seat.status === "free" && (type === undefined || seat.type === type);
}

// Whether the seat beside the end of a block is free while the one beyond it is taken or missing.
function isLeftAlone(end: Seat, beside: Seat | undefined, beyond: Seat | undefined): boolean {
  return isFreeBeside(end, beside) && !isFreeBeside(beside, beyond);
}

function isFreeBeside(seat: Seat | undefined, other: Seat | undefined): boolean {
  return other?.status === "free" && areAdjacent(seat, other);
}

// A number that is missing in a row is an aisle.
function areAdjacent(one: Seat | undefined, other: Seat | undefined): boolean {
  return one !== undefined && other !== undefined && Math.abs(one.column - other.column) === 1;
}
