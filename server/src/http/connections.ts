import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../deps.ts";
import { networkOf } from "../limits/network.ts";
import { countPerSecond } from "./count-per-second.ts";

// A client waits for an answer before it asks again, or asks a few things ahead. Each may cost as much as any other call.
const requestsAtOnce = 4;
// Then it connects again, as with nginx, so that load spreads over the servers.
const requestsPerConnection = 1_000;
// What a body that is full of line breaks may cost in a turn of the event loop.
const piecesPerTurn = 64;

const endOfHead = "\r\n\r\n";

export interface ConnectionLimits {
  /** Connections at the same time. */
  atOnce: number;
  /** Of one address; undefined where all callers share a proxy's. */
  atOncePerAddress: number | undefined;
}

/**
 * Bounds what callers can make of connections: how many there are, and on each how many requests are begun before the earlier ones are
 * answered and their answers taken. Until then nothing more is read from it, so that a caller who asks ahead waits in its own socket.
 */
export function limitConnections(server: Server, limits: ConnectionLimits, logger: Logger): void {
  const perAddress = new Map<string, number>();
  const connections = new WeakMap<Socket, Connection>();
  const logRefused = countPerSecond((count) =>
    logger.warn(
      { count },
      "Connections were refused: there are as many as allowed, in all or from an address.",
    ),
  );

  server.maxConnections = limits.atOnce;
  server.maxRequestsPerSocket = requestsPerConnection;
  server.on("drop", logRefused);
  server.on("connection", (socket) => {
    if (limits.atOncePerAddress !== undefined && !hasPlace(socket, limits.atOncePerAddress)) {
      logRefused();
      socket.destroy();
      return;
    }
    connections.set(socket, new Connection(socket));
  });
  server.prependListener("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    connections.get(incoming.socket)?.begin(outgoing);
  });

  function hasPlace(socket: Socket, atOnce: number): boolean {
    const address = networkOf(socket.remoteAddress ?? "unknown");
    const count = perAddress.get(address) ?? 0;
    if (count >= atOnce) return false;
    perAddress.set(address, count + 1);
    socket.once("close", () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left > 0) perAddress.set(address, left);
      else perAddress.delete(address);
    });
    return true;
  }
}

/**
 * A connection whose bytes reach the parser one request at a time. Node would parse all that a chunk of 64 KB has, two thousand requests,
 * and begin each.
 */
class Connection {
  readonly #socket: Socket;
  readonly #parse: (bytes: Buffer) => void;
  #begun = 0;
  #underWay = 0;
  #isHeld = false;

  constructor(socket: Socket) {
    const [parse] = socket.listeners("data");
    if (parse === undefined) throw new Error("Node's parser does not listen to its socket.");
    this.#socket = socket;
    this.#parse = parse as (bytes: Buffer) => void;
    socket.off("data", this.#parse);
    // To listen is also what makes Node hand the bytes over instead of parsing them in native code.
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  begin(outgoing: ServerResponse): void {
    this.#begun += 1;
    this.#underWay += 1;
    // Emitted once the answer has been handed to the operating system: a caller who does not read stays under way.
    outgoing.once("close", () => {
      this.#underWay -= 1;
      // In a turn of its own, so that the other connections have theirs.
      if (this.#isHeld) setImmediate(() => this.#goOn());
    });
  }

  #take(chunk: Buffer): void {
    let at = 0;
    for (let pieces = 0; at < chunk.length; pieces += 1) {
      if (this.#begun >= requestsPerConnection) return;
      if (this.#underWay >= requestsAtOnce || pieces === piecesPerTurn) {
        this.#hold(chunk.subarray(at));
        if (this.#underWay < requestsAtOnce) setImmediate(() => this.#goOn());
        return;
      }
      // A head ends with an empty line, and so does a body in chunks: no piece has the ends of two requests.
      const found = chunk.indexOf(endOfHead, at);
      const end = found === -1 ? chunk.length : found + endOfHead.length;
      this.#parse(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end));
      at = end;
    }
  }

  #hold(rest: Buffer): void {
    this.#isHeld = true;
    this.#socket.pause();
    this.#socket.unshift(rest);
  }

  #goOn(): void {
    if (!this.#isHeld || this.#underWay >= requestsAtOnce) return;
    this.#isHeld = false;
    this.#socket.resume();
  }
}
