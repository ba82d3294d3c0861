import { isAscii } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { TRPCError } from "@trpc/server";
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import { transportError } from "../rpc/error-shape.ts";
import type { AppEnv } from "./caller.ts";
import { maxCharactersBesidePicture } from "./json-values.ts";

/** How a body is received. */
export interface Reception {
  maxBytes: number;
  withinMs: number;
  /** In each `checkEveryMs`, in bytes of the network, so that a body that trickles is noticed before its time is over. */
  leastBytesPerSecond: number;
  /**
   * Looks at the first 64 and 192 KB of a longer body, which may be cut anywhere; of a body that declares no length `bytes` is what has come so far.
   * Throws what the body is refused with at once. Gives back what it is refused with when the rest has come and was dropped: browsers read
   * no answer before they have sent everything.
   */
  lookAtStart(start: string, bytes: number): Error | undefined;
}

const checkEveryMs = 5_000;
const lingerMs = 500;
// Past the usual limit of a body, and again where its picture must have begun: a character takes at most three bytes.
const looksAtBytes = [maxCharactersBesidePicture, 3 * maxCharactersBesidePicture];

/** The body of a request as text, once it is there as a whole. Throws a 413 for one that is too long, a 408 for one that comes too slowly. */
export async function receiveBody(context: Context<AppEnv>, reception: Reception): Promise<string> {
  const incoming = incomingOf(context);
  const length = lengthOf(context);
  if (length !== undefined && length > reception.maxBytes) {
    if (incoming !== undefined) endUnread(incoming);
    throw tooLong();
  }
  const watch = watchPace(incoming, reception);
  const collected = collect(reception, length);
  const reading =
    incoming === undefined ? readRequest(context.req.raw, collected) : readIncoming(incoming, collected);
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
  const length = lengthOf(context);
  if (length !== undefined) return length > bytes;
  const incoming = incomingOf(context);
  return incoming === undefined ? context.req.raw.body !== null : "transfer-encoding" in incoming.headers;
}

function lengthOf(context: Context<AppEnv>): number | undefined {
  const length = context.req.header("content-length");
  return length === undefined ? undefined : Number(length);
}

// Undefined for a request that came without a connection.
function incomingOf({ env }: Context<AppEnv>): IncomingMessage | undefined {
  return (env as Partial<HttpBindings> | undefined)?.incoming;
}

type Collected = ReturnType<typeof collect>;

/** Takes the parts of a body as they come. */
function collect({ maxBytes, lookAtStart }: Reception, length: number | undefined) {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let refusal: Error | undefined;
  return {
    add(part: Uint8Array): void {
      const before = bytes;
      bytes += part.length;
      if (bytes > maxBytes) throw tooLong();
      if (refusal !== undefined) return;
      parts.push(part);
      if (!looksAtBytes.some((mark) => before < mark && bytes >= mark)) return;
      refusal = lookAtStart(Buffer.concat(parts).toString(), length ?? bytes);
      if (refusal !== undefined) parts = [];
    },
    /** The whole body. Throws what its start was refused with. */
    text(): string {
      if (refusal !== undefined) throw refusal;
      const whole = Buffer.concat(parts, bytes);
      // Most bodies are ASCII, which is read without decoding.
      return whole.toString(isAscii(whole) ? "latin1" : "utf8");
    },
  };
}

async function readRequest({ body }: Request, collected: Collected): Promise<string> {
  const parts: AsyncIterable<Uint8Array> | [] = body ?? [];
  for await (const part of parts) collected.add(part);
  return collected.text();
}

async function readIncoming(incoming: IncomingMessage, collected: Collected): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // What is still to come when the connection ends never will. Every request closes: for one that was read no error is made.
  const gone = () => reject(transportError("CLIENT_CLOSED_REQUEST"));
  const take = (part: Buffer) => {
    try {
      collected.add(part);
    } catch (error) {
      incoming.off("data", take);
      reject(error);
    }
  };
  incoming.on("data", take);
  incoming.once("end", () => {
    incoming.off("close", gone);
    try {
      resolve(collected.text());
    } catch (error) {
      reject(error);
    }
  });
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
  return transportError("PAYLOAD_TOO_LARGE");
}

function watchPace(incoming: IncomingMessage | undefined, { withinMs, leastBytesPerSecond }: Reception) {
  const { promise: tooSlow, reject } = Promise.withResolvers<never>();
  tooSlow.catch(() => {});
  const refuse = () => reject(transportError("TIMEOUT"));
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
