import { connectClient, type SkyfoxClientOptions } from "../src/client.ts";
import { transformer } from "../src/index.ts";
import { realTiming, type Timing } from "../src/retries.ts";

/** What a server answers to a request. */
export type Reply = (url: string, init: RequestInit) => Promise<Response>;

/** A client whose server gives these replies in turn, the last one for ever, and whose waits take no time. */
export function scripted(
  replies: Reply[],
  options: Partial<SkyfoxClientOptions> = {},
  chance: number | Timing = 0.5,
) {
  const requests: { paths: string; key: string | null }[] = [];
  const waits: number[] = [];
  const instantly: Timing = {
    random: () => (typeof chance === "number" ? chance : 0),
    after(ms, wake) {
      waits.push(ms);
      queueMicrotask(wake);
      return () => {};
    },
    now: realTiming.now,
  };
  const client = connectClient(
    {
      url: "http://cinema.test",
      apiKey: "key",
      async fetch(url, init) {
        const paths = new URL(url).pathname.replace("/trpc/", "");
        requests.push({ paths, key: new Headers(init.headers).get("idempotency-key") });
        const reply = replies[Math.min(requests.length, replies.length) - 1];
        if (reply === undefined) throw new Error("There is at least one reply.");
        return await reply(url, init);
      },
      ...options,
    },
    typeof chance === "number" ? instantly : chance,
  );
  return { client, requests, waits };
}

/** The network fails. */
export function unreachable(): Promise<Response> {
  return Promise.reject(new TypeError("fetch failed"));
}

/** The answer breaks off on its way. */
export function cutOff(): Promise<Response> {
  const body = new ReadableStream({ pull: (stream) => stream.error(new TypeError("terminated")) });
  return Promise.resolve(new Response(body, { headers: { "content-type": "application/json" } }));
}

/** A proxy's page. */
export function page(status: number, headers: Record<string, string>): Reply {
  return () => Promise.resolve(new Response("<h1>Later</h1>", { status, headers }));
}

/** Null, to every call. */
export function answer(url: string, { method }: RequestInit): Promise<Response> {
  const one = { result: { data: { json: null } } };
  const calls = new URL(url).pathname.split(",");
  return Promise.resolve(Response.json(method === "GET" ? calls.map(() => one) : one));
}

/** SkyFox's refusal, with a domain error or about no rule. */
export function refusal(httpStatus: number, domain: { code: string; details: unknown } | null = null): Reply {
  const data = { code: "OF_THE_TEST", httpStatus, path: null, requestId: "r-1", domain, fields: null };
  const error = transformer.serialize({ code: -32_603, message: "No.", data });
  return () => Promise.resolve(Response.json({ error }, { status: httpStatus }));
}
