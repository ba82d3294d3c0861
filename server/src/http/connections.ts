import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "../runtime/ports.ts";
import { networkOf } from "../limits/network.ts";
import { countPerSecond } from "./count-per-second.ts";

// A client waits for an answer before it asks again, or asks a few things ahead. Each may cost as much as any other call.
const requestsAtOnce = 4;
// Then it connects again, as with nginx, so that load spreads over the servers.
const requestsPerConnection = 1_000;
// A turn of the event loop reads from this many connections, and the others wait for the next one: new connections are accepted, and what is
// under way goes on, once in a turn.
const readsPerTurn = 16;

// What a caller has to take the last answer.
const lingerMs = 5_000;
// What it sends meanwhile is read and dropped, a chunk at a time, so that its end is noticed and a flood costs no memory.
const dropEveryMs = 100;
// The least of a body that is handed over at a time, in bytes.
const leastOfBody = 128;

const endOfHead = "\r\n\r\n";

export interface ConnectionLimits {
  /** Connections at the same time. */
  atOnce: number;
  /** Of one address; undefined where all callers share a proxy's. */
  atOncePerAddress: number | undefined;
}

const waits = new WeakMap<IncomingMessage, number>();

/** How long the bytes of a request have waited to be read, in milliseconds. */
export function waitBeforeReading(incoming: IncomingMessage): number {
  return waits.get(incoming) ?? 0;
}

/**
 * Bounds what callers can make of connections: how many there are, and on each how many requests are begun before the earlier ones are
 * answered and their answers taken. Until then nothing more is read from it, so that a caller who asks ahead waits in its own socket.
 */
