import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { isPostmasterOf } from "../db/embedded/cluster.ts";
import { demoPassword } from "./seed.ts";
import { isPortOpen, listDemoShows, logIn, startServer } from "./test/running-server.ts";
import { runScript, type RunningScript } from "./test/run-script.ts";
import { makeStateDirectory, type StateDirectory } from "./test/state-directory.ts";

// Each test starts several processes, one after the other.
vi.setConfig({ testTimeout: 60_000 });

/** Moments of a first start that can be seen from outside, in their order. */
const moments: [string, (server: RunningScript, state: StateDirectory) => Promise<unknown>][] = [
  ["while the database's folder is being made", (_server, { path }) => untilEntry(join(path, "postgres"))],
  [
    "when Postgres has come up",
    (_server, state) => vi.waitUntil(() => state.findPostgres(), { timeout: 20_000 }),
  ],
  ["when the database has been filled", (server) => server.says(/Demo shows were added/)],
  ["when it has just begun to listen", (server) => server.says(/SkyFox is listening/)],
];

test.each(moments)(
  "a start that is interrupted %s leaves nothing running, and the next one works",
  async (_when, until) => {
    const state = await makeStateDirectory();
    const interrupted = start(state);
    await until(interrupted, state);
    interrupted.signal("SIGINT");
    expect(await interrupted.ended).toBe(0);
    expect(await state.findPostgres()).toBeUndefined();
    await expectWholeStart(state);
  },
);

test.each(moments)(
  "a start that is killed %s does not hinder the next one, which leaves nothing running",
  async (_when, until) => {
    const state = await makeStateDirectory();
    const killed = start(state);
    await until(killed, state);
    killed.signal("SIGKILL");
    expect(await killed.ended).toBeNull();
    await expectWholeStart(state);
  },
);

test("a server that is killed three times keeps its data, and the last stop ends everything", async () => {
  const state = await makeStateDirectory();
  const pids = new Set<number>();
  const shows = new Set<string>();
  for (let round = 0; round < 3; round += 1) {
    const server = await startServer({ SKYFOX_STATE_DIRECTORY: state.path });
    pids.add((await state.findPostgres())?.pid ?? 0);
    shows.add(JSON.stringify((await listDemoShows(server.url)).map(({ id, cost }) => [id, cost])));
    server.signal("SIGKILL");
    expect(await server.ended).toBeNull();
  }
  await expectWholeStart(state);
  expect(shows.size).toBe(1);
  for (const pid of pids) expect(await isPostmasterOf(state.path, pid)).toBe(false);
});

test("two servers on one state share its Postgres, which stays until the second one stops", async () => {
  const state = await makeStateDirectory();
  const settings = { SKYFOX_STATE_DIRECTORY: state.path };
  const [one, other] = await Promise.all([startServer(settings), startServer(settings)]);
  one.signal("SIGTERM");
  expect(await one.ended).toBe(0);
  expect(await listDemoShows(other.url)).toHaveLength(84);
  other.signal("SIGTERM");
  expect(await other.ended).toBe(0);
  expect(await state.findPostgres()).toBeUndefined();
});

function start(state: StateDirectory): RunningScript {
  return runScript("start.ts", { SKYFOX_STATE_DIRECTORY: state.path, PORT: "0" });
}

async function untilEntry(folder: string): Promise<void> {
  await vi.waitUntil(async () => (await readdir(folder).catch(() => [])).length > 0, { timeout: 20_000 });
}

/** Starts, finds the cinema complete, stops, and finds nothing left. */
async function expectWholeStart(state: StateDirectory): Promise<void> {
  const server = await startServer({ SKYFOX_STATE_DIRECTORY: state.path });
  expect(await listDemoShows(server.url)).toHaveLength(84);
  await logIn(server.url, "seed-user-2", demoPassword);
  server.signal("SIGTERM");
  expect(await server.ended).toBe(0);
  expect(await state.findPostgres()).toBeUndefined();
  expect(await isPortOpen(server.url)).toBe(false);
}
