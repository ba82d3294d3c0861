import { expect, test } from "vitest";
import { Decimal, type SeatMap } from "@skyfox/server/contract";
import { applySeatMapEvent } from "./seat-map-events.ts";
import { seatMapOf } from "../test/seat-map-of.ts";

const map = mapOfFive();

function mapOfFive(): SeatMap {
  return seatMapOf(5, { A1: "free", A2: "held", B1: "sold" });
}

function seatIn(seatMap: SeatMap): SeatMap["rows"][number]["seats"][number] {
  return seatMap.rows[0]!.seats[0]!;
}

test("the first snapshot becomes the map", () => {
  expect(applySeatMapEvent(undefined, { type: "snapshot", seatMap: map })).toBe(map);
});

test.for<[string, (next: SeatMap) => void, number]>([
  ["a version", (next) => (next.version = 6), 2],
  ["a price of standard seats", (next) => (next.prices.Standard = new Decimal(201)), 2],
  ["a price of deluxe seats", (next) => (next.prices.Deluxe = new Decimal(351)), 2],
  ["a status", (next) => (seatIn(next).status = "sold"), 1],
  ["a seat's number", (next) => (seatIn(next).seatNumber = "A7"), 1],
  ["a column", (next) => (seatIn(next).column = 7), 1],
  ["a type", (next) => (seatIn(next).type = "Deluxe"), 1],
  ["a row's name", (next) => (next.rows[0]!.row = "C"), 1],
  ["one seat less", (next) => next.rows[0]!.seats.pop(), 1],
  ["one seat more", (next) => next.rows[0]!.seats.push({ ...seatIn(next), seatNumber: "A3" }), 1],
  ["one row less", (next) => next.rows.pop(), 1],
  ["one row more", (next) => next.rows.push({ row: "C", seats: [] }), 2],
])(
  "a later snapshot with %s of its own becomes the map, and its equal rows stay the same objects",
  ([, alter, same]) => {
    const seatMap = mapOfFive();
    alter(seatMap);
    const next = applySeatMapEvent(map, { type: "snapshot", seatMap });
    expect(next).not.toBe(map);
    expect(next).toEqual(seatMap);
    expect(next?.rows.filter((row) => map.rows.includes(row))).toHaveLength(same);
  },
);

test("a snapshot that is equal to the map changes nothing", () => {
  expect(applySeatMapEvent(map, { type: "snapshot", seatMap: mapOfFive() })).toBe(map);
});

test("changes are put into the map, and rows without one stay the same objects", () => {
  const next = applySeatMapEvent(map, {
    type: "changed",
    version: 7,
    seats: [
      { seatNumber: "A1", status: "held" },
      { seatNumber: "A2", status: "free" },
    ],
  });
  expect(next).toEqual(seatMapOf(7, { A1: "held", A2: "free", B1: "sold" }));
  expect(next?.rows[1]).toBe(map.rows[1]);
  expect(map).toEqual(seatMapOf(5, { A1: "free", A2: "held", B1: "sold" }));
});

test("a change of the map's own version is put into it", () => {
  const seats = [{ seatNumber: "A2", status: "free" as const }];
  expect(applySeatMapEvent(map, { type: "changed", version: 5, seats })).toEqual(
    seatMapOf(5, { A1: "free", A2: "free", B1: "sold" }),
  );
});

test("the map is the same object when nothing has changed", () => {
  const seats = [
    { seatNumber: "A2", status: "held" as const },
    { seatNumber: "Z9", status: "sold" as const },
  ];
  expect(applySeatMapEvent(map, { type: "changed", version: 5, seats })).toBe(map);
  expect(applySeatMapEvent(map, { type: "ended" })).toBe(map);
  expect(applySeatMapEvent(map, { type: "cancelled", reason: "A power cut." })).toBe(map);
});

test("an older version changes nothing, nor do changes without a map", () => {
  const seats = [{ seatNumber: "A1", status: "sold" as const }];
  expect(applySeatMapEvent(map, { type: "changed", version: 4, seats })).toBe(map);
  expect(applySeatMapEvent(map, { type: "snapshot", seatMap: seatMapOf(4, {}) })).toBe(map);
  expect(applySeatMapEvent(undefined, { type: "changed", version: 6, seats })).toBeUndefined();
});
