import { changesKeptMs, openDatabase } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { whenOver } from "../../test/when-over.ts";
import { createChangeRemoval } from "./remove-changes.ts";
import { createShowChangeFeed } from "./show-changes.ts";

const { url } = await createTestDatabase();
const db = openDatabase(url, { maxConnections: 2 });
afterAll(() => db.destroy());

let nowMs = 0;
const memory = { forget: vi.fn<(showId: number) => void>(), forgetAll: vi.fn<() => void>() };
beforeEach(() => {
  nowMs = 0;
  memory.forget.mockClear();
  memory.forgetAll.mockClear();
});

const change = async (showId: number | null) =>
  void (await db.insertInto("show_change").values({ show_id: showId }).execute());

/** A feed that has been asked once. */
async function openFeed(database = db) {
  const feed = createShowChangeFeed(database, memory, () => nowMs);
  await feed.forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
  memory.forgetAll.mockClear();
  return feed;
}

test("the first question forgets everything, and later ones what has changed since the one before", async () => {
  const feed = await openFeed();
  await change(1);
  await change(2);
  await feed.forgetChanged();
  expect(memory.forget.mock.calls.flat()).toEqual([1, 2]);
  await feed.forgetChanged();
  expect(memory.forget).toHaveBeenCalledTimes(2);
  expect(memory.forgetAll).not.toHaveBeenCalled();
});

test("a change of shows or films forgets everything", async () => {
  const feed = await openFeed();
  await change(null);
  await feed.forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
});

test("what was not asked about for half of the time for which changes are kept is forgotten", async () => {
  const feed = await openFeed();
  nowMs = changesKeptMs / 2 - 1;
  await feed.forgetChanged();
  expect(memory.forgetAll).not.toHaveBeenCalled();
  nowMs += changesKeptMs / 2;
  await feed.forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
});

test("everything is forgotten after the listener was lost, also when that was during a question", async () => {
  const proxy = await startDatabaseProxy(url);
  whenOver(() => proxy.close());
  const slow = openDatabase(proxy.url, { maxConnections: 1 });
  whenOver(() => slow.destroy());
  const feed = await openFeed(slow);
  feed.lost();
  await feed.forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();

  const question = proxy.intercept(({ sql }) => sql.includes("shows_changed_since"), "hold");
  const asking = feed.forgetChanged();
  await question.reached;
  feed.lost();
  question.release();
  await asking;
  expect(memory.forgetAll).toHaveBeenCalledTimes(2);
});

test("a database whose snapshot is older than the one before is another one", async () => {
  let snapshot: string | undefined;
  const feed = await openFeed(
    db.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult: ({ result }) =>
        Promise.resolve(
          snapshot === undefined ? result : { ...result, rows: [{ ...result.rows[0], snapshot }] },
        ),
    }),
  );
  await feed.forgetChanged();
  expect(memory.forgetAll).not.toHaveBeenCalled();
  snapshot = "3:3:";
  await feed.forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
});

test("a failed question forgets nothing, and the next one asks since the one before it", async () => {
  const proxy = await startDatabaseProxy(url);
  whenOver(() => proxy.close());
  const cut = openDatabase(proxy.url, { maxConnections: 1 });
  whenOver(() => cut.destroy());
  const feed = await openFeed(cut);
  await change(3);
  proxy.intercept(() => true, "before");
  await expect(feed.forgetChanged()).rejects.toThrow();
  expect(memory.forget).not.toHaveBeenCalled();
  await feed.forgetChanged();
  expect(memory.forget.mock.calls.flat()).toEqual([3]);
});

const countChanges = async () =>
  (
    await db
      .selectFrom("show_change")
      .select((eb) => eb.fn.countAll<number>().as("n"))
      .executeTakeFirstOrThrow()
  ).n;

test("changes are removed once a round that is long enough ago had seen them", async () => {
  await db.deleteFrom("show_change").execute();
  const removeChanges = createChangeRemoval(db, () => nowMs);
  await change(1);
  await removeChanges();
  await change(2);
  nowMs = changesKeptMs;
  await removeChanges();
  expect(await countChanges()).toBe(2);
  nowMs += 1;
  await removeChanges();
  expect(await countChanges()).toBe(1);
  nowMs += changesKeptMs + 1;
  await removeChanges();
  expect(await countChanges()).toBe(0);
});