export function limitConnections(server: Server, limits: ConnectionLimits, logger: Logger): void {
  const perAddress = new Map<string, number>();
  let total = 0;
  const connections = new WeakMap<Socket, Connection>();
  const budget = new ReadBudget();
  const logRefused = countPerSecond((count) =>
    logger.warn(
      { count },
      "Connections were refused: there are as many as allowed, in all or from an address.",
    ),
  );

  server.maxRequestsPerSocket = requestsPerConnection;
  server.on("connection", (socket) => {
    if (!hasPlace(socket)) {
      logRefused();
      socket.destroy();
      return;
    }
    connections.set(socket, new Connection(socket, budget));
  });
  server.prependListener("request", (incoming: IncomingMessage, outgoing: ServerResponse) => {
    connections.get(incoming.socket)?.begin(incoming, outgoing);
  });

  function hasPlace(socket: Socket): boolean {
    const address = networkOf(socket.remoteAddress ?? "unknown");
    const ofAddress = perAddress.get(address) ?? 0;
    if (total >= limits.atOnce || ofAddress >= (limits.atOncePerAddress ?? Infinity)) return false;
    total += 1;
    perAddress.set(address, ofAddress + 1);
    socket.once("close", () => {
      total -= 1;
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
  readonly #budget: ReadBudget;
  readonly #parse: (bytes: Buffer) => void;
  #rest: Buffer | undefined;
  #waitsSince = 0;
  #isInLine = false;
  #isPaused = false;
  #latest: IncomingMessage | undefined;
  #pieceBytes = 0;
  #bodyLeft = 0;
  #begun = 0;
  #underWay = 0;

  constructor(socket: Socket, budget: ReadBudget) {
    const [parse] = socket.listeners("data");
    if (parse === undefined) throw new Error("Node's parser does not listen to its socket.");
    this.#socket = socket;
    this.#budget = budget;
    this.#parse = parse as (bytes: Buffer) => void;
    socket.off("data", this.#parse);
    // To listen is also what makes Node hand the bytes over instead of parsing them in native code.
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#goOn());
  }

  begin(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#latest = incoming;
    // Less what came in the piece with the end of its head, since that may have brought some of it.
    this.#bodyLeft = Number(incoming.headers["content-length"] ?? 0) - this.#pieceBytes;
    this.#begun += 1;
    this.#underWay += 1;
    waits.set(incoming, performance.now() - this.#waitsSince);
    const isLast = this.#begun === requestsPerConnection;
    // Emitted once the answer has been handed to the operating system: a caller who does not read stays under way.
    outgoing.once("close", () => {
      this.#underWay -= 1;
      // Node has said so with the last answer, and leaves it to the caller.
      if (isLast) this.#end();
      this.#goOn();
    });
  }

  /** Hands the next request to the parser, or the next part of one. */
  readOn(): void {
    this.#isInLine = false;
    const rest = this.#rest;
    if (rest === undefined || !this.#mayRead()) return;
    const end = this.#endOfPiece(rest);
    this.#rest = end === rest.length ? undefined : rest.subarray(end);
    this.#pieceBytes = end;
    this.#bodyLeft -= end;
    this.#parse(end === rest.length ? rest : rest.subarray(0, end));
    if (this.#rest !== undefined) this.#standInLine();
    else this.#resume();
  }

  // What is surely left of a body goes in one piece, whatever is in it. Otherwise a head ends with an empty line, and so does a body in chunks:
  // no piece has the ends of two requests, but for a few very short ones that follow such a body.
  #endOfPiece(rest: Buffer): number {
    if (this.#bodyLeft > 0) return Math.min(rest.length, this.#bodyLeft);
    const isInBody = this.#latest?.complete === false;
    const found = rest.indexOf(endOfHead, isInBody ? leastOfBody : 0);
    return found === -1 ? rest.length : found + endOfHead.length;
  }

  #receive(chunk: Buffer): void {
    // Node itself resumes a socket when it looks for the body of a request; what is given back is kept as far as a stream buffers.
    if (this.#rest !== undefined) {
      this.#pause();
      this.#socket.unshift(chunk);
      return;
    }
    // After the last request the rest is read, so that the caller finds the last answer and not a broken connection.
    if (this.#isOver()) {
      this.#socket.pause();
      setTimeout(() => this.#socket.resume(), dropEveryMs).unref();
      return;
    }
    this.#rest = chunk;
    this.#waitsSince = performance.now();
    if (this.#budget.takeOne()) this.readOn();
    else this.#standInLine();
  }

  #standInLine(): void {
    if (this.#rest === undefined) return;
    this.#pause();
    if (this.#isInLine || !this.#mayRead()) return;
    this.#isInLine = true;
    this.#budget.wait(this);
  }

  #end(): void {
    this.#rest = undefined;
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), lingerMs).unref();
  }

  // Nothing may be left to parse, and the socket still be paused because too much was under way.
  #goOn(): void {
    if (this.#rest === undefined) this.#resume();
    else this.#standInLine();
  }

  #pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  // Not what Node has paused, because a body comes faster than it is read.
  #resume(): void {
    if (!this.#isPaused || !this.#mayRead()) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  // Node pauses a socket whose caller takes no answers until it drains, and asserts that nothing is parsed meanwhile; it says so nowhere else.
  #mayRead(): boolean {
    const { destroyed, _paused: isPausedByNode } = this.#socket as Socket & { _paused?: boolean };
    if (destroyed || isPausedByNode) return false;
    const hasBodyToCome = this.#latest?.complete === false;
    if (hasBodyToCome) return this.#underWay <= requestsAtOnce;
    return this.#underWay < requestsAtOnce && this.#begun < requestsPerConnection;
  }

  #isOver(): boolean {
    return this.#begun >= requestsPerConnection && this.#underWay === 0;
  }
}

/** How many connections are read in one turn of the event loop; the others wait for a later turn. */
class ReadBudget {
  #left = readsPerTurn;
  #isScheduled = false;
  #waiting: Connection[] = [];

  /** Whether there is room in this turn. */
  takeOne(): boolean {
    this.#schedule();
    if (this.#left === 0) return false;
    this.#left -= 1;
    return true;
  }

  wait(connection: Connection): void {
    this.#waiting.push(connection);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#begin());
  }

  // The newest and the oldest by halves: under more load than can even be refused in time, some are still answered at once, and none waits
  // for ever.
  #begin(): void {
    this.#isScheduled = false;
    const waiting = this.#waiting;
    const newest = waiting.splice(Math.max(0, waiting.length - readsPerTurn / 2));
    const oldest = waiting.splice(0, readsPerTurn / 2);
    this.#left = readsPerTurn - newest.length - oldest.length;
    for (const connection of newest) connection.readOn();
    for (const connection of oldest) connection.readOn();
    if (waiting.length > 0) this.#schedule();
  }
}
