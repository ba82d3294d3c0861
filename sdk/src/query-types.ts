import type {
  DataTag,
  DefinedInitialDataInfiniteOptions,
  DefinedInitialDataOptions,
  InfiniteData,
  QueryFilters,
  SkipToken,
  UndefinedInitialDataInfiniteOptions,
  UndefinedInitialDataOptions,
  UnusedSkipTokenInfiniteOptions,
  UnusedSkipTokenOptions,
  UseMutationOptions,
} from "@tanstack/react-query";
import type { KeyedProcedure, ProcedurePath } from "@skyfox/server/contract/plain";
import type { Mutation, PagedQuery, Query } from "./calls.ts";
import type { Failure } from "./failures.ts";
import type { IntentStorage } from "./intents.ts";
import type { InputOf, OutputOf, Procedures } from "./router.ts";

/** TanStack's `error` of one procedure: the error that the client rejects with, whose `code` is one of `Failure<Path>`, for a `switch`. */
export type QueryError<Path extends ProcedurePath> = Error & Failure<Path>;

/** As tRPC's own keys: the path, and the input. A key without the input is the beginning of all that have one. */
export type SkyfoxQueryKey = readonly [
  path: readonly string[],
  call?: { readonly input?: unknown; readonly type?: "query" | "infinite" },
];

/** One intent that lasts longer than one press; its storage keeps the key, so that it also outlives the page. */
export interface MutationIntent {
  /** Names what the person wants done once, with what the form may change: `top-up-100`. Another input under the same name is refused. */
  name: string;
  /** Where its key is kept, such as `sessionStorage`. */
  storage: IntentStorage;
}

type Filters = Omit<QueryFilters, "queryKey">;

/** Below a feature, or below everything: what invalidates all of it. */
export interface PathFilters {
  /** The beginning of every key below. */
  pathKey: () => SkyfoxQueryKey;
  /** For `queryClient.invalidateQueries` and the like. */
  pathFilter: (filters?: Filters) => Filters & { queryKey: SkyfoxQueryKey };
}

// `void` lets the argument be left out.
type Given<Input> = undefined extends Input ? Input | void : Input;
type PageInput<Path extends ProcedurePath> = Given<OmitCursor<InputOf<Path>>>;
type OmitCursor<Input> = Input extends object ? Omit<Input, "cursor" | "direction"> : Input;
type Own<Options> = Omit<Options, "queryKey" | "queryFn" | "queryHash" | "queryKeyHashFn">;

interface Keyed<Data, Path extends ProcedurePath> {
  queryKey: DataTag<SkyfoxQueryKey, Data, QueryError<Path>>;
}

type Defined<Path extends ProcedurePath, Data> = DefinedInitialDataOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Data,
  SkyfoxQueryKey
>;
type Unskipped<Path extends ProcedurePath, Data> = UnusedSkipTokenOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Data,
  SkyfoxQueryKey
>;
type Skippable<Path extends ProcedurePath, Data> = UndefinedInitialDataOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Data,
  SkyfoxQueryKey
>;

/** What TanStack's hooks and its `queryClient` take for a procedure that only reads. */
export interface QueryProcedure<Path extends ProcedurePath> extends PathFilters {
  /** For `useQuery`, `useSuspenseQuery`, `prefetchQuery` and the like, with options of TanStack beside; `skipToken` as input asks nothing. */
  queryOptions: {
    <Data = OutputOf<Path>>(
      input: Given<InputOf<Path>>,
      options: Own<Defined<Path, Data>>,
    ): Defined<Path, Data> & Keyed<OutputOf<Path>, Path>;
    <Data = OutputOf<Path>>(
      input: Given<InputOf<Path>>,
      options?: Own<Unskipped<Path, Data>>,
    ): Unskipped<Path, Data> & Keyed<OutputOf<Path>, Path>;
    <Data = OutputOf<Path>>(
      input: Given<InputOf<Path>> | SkipToken,
      options?: Own<Skippable<Path, Data>>,
    ): Skippable<Path, Data> & Keyed<OutputOf<Path>, Path>;
  };
  /** For `queryClient.getQueryData` and `setQueryData`, typed; without an input the beginning of the keys of all inputs. */
  queryKey: (input?: Given<InputOf<Path>>) => DataTag<SkyfoxQueryKey, OutputOf<Path>, QueryError<Path>>;
  /** For `queryClient.invalidateQueries` and the like; without an input those of all inputs. */
  queryFilter: (input?: Given<InputOf<Path>>, filters?: Filters) => Filters & Keyed<OutputOf<Path>, Path>;
}

