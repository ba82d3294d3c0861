import { startRelay, type Relay } from "./relay.ts";

/** A way to the database that counts how often a client waited for an answer. */
export interface CountingProxy extends Relay {
  /**
   * Round trips that happened while this ran. Statements that were sent together count once, an answer in several pieces too. A new
   * connection has some of its own: open it before.
   */
  count(run: () => Promise<unknown>): Promise<number>;
}

/** Starts a proxy on loopback in front of the database. */
export async function startCountingProxy(databaseUrl: string): Promise<CountingProxy> {
  let turns = 0;
  const relay = await startRelay(databaseUrl, (client, upstream) => {
    let isAsked = false;
    client.on("data", () => (isAsked = true));
    upstream.on("data", () => {
      if (isAsked) turns += 1;
      isAsked = false;
    });
  });
  return {
    ...relay,
    async count(run) {
      const before = turns;
      await run();
      return turns - before;
    },
  };
}
