import { Decimal, type SeatMap } from "@skyfox/sdk";
import { describe, expect, test } from "vitest";
import { drawSeatMap, findPair } from "./seat-map.ts";

type Row = SeatMap["rows"][number];
type Status = Row["seats"][number]["status"];

describe("the drawing of a seat map", () => {
  test("tells free, held, sold and one's own seats apart without colours", () => {
    const map = mapOf(
      rowOf("A", "Standard", { 1: "free", 2: "held", 4: "sold" }),
      rowOf("B", "Deluxe", { 1: "held", 2: "sold" }),
    );
    expect(drawSeatMap(map, ["B1", "B2"], plain)).toEqual([
      "     ▔ SCREEN ▔",
      "     1  2  3  4",
      "  A  ·  ○     ●   Standard ₹200.00",
      "",
      "  B  ☆  ★         Deluxe ₹350.00",
      "",
      "     · 1 free    ○ 1 held    ● 1 sold    ☆ 1 held for you    ★ 1 yours",
    ]);
  });

  test("shows a seat that one has let go as free", () => {
    const map = mapOf(rowOf("A", "Standard", { 1: "free" }));
    expect(drawSeatMap(map, ["A1"], plain).at(-1)).toContain("· 1 free");
  });
});

describe("the pair of seats", () => {
  test("is a Standard and a Deluxe seat behind each other in the middle", () => {
    const free = { 1: "free", 2: "free", 3: "free" } as const;
    expect(
      findPair(mapOf(rowOf("A", "Standard", free), rowOf("B", "Standard", free), rowOf("C", "Deluxe", free))),
    ).toEqual(["B2", "C2"]);
  });

  test("is as near as what is free allows", () => {
    const map = mapOf(
      rowOf("A", "Standard", { 1: "free", 2: "sold", 3: "held" }),
      rowOf("B", "Deluxe", { 1: "held", 2: "free", 3: "free" }),
    );
    expect(findPair(map)).toEqual(["A1", "B2"]);
  });

  test("does not exist when one kind is sold out", () => {
    expect(
      findPair(mapOf(rowOf("A", "Standard", { 1: "free" }), rowOf("B", "Deluxe", { 1: "sold" }))),
    ).toBeUndefined();
  });
});

function plain(_style: unknown, text: string): string {
  return text;
}

function mapOf(...rows: Row[]): SeatMap {
  return { showId: 1, version: 1, prices: { Standard: new Decimal(200), Deluxe: new Decimal(350) }, rows };
}

function rowOf(row: string, type: "Standard" | "Deluxe", statuses: Record<number, Status>): Row {
  const seats = Object.entries(statuses).map(([column, status]) => ({
    seatNumber: `${row}${column}`,
    column: Number(column),
    type,
    status,
  }));
  return { row, seats };
}
