import { skipToken, type MutationFunctionContext, type QueryFunctionContext } from "@tanstack/react-query";
import type { ProcedurePath } from "@skyfox/server/contract/plain";
import { failureOf } from "./failures.ts";
import { endIntent, intentKey } from "./intents.ts";
import type { MutationIntent, PathFilters, QueryError, SkyfoxQueryKey } from "./query-types.ts";
import { shareStructure } from "./share-structure.ts";

/** One procedure of a client, whichever it is. */
export interface AnyCalls {
  query(input: unknown, options: { signal: AbortSignal }): Promise<unknown>;
  mutate(input: unknown, options: { idempotencyKey?: string }): Promise<unknown>;
}

/** The calls of one procedure in TanStack's words. `find` gives them when they are needed. */
export function procedure(path: ProcedurePath, find: () => AnyCalls): object {
  return { ...pathFilters(path.split(".")), ...queries(path, find), ...mutations(path, find) };
}

/** The keys below a path. */
export function pathFilters(path: string[]): PathFilters {
  const pathKey = (): SkyfoxQueryKey => [path];
  return { pathKey, pathFilter: (filters) => ({ ...filters, queryKey: pathKey() }) };
}

// The client repeats queries itself: together with TanStack's retries they would be sixteen requests.
const ownDefaults = { retry: false, structuralSharing: shareStructure };

function queries(path: ProcedurePath, find: () => AnyCalls) {
  const keysOf = (type: "query" | "infinite") => {
    const key = (input?: unknown): SkyfoxQueryKey => [
      path.split("."),
      { ...(input !== undefined && input !== skipToken && { input }), type },
    ];
    return { key, filter: (input?: unknown, filters?: object) => ({ ...filters, queryKey: key(input) }) };
  };
  const one = keysOf("query");
  const pages = keysOf("infinite");
  const ask = async (input: unknown, signal: AbortSignal) =>
    await find()
      .query(input, { signal })
      .catch((error: unknown) => {
        throw toQueryError(error, path);
      });
  return {
    queryKey: one.key,
    queryFilter: one.filter,
    queryOptions: (input?: unknown, options?: object) => ({
      ...ownDefaults,
      ...options,
      queryKey: one.key(input),
      queryFn:
        input === skipToken
          ? skipToken
          : async ({ signal }: QueryFunctionContext) => await ask(input, signal),
    }),
    infiniteQueryKey: pages.key,
    infiniteQueryFilter: pages.filter,
    infiniteQueryOptions: (input?: unknown, options?: object) => ({
      ...ownDefaults,
      ...options,
      initialPageParam: null,
      getNextPageParam: ({ nextCursor }: { nextCursor: string | null }) => nextCursor,
      queryKey: pages.key(input),
      queryFn:
        input === skipToken
          ? skipToken
          : async ({ signal, pageParam }: QueryFunctionContext<SkyfoxQueryKey, string | null>) =>
              await ask({ ...(input as object | undefined), cursor: pageParam }, signal),
    }),
  };
}

// Inputs have card numbers and passwords, which TanStack would keep for five minutes after their component is gone. With 0 it would look in every
// turn of the event loop whether a call without a component has its answer.
const inputsKeptMs = 1_000;

// TanStack makes one context of each press, and gives it to every try.
const keysOfPresses = new WeakMap<MutationFunctionContext, string>();

function mutations(path: ProcedurePath, find: () => AnyCalls) {
  const mutationKey = (): SkyfoxQueryKey => [path.split(".")];
  return {
    mutationKey,
    mutationOptions: ({ intent, ...options }: { intent?: MutationIntent } = {}) => ({
      gcTime: inputsKeptMs,
      ...options,
      mutationKey: mutationKey(),
      async mutationFn(input: unknown, press: MutationFunctionContext) {
        const idempotencyKey = intent ? intentKey(intent.name, intent.storage) : keysOfPresses.get(press);
        try {
          const answer = await find().mutate(input, idempotencyKey === undefined ? {} : { idempotencyKey });
          if (intent) endIntent(intent.name, intent.storage, idempotencyKey);
          return answer;
        } catch (thrown) {
          const error = toQueryError(thrown, path);
          if (error.idempotencyKey !== undefined) keysOfPresses.set(press, error.idempotencyKey);
          if (intent && !error.mayHaveHappened) endIntent(intent.name, intent.storage, idempotencyKey);
          throw error;
        }
      },
    }),
  };
}

// Stays the error that the client rejects with, so that `isSkyfoxError` and handlers of all errors know it.
function toQueryError<Path extends ProcedurePath>(error: unknown, path: Path): QueryError<Path> {
  const thrown = error instanceof Error ? error : new Error("The call failed.", { cause: error });
  return Object.assign(thrown, failureOf(error, path));
}
