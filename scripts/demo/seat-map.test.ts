import { readFile } from "node:fs/promises";
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

test("the README's picture of a seat map is what the demo draws", async () => {
  const picture = await readFile(new URL("../../server/docs/images/seat-map.svg", import.meta.url), "utf8");
  const yours = ["E5", "F5"];
  const row = (name: string) => {
    const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
    const statuses = numbers.map((number) => [number, yours.includes(name + number) ? "held" : "free"]);
    return rowOf(name, name < "F" ? "Standard" : "Deluxe", Object.fromEntries(statuses) as never);
  };
  const drawn = drawSeatMap(mapOf(...Array.from("ABCDEFGHIJ", row)), yours, plain);
  // The demo indents what belongs to a step.
  expect(readPicture(picture).join("\n")).toContain(drawn.map((line) => `    ${line}`.trimEnd()).join("\n"));
});

/** The lines of a terminal in a picture: each part of a line stands at the place of its first character. */
function readPicture(svg: string): string[] {
  const [left, top, width, height] = [16, 62, 8.4, 19];
  const lines: string[] = [];
  for (const [, y, line = ""] of svg.matchAll(/<text y="(\d+)"[^>]*>(.*)<\/text>/g)) {
    const parts = line.matchAll(/<tspan x="([\d.]+)"[^>]*>(.*?)(?=<tspan x=|$)/g);
    lines[(Number(y) - top) / height] = Array.from(parts).reduce((text, [, x, part = ""]) => {
      return text.padEnd(Math.round((Number(x) - left) / width)) + part.replaceAll(/<[^>]+>/g, "");
    }, "");
  }
  return Array.from(lines, (line) => line ?? "");
}

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
