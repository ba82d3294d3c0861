import { setTimeout as pause } from "node:timers/promises";
import { startChildServer, type ChildServer } from "./child-server.ts";
import { startDatabaseProxy, writes, type DatabaseProxy } from "./database-proxy.ts";

/** Several servers on one database, each behind a proxy of its own, which are killed, frozen and cut off from the database. */
export interface UnreliableServers {
  /** The address of one of them, which may be dead or frozen just now. */
  pickUrl(): string;
  /** Kills a server and starts it again; resolves when it runs again. */
  kill(): Promise<void>;
  /** Freezes a server for a while, unless it is dead just now. */
  freeze(): Promise<void>;
  /** Has the next change that a server sends to the database cut: before the database sees it, or after it is done. */
  cut(): void;
  stop(): Promise<void>;
  counts: { kills: number; freezes: number; cuts: number; failedStarts: number };
}

interface Place {
  url: string;
  server: ChildServer;
  proxy: DatabaseProxy;
  isUp: boolean;
}

// Short of what the product waits for: a frozen call must not be twenty seconds old before it is sent.
const longestFreezeMs = 4_000;
const startWithinMs = 90_000;

/** Starts them. Its chances come from `random` (0 to 1); `whenOver` gets a function that ends each process at once. */
export async function startUnreliableServers(options: {
  count: number;
  databaseUrl: string;
  environment: Record<string, string>;
  random: () => number;
  whenOver: (end: () => void) => void;
}): Promise<UnreliableServers> {
  const { count, databaseUrl, environment, random, whenOver } = options;
  const counts = { kills: 0, freezes: 0, cuts: 0, failedStarts: 0 };

  async function start(): Promise<Place> {
    const deadline = performance.now() + startWithinMs;
    for (;;) {
      const proxy = await startDatabaseProxy(databaseUrl);
      try {
        const server = await startChildServer({ ...environment, DATABASE_URL: proxy.url }, whenOver);
        return { url: server.url, server, proxy, isUp: true };
      } catch (error) {
        await proxy.close();
        counts.failedStarts += 1;
        if (performance.now() > deadline) throw error;
      }
    }
  }

  const places = await Promise.all(Array.from({ length: count }, start));
  const pick = () => places[Math.floor(random() * places.length)]!;

  async function kill(): Promise<void> {
    const place = pick();
    counts.kills += 1;
    place.isUp = false;
    await place.server.kill();
    await place.proxy.close();
    Object.assign(place, await start());
  }

  async function freeze(): Promise<void> {
    const place = pick();
    if (place.isUp) {
      counts.freezes += 1;
      process.kill(place.server.pid, "SIGSTOP");
    }
    await pause(500 + random() * (longestFreezeMs - 500));
    // Killed meanwhile, it has no such process any more.
    if (place.isUp) process.kill(place.server.pid, "SIGCONT");
  }

  return {
    counts,
    pickUrl: () => pick().url,
    kill,
    freeze,
    cut() {
      const deed = random() < 0.5 ? "before" : "after";
      const { reached } = pick().proxy.intercept(({ sql, path }) => path.length > 1 || writes(sql), deed);
      void reached.then(() => (counts.cuts += 1));
    },
    async stop() {
      const codes = await Promise.all(places.map(({ server }) => server.stop()));
      await Promise.all(places.map(({ proxy }) => proxy.close()));
      if (codes.some((code) => code !== 0)) throw new Error(`Servers ended with ${codes.join(", ")}.`);
    },
  };
}
