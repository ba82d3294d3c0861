import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bestSeats, longestBlock } from "./best-seats.ts";
import type { SeatType } from "./choices.ts";
import { Decimal } from "./money.ts";
import type { SeatMap } from "./show.ts";

const prices = { Standard: new Decimal("200.10"), Deluxe: new Decimal("350.10") };

type Hall = Pick<SeatMap, "rows" | "prices">;
type Seat = SeatMap["rows"][number]["seats"][number];

/** A hall of plans, one a row: `s` and `d` are free seats, `x` is taken, and a space is an aisle. */
function hallOf(...plans: string[]): Hall {
  const rows = plans.map((plan, index) => {
    const row = String.fromCodePoint("A".codePointAt(0)! + index);
    const seats = plan.split("").flatMap((sign, place): Seat[] => {
      if (sign === " ") return [];
      const type = sign.toLowerCase() === "d" ? "Deluxe" : "Standard";
      const status = sign === "x" ? "held" : sign === "D" || sign === "S" ? "sold" : "free";
      return [{ seatNumber: `${row}${place + 1}`, column: place + 1, type, status }];
    });
    return { row, seats };
  });
  return { prices, rows };
}

function chosen(count: number, type: SeatType | undefined, ...plans: string[]): string | undefined {
  return bestSeats(hallOf(...plans), count, type)?.seatNumbers.join();
}

const any = undefined;

describe("the best seats", () => {
  test("of an empty hall are in its middle, two thirds back", () => {
    const empty = Array.from({ length: 10 }, () => "ssssssssss");
    expect(chosen(2, any, ...empty)).toBe("G5,G6");
    expect(chosen(1, any, ...empty)).toBe("G5");
    expect(chosen(10, any, ...empty)).toBe("G1,G2,G3,G4,G5,G6,G7,G8,G9,G10");
  });

  test("are in the middle of the hall, also in a row that is shorter than others", () => {
    expect(chosen(2, any, "ssssssssss", "ssssssss")).toBe("B5,B6");
    expect(chosen(2, any, "xxxxxxxxxx", "  ssssssss")).toBe("B5,B6");
  });

  test("of two rows that are equally near are in the one further back", () => {
    expect(chosen(2, any, "ss", "ss", "x", "ss")).toBe("D1,D2");
    expect(chosen(1, any, "x", "x", "x", "s", "x", "s", "x")).toBe("F1");
    expect(chosen(1, any, "x", "x", "s", "x", "x", "x", "s")).toBe("G1");
    expect(chosen(1, any, "x", "s", "x", "x", "x", "x", "s")).toBe("G1");
  });

  test("leave no seat alone at a row's end, between taken ones or at an aisle, where another block does not", () => {
    expect(chosen(2, any, "sssss")).toBe("A1,A2");
    expect(chosen(2, any, "xsssx   ss")).toBe("A9,A10");
    expect(chosen(2, any, "sss ssss")).toBe("A5,A6");
    expect(chosen(3, any, "ssssss")).toBe("A1,A2,A3");
  });

  test("leave one seat alone where every block does, rather than two", () => {
    expect(chosen(2, any, "sss")).toBe("A1,A2");
    expect(chosen(1, any, "sss")).toBe("A1");
    expect(chosen(3, any, "xssssx")).toBe("A2,A3,A4");
  });

  test("are adjacent: neither an aisle nor a taken seat is between them", () => {
    expect(chosen(3, any, "ss ssxss")).toBeUndefined();
    expect(chosen(3, any, "ss ss", "sss")).toBe("B1,B2,B3");
  });

  test("are of the type that is asked for, and cost what these seats cost together", () => {
    expect(chosen(2, "Standard", "ssdd", "dddd")).toBe("A1,A2");
    expect(chosen(3, "Standard", "ssdd", "dddd")).toBeUndefined();
    expect(bestSeats(hallOf("sddx"), 3)?.amountDue.toFixed(2)).toBe("900.30");
    expect(bestSeats(hallOf("xssx"), 2)?.amountDue.toFixed(2)).toBe("400.20");
  });

  test("are none in a hall that has none, and of no hall", () => {
    expect(chosen(1, any, "xxSD", "x")).toBeUndefined();
    expect(bestSeats({ prices, rows: [] }, 1)).toBeNull();
  });
});

// Every set of free seats is looked at, and the hall after it.
function bestBySearch({ rows }: Hall, count: number, type?: SeatType): string[] | null {
  const seats = rows.flatMap((row, index) => row.seats.map((seat) => ({ ...seat, index })));
  type Placed = (typeof seats)[number];
  const free = seats.filter(({ status }) => status === "free");
  const neighbours = (one: Placed, other: Placed) =>
    one.index === other.index && Math.abs(one.column - other.column) === 1;
  const alone = (left: Placed[]) => left.filter((one) => !left.some((other) => neighbours(one, other)));
  const columns = seats.map(({ column }) => column);
  const middle = (Math.min(...columns) + Math.max(...columns)) / 2;
  const wanted = free.filter((seat) => type === undefined || seat.type === type);
  const sets = subsetsOf(wanted, count).filter((set) => {
    const from = Math.min(...set.map(({ column }) => column));
    const isInOneRow = set.every(({ index }) => index === set[0]!.index);
    return isInOneRow && set.every((seat) => seat.column < from + count);
  });
  const aloneBefore = new Set(alone(free));
  const judged = sets.map((set) => {
    const after = alone(free.filter((seat) => !set.includes(seat)));
    const across = set.reduce((sum, { column }) => sum + column, 0) / count - middle;
    const along = set[0]!.index - ((rows.length - 1) * 2) / 3;
    return {
      set,
      leftAlone: after.filter((seat) => !aloneBefore.has(seat)).length,
      distance: Math.round(Math.hypot(across, along) * 1e9),
      index: set[0]!.index,
      column: set[0]!.column,
    };
  });
  const [best] = judged.toSorted(
    (one, other) =>
      one.leftAlone - other.leftAlone ||
      one.distance - other.distance ||
      other.index - one.index ||
      one.column - other.column,
  );
  return best === undefined ? null : best.set.map(({ seatNumber }) => seatNumber);
}

function subsetsOf<Item>(items: Item[], size: number): Item[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, index) =>
    subsetsOf(items.slice(index + 1), size - 1).map((rest) => [item, ...rest]),
  );
}

const halls = fc
  .array(
    fc.string({ unit: fc.constantFrom("s", "s", "d", "d", "x", "D", " "), minLength: 0, maxLength: 7 }),
    { minLength: 1, maxLength: 4 },
  )
  .map((plans) => hallOf(...plans));
const types = fc.constantFrom<SeatType | undefined>(undefined, "Standard", "Deluxe");

test("on every small hall they are those that a search through all sets of seats finds", () => {
  fc.assert(
    fc.property(halls, fc.integer({ min: 1, max: 4 }), types, (hall, count, type) => {
      expect(bestSeats(hall, count, type)?.seatNumbers ?? null).toEqual(bestBySearch(hall, count, type));
    }),
    { numRuns: 2_000, seed: 20_270_101 },
  );
});

test("the longest block is the largest number for which there are best seats", () => {
  fc.assert(
    fc.property(halls, types, (hall, type) => {
      const longest = longestBlock(hall, type);
      for (let count = 1; count <= 8; count += 1)
        expect(bestSeats(hall, count, type) !== null).toBe(count <= longest);
    }),
    { numRuns: 500, seed: 20_270_101 },
  );
});
