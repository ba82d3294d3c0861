import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { givenCustomer, givenShow, tokenOf } from "../given.ts";
import { openPort } from "../open-port.ts";
import type { Reachable } from "../rpc-call.ts";
import { createTestApp } from "../test-app.ts";
import { watchMap } from "../watch-seat-map.ts";

const visits = 1_000;
const atOnce = 10;
const mostGrowthMb = 8;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

// So few connections that all of them are open before anything is counted.
const app = await createTestApp({ maxConnections: 2 });
const { liveMaps } = app.deps;
const token = await tokenOf(app.deps, await givenCustomer(app.deps));
const showIds = await Promise.all(Array.from({ length: 5 }, () => givenShow(app)));
const port = await openPort(app);

/** Each request has a connection of its own, as that of a page which is closed. */
const overPort: Reachable = {
  app: {
    async request(path, { headers, signal }) {
      const options = { port, path, agent: false, headers: headers as Record<string, string> };
      const asking = request({ ...options, ...(signal && { signal }) }).end();
      asking.on("error", () => {});
      const [incoming] = (await once(asking, "response")) as [IncomingMessage];
      return new Response(Readable.toWeb(incoming) as ReadableStream, { status: incoming.statusCode ?? 0 });
    },
  },
};

/** Connects and leaves, mostly after the first event, sometimes before it. */
async function visit(turn: number): Promise<void> {
  const showId = showIds[turn % showIds.length];
  const watching = await watchMap(overPort, { showId }, { token });
  const first = watching.next().catch(() => undefined);
  if (turn % 4 !== 0) expect(await first).toMatchObject({ event: { type: "snapshot" } });
  watching.leave();
  await first;
}

async function visitMany(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, index) => visit(turn + index)));
}

function resources() {
  const count = (kind: string) => process.getActiveResourcesInfo().filter((one) => one === kind).length;
  return { ...liveMaps.watched, sockets: count("TCPSocketWrap"), timers: count("Timeout") };
}

/** Waits for the pause after a reading, and for sockets to close. */
async function settle(isThere: () => boolean): Promise<void> {
  while (!isThere()) await app.sql.query("select pg_sleep(0.05)");
}

async function heapMb(): Promise<number> {
  for (let round = 0; round < 5; round += 1) {
    await app.sql.query("select 1");
    collectGarbage();
  }
  return process.memoryUsage().heapUsed / 1_048_576;
}

test(
  `P20: ${visits} visits of live maps that are broken off leave no watcher, timer, connection or memory`,
  { timeout: 180_000 },
  async () => {
    await visitMany(200);
    await settle(() => liveMaps.watched.watchers === 0);
    await app.sql.query("select pg_sleep(0.5)");
    const [before, beforeMb] = [resources(), await heapMb()];
    await visitMany(visits);
    await settle(() => {
      const { watchers, sockets, timers } = resources();
      return watchers === 0 && sockets <= before.sockets && timers <= before.timers;
    });
    const [after, afterMb] = [resources(), await heapMb()];
    console.log(
      `P20: ${JSON.stringify({ before, after })}, heap ${Math.round(beforeMb)} → ${Math.round(afterMb)} MB`,
    );
    expect(after).toMatchObject({ shows: 0, watchers: 0 });
    expect(afterMb - beforeMb).toBeLessThan(mostGrowthMb);
  },
);
