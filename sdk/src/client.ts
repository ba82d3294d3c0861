import {
  createTRPCClient,
  getUntypedClient,
  httpBatchLink,
  httpLink,
  splitLink,
  type TRPCClient,
} from "@trpc/client";
import { maxBatchSize, transformer, travelsAlone } from "@skyfox/server/contract/plain";
import { readAddress } from "./address.ts";
import { attemptLink } from "./attempt-link.ts";
import { clientHeader, ownBuild, warnOfOtherContract } from "./build.ts";
import { callProxy } from "./call-proxy.ts";
import { callLink, callOf, type Call } from "./call.ts";
import type { Calls } from "./calls.ts";
import { deviceTokenLink, keepDeviceTokens, type DeviceTokens } from "./device-tokens.ts";
import { exportsOf, type Exports } from "./exports.ts";
import { connectPlainCalls } from "./plain-calls.ts";
import { observeRequests, type RequestHooks } from "./requests.ts";
import { realTiming, retryLink, type Timing } from "./retries.ts";
import type { AppRouter, Procedures } from "./router.ts";
import { keepToken, sessionLink, type Token } from "./sessions.ts";
import { subscriptionLink } from "./subscription-link.ts";
import { findSurroundings, type Surroundings } from "./tabs.ts";
import { ticketCalls, type TicketCalls } from "./ticket-keys.ts";
import { rememberLosses, type Fetch } from "./timeout.ts";
import { seatMapWatcher, type WatchSeatMap } from "./watch-seat-map.ts";

// A payment may take the gateway's ten seconds and more; a client that hangs up earlier does not learn its outcome.
const defaultTimeoutMs = 30_000;

const defaultRetries = 3;

// What every browser, proxy and content network lets pass; queries beyond it go in another request.
const maxUrlLength = 2_000;

/** How to reach a SkyFox server, and as whom. */
export interface SkyfoxClientOptions {
  /** The server's base address, such as `https://cinema.example`; calls go to `/trpc` below it. */
  url: string | URL;
  /** The key that the operator gave your application. */
  apiKey: string;
  /** The token of `auth.login`, or a function that is asked before every request; null calls without one. */
  token?: string | (() => string | null | Promise<string | null>) | undefined;
  /**
   * Asked for a new token when the server has refused the present one; the call is then made once more. Calls that are refused side by side wait for one
   * refresh. Null means that there is none.
   */
  refreshToken?: (() => Promise<string | null>) | undefined;
  /** Called once for a token that was refused and not refreshed: show the login. */
  onSessionEnd?: (() => void) | undefined;
  /** Called as each request leaves, also one that is repeated, for logs and traces. Neither the API key, nor tokens, nor inputs are in it. */
  onRequest?: RequestHooks["onRequest"];
  /** Called as each answer begins, with its request id, or when none came. */
  onResponse?: RequestHooks["onResponse"];
  /** Replaces the global `fetch`; live seat maps need one that passes bodies on as they come. */
  fetch?: Fetch | undefined;
  /** How long one request may take, in milliseconds; 30,000 by default. Live seat maps have no such limit. */
  timeoutMs?: number | undefined;
  /**
   * How often a call is repeated when the network failed or the server was busy: 3 times by default, 0 for never. Only queries are
   * repeated, and mutations that the server answers once (`keyedProcedures`), with one idempotency key for all attempts. For these, 0 also
   * means not to wait for a first call that is in flight or whose payment is in doubt.
   */
  retries?: number | undefined;
  /**
   * Where the tokens are kept by which accounts know this device, so that password guesses by others do not block `auth.login` here. By default
   * the browser's `localStorage`; without one, the memory of this client.
   */
  deviceTokens?: DeviceTokens | undefined;
}

/** Every procedure of SkyFox by its name, `client.show.list.query()`, `client.booking.initialize.mutate({ … })`, and what has none. */
export type SkyfoxClient = Calls & BehindClient & Extras;

// By this symbol `createTRPCOptionsProxy` of TanStack and other tools of tRPC find the client behind.
type BehindClient = Omit<TRPCClient<AppRouter>, keyof Procedures>;

