import type { IncomingMessage } from "node:http";
import { TRPCError } from "@trpc/server";
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { AppEnv } from "./caller.ts";

/** How a body is received. */
export interface Reception {
  maxBytes: number;
  withinMs: number;
  /** In each `checkEveryMs`, in bytes of the network, so that a body that trickles is noticed before its time is over. */
  leastBytesPerSecond: number;
  /** Looks at the first part of a long body, which may be cut anywhere. Throws what the body is refused with; then no more is read of it. */
  lookAtStart(start: string): void;
}

const checkEveryMs = 5_000;
const lingerMs = 500;
// A body within the usual limit is looked at as a whole.
const startBytes = 64 * 1_024;

/** The body of a request as text, once it is there as a whole. Throws a 413 for one that is too long, a 408 for one that comes too slowly. */
export async function receiveBody(context: Context<AppEnv>, reception: Reception): Promise<string> {
  const incoming = incomingOf(context);
  if (Number(context.req.header("content-length") ?? 0) > reception.maxBytes) {
    if (incoming !== undefined) endUnread(incoming);
    throw tooLong();
  }
  const watch = watchPace(incoming, reception);
  const reading =
    incoming === undefined ? readRequest(context.req.raw, reception) : readIncoming(incoming, reception);
  try {
    return await Promise.race([reading, watch.tooSlow]);
  } catch (error) {
    if (incoming?.complete === false) endUnread(incoming);
    throw error;
  } finally {
    watch.stop();
  }
}

/** Whether a request has a body over that size, or one that does not say how long it is. */
export function mayBeLonger(context: Context<AppEnv>, bytes: number): boolean {
  const length = context.req.header("content-length");
  if (length !== undefined) return Number(length) > bytes;
  const incoming = incomingOf(context);
  return incoming === undefined ? context.req.raw.body !== null : "transfer-encoding" in incoming.headers;
}

// Undefined for a request that came without a connection.
function incomingOf({ env }: Context<AppEnv>): IncomingMessage | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming;
}

/** Takes the parts of a body as they come. */
function collect({ maxBytes, lookAtStart }: Reception) {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  return {
    add(part: Uint8Array): void {
      const isStart = bytes < startBytes;
      bytes += part.length;
      if (bytes > maxBytes) throw tooLong();
      parts.push(part);
      if (isStart && bytes >= startBytes) lookAtStart(Buffer.concat(parts).toString());
    },
    text: () => Buffer.concat(parts).toString(),
  };
}

async function readRequest({ body }: Request, reception: Reception): Promise<string> {
  const collected = collect(reception);
  const parts: AsyncIterable<Uint8Array> | [] = body ?? [];
  for await (const part of parts) collected.add(part);
  return collected.text();
}

async function readIncoming(incoming: IncomingMessage, reception: Reception): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const collected = collect(reception);
  const take = (part: Buffer) => {
    try {
      collected.add(part);
    } catch (error) {
      incoming.off("data", take);
      reject(error);
    }
  };
  incoming.on("data", take);
  incoming.once("end", () => resolve(collected.text()));
  // What is still to come when the connection ends never will.
  const gone = () => reject(new TRPCError({ code: "CLIENT_CLOSED_REQUEST" }));
  incoming.once("error", gone);
  incoming.once("close", gone);
  return await promise;
}

/** Ends a connection whose request is not read any further. Not at once: its caller might not see the answer then. */
export function endUnread(incoming: IncomingMessage): void {
  incoming.pause();
  setTimeout(() => incoming.socket.destroySoon(), lingerMs).unref();
}

function tooLong(): TRPCError {
  return new TRPCError({ code: "PAYLOAD_TOO_LARGE" });
}

function watchPace(incoming: IncomingMessage | undefined, { withinMs, leastBytesPerSecond }: Reception) {
  const { promise: tooSlow, reject } = Promise.withResolvers<never>();
  tooSlow.catch(() => {});
  const refuse = () => reject(new TRPCError({ code: "TIMEOUT" }));
  const end = setTimeout(refuse, withinMs);
  let read = incoming?.socket.bytesRead ?? 0;
  const check = setInterval(() => {
    if (incoming === undefined) return;
    const { bytesRead } = incoming.socket;
    if (bytesRead - read < (leastBytesPerSecond * checkEveryMs) / 1_000) refuse();
    read = bytesRead;
  }, checkEveryMs);
  return {
    tooSlow,
    stop() {
      clearTimeout(end);
      clearInterval(check);
    },
  };
}
