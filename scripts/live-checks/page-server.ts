import { once } from "node:events";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Serves a page beside the API, so that both are one host to a browser. */
export interface PageServer {
  url: string;
  /** How many live maps browsers have open. */
  readonly streams: number;
  close(): Promise<void>;
}

/** Answers these texts by their path, with their types, and hands everything else to the API, over HTTP/1.1. */
export async function servePage(
  texts: Map<string, { type: string; text: string }>,
  api: string,
): Promise<PageServer> {
  let streams = 0;
  const server = createServer((incoming, outgoing) => {
    const text = texts.get(incoming.url ?? "");
    if (text === undefined) return passOn(incoming, outgoing);
    outgoing.writeHead(200, { "content-type": text.type }).end(text.text);
  });

  function passOn(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method, url = "/", headers } = incoming;
    if (url.includes("watchSeatMap")) {
      streams += 1;
      outgoing.once("close", () => (streams -= 1));
    }
    const asked = request(`${api}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    asked.on("error", () => outgoing.destroy());
    outgoing.once("close", () => asked.destroy());
    incoming.pipe(asked);
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    get streams() {
      return streams;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
