import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";

/** A status and the JSON that goes with it. */
export type Answer = { status: number; body: unknown };

/** A server on loopback: its address without a trailing slash, and how to end it. */
export type LoopbackServer = { url: string; stop(): Promise<void> };

/**
 * Listens on 127.0.0.1; port 0 takes a free one. `stop` cuts open connections, so callers in flight see a reset.
 * Throws what `listen` throws, for example when the port is taken.
 */
export async function startLoopbackServer(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  port: number,
): Promise<LoopbackServer> {
  // Without an idle timeout of ours, a caller's kept connection never closes just as it sends the next request.
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error("A sandbox server failed to answer.", error);
      sendJson(response, { status: 500, body: { message: "The sandbox failed; its log says why." } });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The sandbox server has no port.");
  return { url: `http://127.0.0.1:${address.port}`, stop: () => stopServer(server) };
}

/** Sends the answer, unless the request has been answered; a caller that has left is no error. */
export function sendJson(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) return;
  response.writeHead(answer.status, { "content-type": "application/json; charset=utf-8" });
  response.end(JSON.stringify(answer.body));
}

/** The body as a JSON object, or undefined when it is anything else. */
export async function readJsonObject(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const body: unknown = await json(request).catch(() => undefined);
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  return { ...body };
}

/** One request header, or undefined when it is missing or repeated. */
export function findHeader(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

/** The path without its query, in decoded segments; undefined when it is not valid percent-encoding. */
export function findPathSegments(request: IncomingMessage): string[] | undefined {
  const path = (request.url ?? "/").split("?", 1).join("");
  try {
    return path.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

async function stopServer(server: ReturnType<typeof createServer>): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  server.closeAllConnections();
  await closed;
}