/** Pages, as infinite queries keep them. */
export type Pages<Path extends ProcedurePath> = InfiniteData<OutputOf<Path>, string | null>;

type DefinedPages<Path extends ProcedurePath, Data> = DefinedInitialDataInfiniteOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Data,
  SkyfoxQueryKey,
  string | null
>;
type UnskippedPages<Path extends ProcedurePath, Data> = UnusedSkipTokenInfiniteOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Data,
  SkyfoxQueryKey,
  string | null
>;
type SkippablePages<Path extends ProcedurePath, Data> = UndefinedInitialDataInfiniteOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Data,
  SkyfoxQueryKey,
  string | null
>;

type OwnOfPages<Options> = Omit<Own<Options>, "initialPageParam" | "getNextPageParam">;

/** The same for a list that comes in pages. */
export interface PagedQueryProcedure<Path extends ProcedurePath> extends QueryProcedure<Path> {
  /** For `useInfiniteQuery` and the like: page after page by `nextCursor`. */
  infiniteQueryOptions: {
    <Data = Pages<Path>>(
      input: PageInput<Path>,
      options: OwnOfPages<DefinedPages<Path, Data>>,
    ): DefinedPages<Path, Data> & Keyed<Pages<Path>, Path>;
    <Data = Pages<Path>>(
      input: PageInput<Path>,
      options?: OwnOfPages<UnskippedPages<Path, Data>>,
    ): UnskippedPages<Path, Data> & Keyed<Pages<Path>, Path>;
    <Data = Pages<Path>>(
      input: PageInput<Path> | SkipToken,
      options?: OwnOfPages<SkippablePages<Path, Data>>,
    ): SkippablePages<Path, Data> & Keyed<Pages<Path>, Path>;
  };
  /** As `queryKey`, of the infinite query. */
  infiniteQueryKey: (input?: PageInput<Path>) => DataTag<SkyfoxQueryKey, Pages<Path>, QueryError<Path>>;
  /** As `queryFilter`, of the infinite query. */
  infiniteQueryFilter: (input?: PageInput<Path>, filters?: Filters) => Filters & Keyed<Pages<Path>, Path>;
}

type MutationOptionsOf<Path extends ProcedurePath, OnMutateResult> = UseMutationOptions<
  OutputOf<Path>,
  QueryError<Path>,
  Given<InputOf<Path>>,
  OnMutateResult
>;

type IntentOption<Path> = Path extends KeyedProcedure
  ? {
      /**
       * Without it every press is an intent of its own. With it a press has the key of the one before, until the intent has succeeded or a refusal
       * says that it had no effect.
       */
      intent?: MutationIntent | undefined;
    }
  : object;

/** What TanStack's hooks take for a procedure that changes something. */
export interface MutationProcedure<Path extends ProcedurePath> {
  /**
   * For `useMutation`, with options of TanStack beside. One press has one effect: TanStack's own `retry` repeats it under the same idempotency
   * key where the server answers once. Do not set `retry` for other mutations.
   */
  mutationOptions: <OnMutateResult = unknown>(
    options?: Omit<MutationOptionsOf<Path, OnMutateResult>, "mutationKey" | "mutationFn"> &
      IntentOption<Path>,
  ) => MutationOptionsOf<Path, OnMutateResult> & { mutationKey: SkyfoxQueryKey };
  /** For `useMutationState` and `useIsMutating`. */
  mutationKey: () => SkyfoxQueryKey;
}

type ProcedureOf<Call> =
  Call extends PagedQuery<infer Path>
    ? PagedQueryProcedure<Path>
    : Call extends Query<infer Path>
      ? QueryProcedure<Path>
      : Call extends Mutation<infer Path>
        ? MutationProcedure<Path>
        : never;

/** The procedures of one feature, without those that send events. */
export type QueryFeature<Calls> = PathFilters & {
  readonly [Verb in keyof Calls as Calls[Verb] extends { subscribe: unknown } ? never : Verb]: ProcedureOf<
    Calls[Verb]
  >;
};

/** What the client may call, for TanStack. */
export type SkyfoxQuery<Client> = PathFilters & {
  readonly [Name in keyof Client & keyof Procedures]: QueryFeature<Client[Name]>;
};
