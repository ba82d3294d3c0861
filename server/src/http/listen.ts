import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Logger } from "../deps.ts";
import type { RefuseEarly } from "./early-refusals.ts";
import { limitConnections, type ConnectionLimits } from "./connections.ts";

const headersMs = 10_000;
// The largest picture at one megabit a second. What a smaller body may take is for the one who reads it to say.
const requestMs = 60_000;
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
}

/** Answers HTTP/1.1 on a port. A caller has ten seconds for the headers of a request and a minute for all of it. */
export async function openPort(
  { fetch, refuseEarly }: Answering,
  { port, hostname, keepAliveSeconds, connections }: ListenOptions,
  logger: Logger,
): Promise<OpenPort> {
  // What node-server cannot make a request of it reports in the turn in which it is given it.
  let receiving: IncomingMessage | undefined;
  const answer = getRequestListener(fetch, {
    errorHandler(error) {
      const address = receiving?.socket.remoteAddress;
      const reason = error instanceof Error ? error.message : "unknown";
      logger.warn(
        { address, method: receiving?.method, path: receiving?.url, reason },
        "A request was malformed.",
      );
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
  return await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: hostname, backlog: waitingConnections }, () => {
      server.off("error", reject);
      resolve({ server, port: (server.address() as AddressInfo).port });
    });
  });
}
