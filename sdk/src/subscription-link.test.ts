import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLiveServer, refusal, type LiveServer } from "../test/live-server.ts";
import { createManualTiming, type ManualTiming } from "../test/manual-timing.ts";
import { settle } from "../test/settle.ts";
import { connectClient } from "./client.ts";
import { domainErrorOf } from "./failures.ts";
import type { Fetch } from "./timeout.ts";

interface Subscription {
  unsubscribe(): void;
}

let server: LiveServer;
let timing: ManualTiming;
let log: string[];

beforeEach(() => {
  server = createLiveServer();
  timing = createManualTiming();
  log = [];
});

test("a subscription has the client's headers, and survives a cut", async () => {
  const subscription = subscribe();
  await settle();
  const [first] = server.connections;
  expect([first?.headers.get("x-api-key"), first?.headers.get("authorization")]).toEqual(["key", "Bearer t"]);
  expect(first?.url.href).toMatch(/^http:\/\/cinema\.test\/trpc\/show\.watchSeatMap\?input=/);
  expect(first?.url.search).not.toMatch(/key|Bearer/);
  first?.send("7", { type: "ended" });
  await settle();
  first?.cut();
  await settle();
  timing.pass(150);
  await settle();
  expect(server.connections[1]?.input).toEqual({ showId: 1, lastEventId: "7" });
  expect(log).toEqual([
    "connecting",
    "started",
    "pending",
    '{"id":"7","data":{"type":"ended"}}',
    "connecting",
    "started",
    "pending",
  ]);
  subscription.unsubscribe();
});

test("a subscription ends with its server's", async () => {
  subscribe();
  await settle();
  server.connections[0]?.end();
  await settle();
  expect(log.slice(3)).toEqual(["stopped", "idle", "complete"]);
});

test("a subscription that is refused fails with SkyFox's error", async () => {
  server.refuse(refusal("NOT_FOUND", { code: "SHOW_NOT_FOUND", details: null }));
  subscribe();
  await settle();
  expect(log).toEqual(["connecting", "started", "pending", "SHOW_NOT_FOUND"]);
});

test.for(["unsubscribe", "abort"])("%s closes the stream and leaves no timer", async (how) => {
  const abort = new AbortController();
  const subscription = subscribe(abort.signal);
  await settle();
  if (how === "abort") abort.abort();
  else subscription.unsubscribe();
  await settle();
  expect([server.connections[0]?.isOpen, timing.pending, log.at(-1)]).toEqual([false, 0, "complete"]);
});

test("a signal that has aborted before opens nothing", async () => {
  subscribe(AbortSignal.abort());
  await settle();
  expect([server.connections.length, timing.pending]).toEqual([0, 0]);
});

test("a callback that throws breaks no subscription, and its error reaches the page", async () => {
  const subscription = subscribe(undefined, undefined, (line) => {
    if (line.startsWith("{")) throw new Error("A mistake of the page's.");
  });
  await settle();
  server.connections[0]?.send("7", { free: 1 });
  server.connections[0]?.send("8", { free: 2 });
  await settle();
  expect(() => timing.pass(0)).toThrow("A mistake of the page's.");
  expect(() => timing.pass(0)).toThrow("A mistake of the page's.");
  timing.pass(5_000);
  await settle();
  expect([server.connections.length, server.connections[0]?.isOpen]).toEqual([1, true]);
  expect(log.slice(3)).toEqual(['{"id":"7","data":{"free":1}}', '{"id":"8","data":{"free":2}}']);
  subscription.unsubscribe();
});

test.for<[string, (subscription: Subscription) => void]>([
  [
    "of a refusal",
    () => server.connections[0]?.fail(refusal("NOT_FOUND", { code: "SHOW_NOT_FOUND", details: null })),
  ],
  ["of the server's end", () => server.connections[0]?.end()],
  ["of its own end", (subscription) => subscription.unsubscribe()],
])(
  "a callback that throws as it hears %s leaves nothing, and its error reaches the page",
  async ([, happen]) => {
    const subscription = subscribe(undefined, undefined, (line) => {
      if (["SHOW_NOT_FOUND", "complete"].includes(line)) throw new Error("A mistake of the page's.");
    });
    await settle();
    happen(subscription);
    await settle();
    expect(timing.pending).toBe(1);
    expect(() => timing.pass(0)).toThrow("A mistake of the page's.");
    expect([server.connections[0]?.isOpen, timing.pending]).toEqual([false, 0]);
  },
);

let listening: Server | undefined;
afterEach(() => listening?.close());

test("over the network, an abort closes the socket", async () => {
  const closed = Promise.withResolvers<void>();
  listening = createServer((request, response) => {
    request.socket.on("close", () => closed.resolve());
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    void server.fetch(`http://cinema.test${request.url ?? ""}`, { headers }).then((answer) => {
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      Readable.fromWeb(answer.body as never).pipe(response);
    });
  });
  await new Promise<void>((resolve) => listening?.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  const abort = new AbortController();
  const came = Promise.withResolvers<void>();
  subscribe(abort.signal, `http://127.0.0.1:${port}`, (line) => {
    if (line.includes("Grüße")) came.resolve();
  });
  (await server.next()).send("7", { text: "Grüße" });
  await came.promise;
  abort.abort();
  await closed.promise;
  expect([timing.pending, log.at(-1)]).toEqual([0, "complete"]);
});

function subscribe(
  signal?: AbortSignal,
  url = "http://cinema.test",
  heard?: (line: string) => void,
): Subscription {
  const say = (line: string) => {
    log.push(line);
    heard?.(line);
  };
  const fetch: Fetch | undefined = url === "http://cinema.test" ? server.fetch : undefined;
  const client = connectClient({ url, apiKey: "key", token: "t", fetch }, timing);
  return client.show.watchSeatMap.subscribe(
    { showId: 1 },
    {
      ...(signal && { signal }),
      onStarted: () => say("started"),
      onConnectionStateChange: ({ state }) => say(state),
      onData: (data) => say(JSON.stringify(data)),
      onError: (error) => say(domainErrorOf(error)?.code ?? error.message),
      onStopped: () => say("stopped"),
      onComplete: () => say("complete"),
    },
  );
}
