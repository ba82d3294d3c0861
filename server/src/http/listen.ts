import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createNetServer, type AddressInfo, type Server as NetServer } from "node:net";
import { promisify } from "node:util";
import { getRequestListener } from "@hono/node-server";
import type { Logger } from "../runtime/ports.ts";
import { countPerSecond } from "./count-per-second.ts";
import type { RefuseEarly } from "./early-refusals.ts";
import { limitConnections, type ConnectionLimits } from "./connections.ts";

const headersMs = 10_000;
// The largest picture at one megabit a second. What a smaller body may take is for the one who reads it to say.
const requestMs = 60_000;
// libuv accepts one connection of a listening socket in a turn of the event loop, so that under load new callers would wait for seconds. Linux
// shares a port's connections out among several sockets (socket(7), SO_REUSEPORT); elsewhere the newest may get them all.
const listeningSockets = process.platform === "linux" ? 16 : 1;
// Connections that the operating system keeps while the server is busy; one beyond would try again after seconds.
const waitingConnections = 4_096;
// How late a timeout may be noticed.
const checkEveryMs = 1_000;

/** What answers requests. */
export interface Answering {
  fetch: Parameters<typeof getRequestListener>[0];
  refuseEarly?: RefuseEarly;
}

export interface ListenOptions {
  /** 0 chooses a free one. */
  port: number;
  hostname: string;
  keepAliveSeconds: number;
  connections: ConnectionLimits;
}

/** A port that answers. */
export interface OpenPort {
  server: Server;
  port: number;
  /** Takes no new connections any more; resolves once the last one has ended. */
  stopListening(): Promise<void>;
}

/** Answers HTTP/1.1 on a port. A caller has ten seconds for the headers of a request and a minute for all of it. */
export async function openPort(
  { fetch, refuseEarly }: Answering,
  { port: wantedPort, hostname, keepAliveSeconds, connections }: ListenOptions,
  logger: Logger,
): Promise<OpenPort> {
  // What node-server cannot make a request of it reports in the turn in which it is given it.
  let receiving: IncomingMessage | undefined;
  let malformedFrom: string | undefined;
  const countMalformed = countPerSecond((count) =>
    logger.warn({ count, address: malformedFrom }, "Requests were malformed; the last was from here."),
  );
  const answer = getRequestListener(fetch, {
    // Node itself passes over a body that nothing has looked at; one that was refused half-way is not read on.
    autoCleanupIncoming: false,
    errorHandler() {
      malformedFrom = receiving?.socket.remoteAddress;
      countMalformed();
      return new Response(null, { status: 400 });
    },
  });
  const server = createServer({
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    connectionsCheckingInterval: checkEveryMs,
    keepAliveTimeout: keepAliveSeconds * 1_000,
  });
  limitConnections(server, connections, logger);
  server.on("request", (incoming, outgoing) => {
    // A URL would turn it into a slash; encoded it reaches the gate as the caller wrote it.
    incoming.url = incoming.url?.replaceAll("\\", "%5C");
    if (refuseEarly?.(incoming, outgoing)) return;
    receiving = incoming;
    void answer(incoming, outgoing);
  });

  const port = await findFreePort(wantedPort, hostname);
  // Node begins to watch the connections of a server when it listens itself.
  const others = Array.from({ length: listeningSockets - 1 }, () => {
    const other = createNetServer({ allowHalfOpen: true, noDelay: true });
    return other.on("connection", (socket) => void server.emit("connection", socket));
  });
  const listeners = [server, ...others];
  const stopListening = async () => {
    await Promise.all(
      listeners.map(
        async (listener) =>
          await promisify(listener.close)
            .call(listener)
            .catch(() => {}),
      ),
    );
  };
  try {
    for (const listener of listeners)
      await listen(listener, { port, hostname, reusePort: listeningSockets > 1 });
  } catch (error) {
    await stopListening();
    throw error;
  }
  return { server, port, stopListening };
}

// Sockets that share a port may also share it with those of another process: a socket that does not share finds out whether there is one.
async function findFreePort(wantedPort: number, hostname: string): Promise<number> {
  const probe = createNetServer();
  await listen(probe, { port: wantedPort, hostname, reusePort: false });
  const { port } = probe.address() as AddressInfo;
  await promisify(probe.close).call(probe);
  return port;
}

async function listen(
  listener: NetServer,
  { port, hostname, reusePort }: { port: number; hostname: string; reusePort: boolean },
): Promise<void> {
  listener.listen({ port, host: hostname, backlog: waitingConnections, reusePort });
  await once(listener, "listening");
}
