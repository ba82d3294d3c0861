import { Decimal } from "decimal.js";
import { expect, test } from "vitest";
import type { ClaimRow, LayoutRow } from "@skyfox/db";
import { MapMemory } from "./map-memory.ts";

const noon = new Date("2026-03-10T06:30:00Z");
const later = new Date(noon.getTime() + 60_000);

const layout: LayoutRow[] = ["A1", "A2", "B1"].map((seatNumber) => ({
  date: "2026-03-11",
  cost: new Decimal(200),
  endsAt: later,
  seatNumber,
  row: seatNumber.slice(0, 1),
  column: Number(seatNumber.slice(1)),
  type: "Standard",
}));

function claim(seatNumber: string, version: number, more: Partial<ClaimRow> = {}): ClaimRow {
  return { seatNumber, version, status: "sold", freeAfter: null, ...more };
}

test("a watcher that has missed a hundred changes gets them as one, one that has missed more gets the whole map", () => {
  const memory = new MapMemory(1);
  memory.take([], noon);
  const seen = memory.changes;
  for (let version = 1; version <= 100; version += 1) memory.take([claim("A1", version)], noon);
  const changed = { type: "changed", version: 100, seats: [{ seatNumber: "A1", status: "sold" }] };
  expect(memory.after(seen, layout)).toEqual({ id: "100", data: changed });
  memory.take([claim("A1", 101)], noon);
  expect(memory.after(seen, layout)?.data.type).toBe("snapshot");
  expect(memory.after(memory.changes, layout)).toBeUndefined();
});

test("all who have missed the same get the same event, which is made once", () => {
  const memory = new MapMemory(1);
  memory.take([], noon);
  const seen = memory.changes;
  memory.take([claim("A1", 1)], noon);
  expect(memory.after(seen, layout)).toBe(memory.after(seen, layout));
  expect(memory.whole(layout)).toBe(memory.whole(layout));
  const before = memory.whole(layout);
  memory.take([claim("A1", 2)], noon);
  expect(memory.whole(layout)).not.toBe(before);
});

test("a hold that turned free while a caller was away is sent, whether its expiry is written by then or not", () => {
  const memory = new MapMemory(1);
  memory.take([claim("A1", 1, { status: "held", freeAfter: later }), claim("B1", 1)], noon);
  memory.freeOverdue(later);
  const free = { type: "changed", version: 2, seats: [{ seatNumber: "A1", status: "free" }] };
  expect(memory.afterVersion(2, layout).data).toEqual(free);
  memory.take([claim("A1", 2, { status: "free" }), claim("B1", 1)], later);
  expect(memory.afterVersion(2, layout).data).toEqual({ ...free, version: 3 });
  expect(memory.afterVersion(3, layout).data).toEqual({ type: "changed", version: 3, seats: [] });
});

test("a map that went back, as after a failover that lost commits, begins anew for all", () => {
  const memory = new MapMemory(1);
  memory.take([claim("A1", 5), claim("B1", 2)], noon);
  const seen = memory.changes;
  memory.take([claim("A1", 4), claim("B1", 2)], noon);
  expect(memory.after(seen, layout)?.data).toMatchObject({ type: "snapshot", seatMap: { version: 6 } });
  expect(memory.afterVersion(7, layout).data.type).toBe("snapshot");
});

test("the next hold that is overdue is the one that is due soonest, and not one that is free already", () => {
  const memory = new MapMemory(1);
  const due = (seconds: number): Partial<ClaimRow> => ({
    status: "held",
    freeAfter: new Date(noon.getTime() + seconds * 1_000),
  });
  memory.take([claim("A1", 1, due(20)), claim("A2", 1, due(10)), claim("B1", 1)], noon);
  expect(memory.nextOverdue()).toEqual(new Date(noon.getTime() + 10_000));
  memory.freeOverdue(new Date(noon.getTime() + 10_000));
  expect(memory.nextOverdue()).toEqual(new Date(noon.getTime() + 20_000));
  memory.freeOverdue(later);
  expect(memory.nextOverdue()).toBeUndefined();
});
