import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A way to the database that counts how often a client waited for an answer. */
export interface CountingProxy {
  /** The database's URL by way of the proxy. */
  url: string;
  /**
   * Round trips that happened while this ran. Statements that were sent together count once, an answer in several pieces too. A new
   * connection has some of its own: open it before.
   */
  count(run: () => Promise<unknown>): Promise<number>;
  /** Cuts what is still connected. */
  close(): Promise<void>;
}

/** Starts a proxy on loopback in front of the database. */
export async function startCountingProxy(databaseUrl: string): Promise<CountingProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let turns = 0;

  function track(socket: Socket): void {
    sockets.add(socket);
    // Errors end as "close"; a proxy that loses one side drops the other.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  }

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    track(client);
    track(upstream);
    let isAsked = false;
    client.on("data", () => (isAsked = true));
    upstream.on("data", () => {
      if (isAsked) turns += 1;
      isAsked = false;
    });
    client.pipe(upstream);
    upstream.pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    async count(run) {
      const before = turns;
      await run();
      return turns - before;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