/** What a client has beside the procedures. */
export interface Extras {
  /** The public keys of tickets, for `verifyTicket` of `@skyfox/sdk/tickets`. */
  readonly tickets: TicketCalls;
  /** The bookings as a CSV or a workbook, for staff and admins. */
  readonly exports: Exports;
  /** Follows the seat map of a show live. */
  readonly watchSeatMap: WatchSeatMap;
}

/**
 * Connects to a SkyFox server. Queries asked in one tick travel together, at most ten in a request; every mutation travels alone, as do
 * queries that reach another service, print or add up. `.query` and
 * `.mutate` reject with a `SkyfoxError` when SkyFox refuses, and with an error that `isSkyfoxError` does not accept when there is no answer; `.safe`
 * gives both as values. Give `{ idempotencyKey }` beside a mutation's input to repeat it under a key of your own, such as after a page was loaded
 * again. Throws a `TypeError` for a URL or an API key that cannot work.
 */
export function createSkyfoxClient(options: SkyfoxClientOptions): SkyfoxClient {
  return connectClient(options, realTiming, findSurroundings());
}

/** A client with timers, clock and randomness of the caller's choice, for tests. With `served` it has nothing but these features and procedures. */
export function connectClient(
  options: SkyfoxClientOptions,
  timing: Timing,
  surroundings: Surroundings = {},
  build = ownBuild,
  served?: ReadonlySet<string>,
): SkyfoxClient {
  const { url, host } = readAddress(options);
  const defaults = {
    host,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    retries: options.retries ?? defaultRetries,
  };
  const tokens = keepToken(options, timing);
  const client = clientHeader(build);
  const headersFor = async (calls: Call[], key?: string) => {
    const token = await tokens.current();
    for (const call of calls) call.token = token;
    return { ...client, ...headersOf(options.apiKey, token, key) };
  };
  const fetch = observeRequests(
    options.fetch ?? ((address, init) => globalThis.fetch(address, init)),
    { ...options, learn: warnOfOtherContract(build, host) },
    timing,
  );
  const link = { url: `${url}/trpc`, transformer, fetch: rememberLosses(fetch) };
  const get = connectPlainCalls({ url, defaults, fetch, headers: (call) => headersFor([call]), tokens });
  const streams = {
    url: link.url,
    fetch,
    headers: () => headersFor([]),
    refreshToken: (authorization?: string) => tokens.refresh(authorization?.slice(bearer.length)),
    timing,
  };
  const calling = createTRPCClient<AppRouter>({
    links: [
      callLink(defaults),
      deviceTokenLink(options.deviceTokens ?? keepDeviceTokens()),
      sessionLink(tokens),
      retryLink(timing),
      attemptLink(),
      splitLink({
        condition: (call) => call.type === "mutation",
        true: httpLink({
          ...link,
          async headers({ op }) {
            const call = callOf(op);
            const headers = await headersFor([call], call.idempotencyKey);
            call.isSent = true;
            return headers;
          },
        }),
        false: splitLink({
          condition: (call) => call.type === "subscription",
          true: subscriptionLink(streams),
          false: splitLink({
            // In a batch the fast answers would wait for the slow one.
            condition: ({ path }) => travelsAlone(path),
            true: httpLink({ ...link, headers: ({ op }) => headersFor([callOf(op)]) }),
            false: httpBatchLink({
              ...link,
              headers: ({ opList }) => headersFor(opList.map(callOf)),
              maxItems: maxBatchSize,
              maxURLLength: maxUrlLength,
            }),
          }),
        }),
      }),
    ],
  });
  const extras: Extras = {
    tickets: ticketCalls(get),
    exports: exportsOf(get),
    watchSeatMap: seatMapWatcher(streams, surroundings),
  };
  return callProxy(calling, getUntypedClient(calling), extras, served) as SkyfoxClient;
}

const bearer = "Bearer ";

function headersOf(apiKey: string, token: Token, key?: string): Record<string, string> {
  return {
    "x-api-key": apiKey,
    ...(token && { authorization: `${bearer}${token}` }),
    ...(key !== undefined && { "idempotency-key": key }),
  };
}
