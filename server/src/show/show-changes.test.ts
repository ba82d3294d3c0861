import { changesKeptMs, openDatabase, type Db, type DatabaseMoment } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { startDatabaseProxy } from "../../test/database-proxy.ts";
import { whenOver } from "../../test/when-over.ts";
import { createChangeRemoval } from "./remove-changes.ts";
import { createShowChangeFeed } from "./show-changes.ts";

const { url } = await createTestDatabase();
const db = openDatabase(url, { maxConnections: 2 });
afterAll(() => db.destroy());

const memory = { forget: vi.fn<(showId: number) => void>(), forgetAll: vi.fn<() => void>() };

/** What the database says of its moments is changed by this, as if its clock had gone on, or another one had taken over. */
let disguise: (moment: DatabaseMoment) => Partial<DatabaseMoment> = () => ({});
const disguised: Db = db.withPlugin({
  transformQuery: ({ node }) => node,
  transformResult({ result }) {
    const rows = result.rows.map((row) => ({ ...row, ...disguise(row as unknown as DatabaseMoment) }));
    return Promise.resolve({ ...result, rows });
  },
});

beforeEach(() => {
  disguise = () => ({});
  memory.forget.mockClear();
  memory.forgetAll.mockClear();
});

const change = async (showId: number | null) =>
  void (await db.insertInto("show_change").values({ show_id: showId }).execute());

/** A feed that has been asked once. */
async function openFeed(database = disguised): Promise<() => Promise<void>> {
  const forgetChanged = createShowChangeFeed(database, memory);
  await forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
  memory.forgetAll.mockClear();
  return forgetChanged;
}

test("the first question forgets everything, and later ones what has changed since the one before", async () => {
  const forgetChanged = await openFeed();
  await change(1);
  await change(2);
  await forgetChanged();
  expect(new Set(memory.forget.mock.calls.flat())).toEqual(new Set([1, 2]));
  await forgetChanged();
  expect(memory.forget).toHaveBeenCalledTimes(2);
  expect(memory.forgetAll).not.toHaveBeenCalled();
});

test("a change of shows or films forgets everything", async () => {
  const forgetChanged = await openFeed();
  await change(null);
  await forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
});

const after = (ms: number) => (moment: DatabaseMoment) => ({ atMs: moment.atMs + ms });

test("a question that comes later than half of the time for which changes are kept forgets everything", async () => {
  const base = 1_800_000_000_000;
  const at = (ms: number) => () => ({ atMs: base + ms });
  disguise = at(0);
  const forgetChanged = await openFeed();
  disguise = at(changesKeptMs / 2 - 1);
  await forgetChanged();
  expect(memory.forgetAll).not.toHaveBeenCalled();
  disguise = at(changesKeptMs - 1);
  await forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledOnce();
});

test("a database that has been restarted, that has taken over, or whose clock was set back, is asked for everything again", async () => {
  const forgetChanged = await openFeed();
  disguise = () => ({ startedAt: "2026-01-01 00:00:00+00" });
  await forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledTimes(1);
  await forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledTimes(1);
  disguise = (moment) => ({ startedAt: "2026-01-01 00:00:00+00", ...after(-60_000)(moment) });
  await forgetChanged();
  expect(memory.forgetAll).toHaveBeenCalledTimes(2);
});

test("a failed question forgets nothing, and the next one asks since the one before it", async () => {
  const proxy = await startDatabaseProxy(url);
  whenOver(() => proxy.close());
  const cut = openDatabase(proxy.url, { maxConnections: 1 });
  whenOver(() => cut.destroy());
  const forgetChanged = await openFeed(cut);
  await change(3);
  proxy.intercept(() => true, "before");
  await expect(forgetChanged()).rejects.toThrow();
  expect(memory.forget).not.toHaveBeenCalled();
  await forgetChanged();
  expect(memory.forget.mock.calls.flat()).toEqual([3]);
});

test("a question on a connection that is silent is asked again on another one", async () => {
  const proxy = await startDatabaseProxy(url);
  const slow = openDatabase(proxy.url, { maxConnections: 2 });
  whenOver(async () => {
    await proxy.close();
    await slow.destroy();
  });
  const forgetChanged = await openFeed(slow);
  await change(4);
  const question = proxy.intercept(({ sql }) => sql.includes("shows_changed_since"), "silence");
  await Promise.all([forgetChanged(), question.reached]);
  expect(memory.forget.mock.calls.flat()).toEqual([4]);
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
  const removeChanges = createChangeRemoval(disguised);
  const base = 1_800_000_000_000;
  const roundAt = async (ms: number) => {
    disguise = () => ({ atMs: base + ms });
    await removeChanges();
    return await countChanges();
  };
  await change(1);
  expect(await roundAt(0)).toBe(1);
  await change(2);
  expect(await roundAt(changesKeptMs)).toBe(2);
  expect(await roundAt(changesKeptMs + 1)).toBe(1);
  // A clock that was set back, and another database, begin anew.
  expect(await roundAt(0)).toBe(1);
  expect(await roundAt(changesKeptMs + 1)).toBe(0);
  await change(3);
  await roundAt(3 * changesKeptMs);
  disguise = () => ({ atMs: base + 5 * changesKeptMs, startedAt: "2026-01-01 00:00:00+00" });
  await removeChanges();
  expect(await countChanges()).toBe(1);
});
