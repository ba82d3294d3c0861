import { afterEach, describe, expect, test, vi } from "vitest";
import { eventually, settle } from "../test/settle.ts";
import { createPage, realTabs } from "../test/watching.ts";
import { findSurroundings, joinGroup, type Locks, type Tabs } from "./tabs.ts";

afterEach(() => vi.unstubAllGlobals());

describe("the surroundings", () => {
  test("of a server have neither page nor tabs, though Node has locks and channels", () => {
    expect(findSurroundings()).toEqual({});
  });

  test("of a browser on https have both", () => {
    const page = createPage();
    vi.stubGlobal("document", page);
    expect(findSurroundings()).toMatchObject({ page, tabs: { locks: navigator.locks } });
  });

  test.for(["navigator", "BroadcastChannel"])("of a browser without %s have a page only", (name) => {
    const page = createPage();
    vi.stubGlobal("document", page);
    vi.stubGlobal(name, undefined);
    expect(findSurroundings()).toEqual({ page });
  });
});

describe("a group of tabs", () => {
  test("is led by one, then by the next", async () => {
    const [first, second] = [join(), join()];
    await eventually(() => first.log.includes("leads"));
    first.place.leave();
    await eventually(() => second.log.includes("leads"));
    second.place.leave();
    await expectNoLocks();
    expect([first.log, second.log]).toEqual([["leads"], ["leads"]]);
  });

  test("hears what another tab posts, until it leaves", async () => {
    const [first, second] = [join(), join()];
    first.place.post("one");
    await eventually(() => second.log.includes("one"));
    second.place.leave();
    first.place.post("two");
    await settle();
    expect(second.log).not.toContain("two");
    first.place.leave();
    await expectNoLocks();
  });

  test("is led by a tab that takes over, and again by the other one when that has gone", async () => {
    const [first, second] = [join(), join()];
    await eventually(() => first.log.includes("leads"));
    second.place.takeOver();
    await eventually(() => first.log.includes("resigns"));
    second.place.leave();
    await eventually(() => first.log.length === 3);
    expect([first.log, second.log]).toEqual([["leads", "resigns", "leads"], ["leads"]]);
    first.place.leave();
    await expectNoLocks();
  });

  test("is left by one whose place is being taken, and by the one who takes it", async () => {
    const [first, second] = [join(), join()];
    await eventually(() => first.log.includes("leads"));
    second.place.takeOver();
    first.place.leave();
    second.place.leave();
    await settle();
    expect(first.log).toEqual(["leads"]);
    await expectNoLocks();
  });

  test("is left alone by one who has left", async () => {
    const [first, second] = [join(), join()];
    await eventually(() => first.log.includes("leads"));
    second.place.leave();
    second.place.post("one");
    second.place.takeOver();
    await settle();
    expect([first.log, second.log]).toEqual([["leads"], []]);
    first.place.leave();
    await expectNoLocks();
  });

  test("is not entered again by one who leaves while resigning", async () => {
    const [first, second] = [join(), join()];
    await eventually(() => first.log.includes("leads"));
    first.whenResigning = () => first.place.leave();
    second.place.takeOver();
    await eventually(() => second.log.includes("leads"));
    second.place.leave();
    await expectNoLocks();
    expect(first.log).toEqual(["leads", "resigns"]);
  });

  test("is not led by one who left before a browser granted the lock", async () => {
    const granting = Promise.withResolvers<void>();
    const locks: Locks = { request: (_name, _options, hold) => granting.promise.then(hold) };
    const { log, place } = join({ ...realTabs, locks });
    place.leave();
    granting.resolve();
    await settle();
    expect(log).toEqual([]);
  });
});

function join(tabs: Tabs = realTabs) {
  const log: unknown[] = [];
  const place = joinGroup(tabs, "of the test", {
    lead: () => log.push("leads"),
    resign() {
      log.push("resigns");
      joined.whenResigning();
    },
    receive: (message) => log.push(message),
  });
  const joined = { log, place, whenResigning() {} };
  return joined;
}

async function expectNoLocks(): Promise<void> {
  await settle();
  const { held, pending } = await navigator.locks.query();
  expect([...held, ...pending]).toEqual([]);
}
