import { expect, test } from "vitest";
import { applySeatMapEvent } from "./seat-map-events.ts";
import { seatMapOf } from "../test/seat-map-of.ts";

const map = seatMapOf(5, { A1: "free", A2: "held", B1: "sold" });

test("a snapshot becomes the map, also one of the same version", () => {
  const snapshot = seatMapOf(5, { A1: "held" });
  expect(applySeatMapEvent(undefined, { type: "snapshot", seatMap: map })).toBe(map);
  expect(applySeatMapEvent(map, { type: "snapshot", seatMap: snapshot })).toBe(snapshot);
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
