import { initTRPC, tracked, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { transformer, type DomainProblem } from "@skyfox/server/contract";
import type { Fetch } from "../src/index.ts";

/** One stream that a client has opened, seen from the server. */
export interface Connection {
  readonly url: URL;
  readonly headers: Headers;
  readonly input: unknown;
  readonly isOpen: boolean;
  send(id: string, event: unknown): void;
  /** An event without an id. */
  sendUntracked(event: unknown): void;
  ping(): void;
  /** The subscription is over. */
  end(): void;
  fail(error: TRPCError): void;
  /** The network breaks. */
  cut(): void;
}

/** A server with tRPC's own wire, which does what a test says; nothing in it takes time. */
export interface LiveServer {
  readonly fetch: Fetch;
  readonly connections: Connection[];
  /** The next stream that is opened and was not asked for yet. */
  next(): Promise<Connection>;
  /** What the next request is answered with, instead of a stream. */
  refuse(error: TRPCError | Response): void;
}

type Turn = { id: string | undefined; event: unknown } | { error: TRPCError } | "end";

interface Wire extends Connection {
  input: unknown;
  isOpen: boolean;
  turns: AsyncQueue<Turn>;
}

/** An error as the server's own, with a domain code. */
export function refusal(code: TRPCError["code"], domain: DomainProblem | null = null): TRPCError {
  return new TRPCError({ code, message: "No.", cause: Object.assign(new Error("No."), { domain }) });
}

export function createLiveServer(): LiveServer {
  const connections: Wire[] = [];
  const arrivals = createQueue<Connection>();
  const refusals: (TRPCError | Response)[] = [];
  const t = initTRPC.context<{ wire: Wire }>().create({
    transformer,
    errorFormatter({ shape, error }) {
      const { domain = null } = (error.cause ?? {}) as { domain?: DomainProblem | null };
      const { code, httpStatus, path = null } = shape.data;
      return { ...shape, data: { code, httpStatus, path, requestId: "r-1", domain, fields: null } };
    },
  });
  const router = t.router({
    show: t.router({
      watchSeatMap: t.procedure
        .use(({ next }) => {
          const refused = refusals.shift();
          if (refused instanceof TRPCError) throw refused;
          return next();
        })
        .input((input) => input)
        .subscription(async function* follow({ input, ctx: { wire } }) {
          wire.input = input;
          connections.push(wire);
          arrivals.push(wire);
          for (;;) {
            const turn = await wire.turns.next();
            if (turn === "end") return;
            if ("error" in turn) throw turn.error;
            yield turn.id === undefined ? turn.event : tracked(turn.id, turn.event);
          }
        }),
    }),
  });

  return {
    connections,
    next: () => arrivals.next(),
    refuse: (error) => void refusals.push(error),
    async fetch(url, init) {
      init.signal?.throwIfAborted();
      if (refusals[0] instanceof Response) return refusals.shift() as Response;
      const req = new Request(url, init);
      let body: ReadableStreamDefaultController<Uint8Array> | undefined;
      const wire = createWire(req, () => body);
      const response = await fetchRequestHandler({
        endpoint: "/trpc",
        req,
        router,
        createContext: () => ({ wire }),
      });
      if (!response.ok || response.body === null) return response;
      const source = response.body;
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          body = controller;
          void pass(source, controller, wire);
        },
        cancel: () => leave(wire),
      });
      init.signal?.addEventListener("abort", () => leave(wire));
      wire.isOpen = true;
      return new Response(stream, response);
    },
  };
}

function createWire(
  { url, headers }: Request,
  body: () => ReadableStreamDefaultController<Uint8Array> | undefined,
): Wire {
  const turns = createQueue<Turn>();
  const wire: Wire = {
    url: new URL(url),
    headers,
    input: undefined,
    isOpen: false,
    turns,
    send: (id, event) => turns.push({ id, event }),
    sendUntracked: (event) => turns.push({ id: undefined, event }),
    ping: () => body()?.enqueue(new TextEncoder().encode("event: ping\ndata: \n\n")),
    end: () => turns.push("end"),
    fail: (error) => turns.push({ error }),
    cut() {
      body()?.error(new TypeError("terminated"));
      leave(wire);
    },
  };
  return wire;
}

async function pass(
  source: ReadableStream<Uint8Array>,
  target: ReadableStreamDefaultController<Uint8Array>,
  wire: Wire,
): Promise<void> {
  for await (const bytes of source) if (wire.isOpen) target.enqueue(bytes);
  if (!wire.isOpen) return;
  wire.isOpen = false;
  target.close();
}

function leave(wire: Wire): void {
  wire.isOpen = false;
  wire.turns.push("end");
}

interface AsyncQueue<Item> {
  push(item: Item): void;
  next(): Promise<Item>;
}

function createQueue<Item>(): AsyncQueue<Item> {
  const items: Item[] = [];
  const takers: ((item: Item) => void)[] = [];
  return {
    push(item) {
      const taker = takers.shift();
      if (taker === undefined) items.push(item);
      else taker(item);
    },
    next() {
      const item = items.shift();
      return item === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(item);
    },
  };
}
