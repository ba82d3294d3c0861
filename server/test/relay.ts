import { throughPort } from "@skyfox/db/test-database";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A port on loopback that passes everything on to the database and back. */
export interface Relay {
  /** The database's URL by way of the relay. */
  url: string;
  /** Cuts what is still connected. */
  close(): Promise<void>;
}

/** Starts a relay in front of the database. `listen` is called for each connection, before anything is passed on. */
export async function startRelay(
  databaseUrl: string,
  listen: (client: Socket, upstream: Socket) => void,
): Promise<Relay> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();

  function track(socket: Socket): void {
    sockets.add(socket);
    // Errors end as "close"; a relay that loses one side drops the other.
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  }

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    track(client);
    track(upstream);
    listen(client, upstream);
    client.pipe(upstream);
    upstream.pipe(client);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    url: throughPort(databaseUrl, (server.address() as AddressInfo).port),
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
