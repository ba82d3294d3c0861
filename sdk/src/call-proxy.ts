import type { TRPCPromise, TRPCUntypedClient } from "@trpc/client";
import { isKeyed, type KeyedProcedure } from "@skyfox/server/contract/plain";
import type { KeyedCallOptions } from "./calls.ts";
import { outcome } from "./failures.ts";
import type { AppRouter, ErrorShapeOf, MutationPath, OutputOf } from "./router.ts";

// The compiler holds this list to the router.
const mutationsWithoutKey: Record<Exclude<MutationPath, KeyedProcedure>, true> = {
  "auth.signup": true,
  "auth.login": true,
  "auth.logout": true,
  "auth.verifySecurityAnswer": true,
  "auth.resetPassword": true,
  "auth.changePassword": true,
  "auth.updateProfile": true,
  "auth.updateProfileImage": true,
  "admin.checkIn": true,
  "admin.checkInTicket": true,
};

/** Whether a procedure changes something. */
export function isMutation(path: string): boolean {
  return isKeyed(path) || path in mutationsWithoutKey;
}

type Untyped = TRPCUntypedClient<AppRouter>;
type AnyCall = TRPCPromise<OutputOf<"booking.list">, ErrorShapeOf<"booking.list">>;

/**
 * The procedures of a client by their names: `calls.booking.pay.mutate(input, options)`. Symbols are those of `client`, by which tRPC's own tools
 * find the client behind it. With `served` there is nothing but these features, procedures and names of `own`.
 */
export function callProxy(
  client: object,
  untyped: Untyped,
  own: object,
  served?: ReadonlySet<string>,
): object {
  const isServed = (path: string) => served === undefined || served.has(path);
  return branch("", (name) =>
    isServed(name) && name in own ? { value: own[name as keyof typeof own] } : undefined,
  );

  function branch(path: string, find: (name: string) => { value: unknown } | undefined): object {
    const known = new Map<string, unknown>();
    return new Proxy(
      {},
      {
        get(_target, name) {
          if (typeof name === "symbol")
            return path === "" ? (Reflect.get(client, name) as unknown) : undefined;
          // A client that a promise resolves to is no promise itself.
          if (name === "then") return undefined;
          if (!known.has(name)) {
            const found = find(name);
            known.set(
              name,
              found === undefined ? below(path === "" ? name : `${path}.${name}`) : found.value,
            );
          }
          return known.get(name);
        },
      },
    );
  }

  function below(path: string): object | undefined {
    if (!isServed(path)) return undefined;
    const calls: Record<string, unknown> = callsOf(path, untyped);
    return branch(path, (name) => (Object.hasOwn(calls, name) ? { value: calls[name] } : undefined));
  }
}

function callsOf(path: string, client: Untyped) {
  const query = (input?: unknown, options?: KeyedCallOptions) =>
    client.query(path, input, requestOf(options)) as AnyCall;
  const mutate = (input?: unknown, options?: KeyedCallOptions) =>
    client.mutation(path, input, requestOf(options)) as AnyCall;
  return {
    query,
    mutate,
    subscribe: (input: unknown, options: Parameters<Untyped["subscription"]>[2]) =>
      client.subscription(path, input, options),
    safe: async (input?: unknown, options?: KeyedCallOptions) =>
      await outcome((isMutation(path) ? mutate : query)(input, options)),
    async *all(input?: object, options?: KeyedCallOptions) {
      let cursor: string | undefined;
      do {
        const page = await query({ ...input, ...(cursor !== undefined && { cursor }) }, options);
        yield* page.items;
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
    },
  };
}

// The links read them from the context, where those who call by tRPC's own client can write them, too.
function requestOf({ signal, ...options }: KeyedCallOptions & { context?: object } = {}) {
  const { context, ...own } = options;
  return { ...(signal !== undefined && { signal }), context: { ...context, ...own } };
}
