import type { SubscriptionResolver, TRPCPromise } from "@trpc/client";
import type { TRPCMutationProcedure, TRPCQueryProcedure, TRPCSubscriptionProcedure } from "@trpc/server";
import type { KeyedProcedure, ProcedurePath } from "@skyfox/server/contract/plain";
import type { Outcome } from "./failures.ts";
import type { ErrorShapeOf, InputOf, OutputOf, Pinned, Procedures } from "./router.ts";

/** What a caller can say about one call, beside its input. */
export interface CallOptions {
  /** Ends the call at once, also in a batch. */
  signal?: AbortSignal | undefined;
  /** How long each attempt may take, in milliseconds; `Infinity` for as long as it takes. */
  timeoutMs?: number | undefined;
  /** How often the call is repeated at most when the network failed or the server was busy. */
  retries?: number | undefined;
}

/** What a caller can say about a call that the server answers once. */
export interface KeyedCallOptions extends CallOptions {
  /** 1 to 255 printable ASCII characters that name the intent: the same key again gives the first answer, with one effect, for 24 hours. */
  idempotencyKey?: string | undefined;
}

type OptionsOf<Path> = Path extends KeyedProcedure ? KeyedCallOptions : CallOptions;

// `void` stands in tRPC's own types for an input that may be left out.
type Args<Input, Options> = undefined extends Input
  ? [input?: Input | void, options?: Options]
  : [input: Input, options?: Options];

/** The promise of a call: it rejects with a `SkyfoxError` when SkyFox refuses, and `outcome` makes a value of either. */
export interface Answer<Path extends ProcedurePath> extends TRPCPromise<OutputOf<Path>, ErrorShapeOf<Path>> {}

/** A procedure that only reads. */
export interface Query<Path extends ProcedurePath> {
  /** Rejects with a `SkyfoxError` when SkyFox refuses. */
  query: (...args: Args<InputOf<Path>, CallOptions>) => Answer<Path>;
  /** Never rejects: `{ ok: true, data }`, or `{ ok: false, error }` whose `code` is one of this procedure's. */
  safe: (...args: Args<InputOf<Path>, CallOptions>) => Promise<Outcome<Path>>;
}

/** A list that comes in pages. */
export interface PagedQuery<Path extends ProcedurePath> extends Query<Path> {
  /** Every item of every page, one page asked for at a time; the loop throws what `query` rejects with. */
  all: (
    input?: Omit<Exclude<InputOf<Path>, undefined>, "cursor" | "direction">,
    options?: CallOptions,
  ) => AsyncIterable<ItemOf<OutputOf<Path>>>;
}

type ItemOf<Page> = Page extends { items: readonly (infer Item)[] } ? Item : never;

/** A procedure that changes something. */
export interface Mutation<Path extends ProcedurePath> {
  /** Rejects with a `SkyfoxError` when SkyFox refuses. */
  mutate: (...args: Args<InputOf<Path>, OptionsOf<Path>>) => Answer<Path>;
  /** Never rejects: `{ ok: true, data }`, or `{ ok: false, error }` whose `code` is one of this procedure's. */
  safe: (...args: Args<InputOf<Path>, OptionsOf<Path>>) => Promise<Outcome<Path>>;
}

/** A procedure that sends events. */
export interface Subscription<Path extends ProcedurePath> {
  /** Calls back with each event, resumed after a cut, until it is unsubscribed; an async iterator without callbacks. */
  subscribe: SubscriptionResolver<{
    input: InputOf<Path>;
    output: OutputOf<Path>;
    transformer: true;
    errorShape: ErrorShapeOf<Path>;
  }>;
}

type CallOf<Procedure> =
  Procedure extends TRPCQueryProcedure<Pinned<unknown, unknown, infer Output, infer Path>>
    ? [Output] extends [{ items: readonly unknown[]; nextCursor: string | null }]
      ? PagedQuery<Path>
      : Query<Path>
    : Procedure extends TRPCMutationProcedure<Pinned<unknown, unknown, unknown, infer Path>>
      ? Mutation<Path>
      : Procedure extends TRPCSubscriptionProcedure<Pinned<unknown, unknown, unknown, infer Path>>
        ? Subscription<Path>
        : never;

/** The procedures of one feature, such as `Feature<"booking">`. */
export type Feature<Name extends keyof Procedures> = {
  readonly [Verb in keyof Procedures[Name]]: CallOf<Procedures[Name][Verb]>;
};

/** Every procedure by its feature and its name. */
export type Calls = { readonly [Name in keyof Procedures]: Feature<Name> };
