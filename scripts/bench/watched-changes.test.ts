import { expect, test } from "vitest";
import { findDelays, type MadeChange, type Receipt, type Status } from "./watched-changes.ts";

const change = (seat: string, status: Status, atMs: number): MadeChange => ({
  showId: 1,
  seat,
  status,
  atMs,
});
const receipt = (atMs: number, ...seats: [string, Status][]): Receipt => ({ atMs, seats: new Map(seats) });

test("a change takes until the first event with its seat as it made it", () => {
  const changes = [change("A1", "held", 100), change("A2", "held", 110), change("A1", "free", 200)];
  const receipts = [receipt(150, ["A1", "held"], ["A2", "held"]), receipt(230, ["A1", "free"])];
  expect(findDelays(changes, receipts)).toEqual({ delays: [50, 40, 30], unseen: 0 });
});

test("a seat that looked so before the change was made does not count", () => {
  const receipts = [receipt(90, ["A1", "held"]), receipt(130, ["A1", "free"]), receipt(180, ["A1", "held"])];
  expect(findDelays([change("A1", "held", 100)], receipts)).toEqual({ delays: [80], unseen: 0 });
});

test("a change that a later one of its seat overtook came with that one", () => {
  const changes = [change("A1", "held", 100), change("A1", "free", 150)];
  expect(findDelays(changes, [receipt(200, ["A1", "free"])])).toEqual({ delays: [100, 50], unseen: 0 });
});

test("what has not come is unseen", () => {
  const changes = [change("A1", "held", 100), change("A2", "held", 100)];
  expect(findDelays(changes, [receipt(200, ["A1", "held"])])).toEqual({ delays: [100], unseen: 1 });
});
