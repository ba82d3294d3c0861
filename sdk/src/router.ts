import type {
  TRPCBuiltRouter,
  TRPCDecorateCreateRouterOptions,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from "@trpc/server";
import type { AppRouter as WideRouter } from "@skyfox/server/api";
import type {
  DomainProblem,
  ErrorData,
  plainCodes,
  procedureCodes,
  ProcedurePath,
  TicketKeys,
} from "@skyfox/server/contract";
import type { ExportFile } from "./exports.ts";

/** The calls that are no procedures. */
export type PlainCallPath = keyof PlainOutputs;

/** Every call by its name, such as `booking.pay` or `exports.bookingsCsv`. */
export type CallPath = ProcedurePath | PlainCallPath;

/** The codes that a call can be refused with. */
export type CodesOf<Path extends CallPath> = Path extends ProcedurePath
  ? (typeof procedureCodes)[Path][number]
  : (typeof plainCodes)[number];

/** `error.data` of one call's errors: `domain` has that call's codes only. */
export interface ErrorDataOf<Path extends CallPath> extends Omit<ErrorData, "domain"> {
  domain: Extract<DomainProblem, { code: CodesOf<Path> }> | null;
}

/** One call's errors in tRPC's own form, which its `safe()` and TanStack's hooks read. */
export interface ErrorShapeOf<Path extends CallPath> {
  code: number;
  message: string;
  data: ErrorDataOf<Path>;
}

/** What a procedure takes and gives, and how it fails. */
export interface Pinned<Meta, Input, Output, Path extends ProcedurePath> {
  meta: Meta;
  input: Input;
  output: Output;
  errorShape: ErrorShapeOf<Path>;
}

type Pin<Def, Path> = Def extends { meta: infer Meta; input: infer Input; output: infer Output }
  ? Path extends ProcedurePath
    ? Pinned<Meta, Input, Output, Path>
    : never
  : never;

type Narrow<Record, Prefix extends string> = {
  [Key in keyof Record]: Record[Key] extends TRPCQueryProcedure<infer Def>
    ? TRPCQueryProcedure<Pin<Def, `${Prefix}${Key & string}`>>
    : Record[Key] extends TRPCMutationProcedure<infer Def>
      ? TRPCMutationProcedure<Pin<Def, `${Prefix}${Key & string}`>>
      : Record[Key] extends TRPCSubscriptionProcedure<infer Def>
        ? TRPCSubscriptionProcedure<Pin<Def, `${Prefix}${Key & string}`>>
        : Narrow<Record[Key], `${Prefix}${Key & string}.`>;
};

/** Every procedure by its name, each with its own errors. */
export type Procedures = Narrow<WideRouter["_def"]["record"], "">;

/** The router's type as clients see it: every procedure with its input, its output and its own errors. */
export type AppRouter = TRPCBuiltRouter<
  WideRouter["_def"]["_config"]["$types"],
  TRPCDecorateCreateRouterOptions<Procedures>
>;

type MutationsIn<Record, Prefix extends string> = {
  [Key in keyof Record & string]: Record[Key] extends TRPCMutationProcedure<infer _Def>
    ? `${Prefix}${Key}`
    : Record[Key] extends TRPCQueryProcedure<infer _Def> | TRPCSubscriptionProcedure<infer _Def>
      ? never
      : MutationsIn<Record[Key], `${Prefix}${Key}.`>;
}[keyof Record & string];

/** Every procedure that changes something. */
export type MutationPath = MutationsIn<Procedures, "">;

type ProcedureAt<Path extends ProcedurePath> =
  Path extends `${infer Name extends keyof Procedures}.${infer Verb}`
    ? Verb extends keyof Procedures[Name]
      ? Procedures[Name][Verb]
      : never
    : never;

type DefinitionOf<Procedure> = Procedure extends
  | TRPCQueryProcedure<infer Def>
  | TRPCMutationProcedure<infer Def>
  | TRPCSubscriptionProcedure<infer Def>
  ? Def
  : never;

/** What a procedure takes. */
export type InputOf<Path extends ProcedurePath> = DefinitionOf<ProcedureAt<Path>>["input"];

interface PlainOutputs {
  "exports.bookingsCsv": ExportFile;
  "exports.bookingsXlsx": ExportFile;
  "tickets.keys": TicketKeys;
}

/** What a call gives. */
export type OutputOf<Path extends CallPath> = Path extends PlainCallPath
  ? PlainOutputs[Path]
  : Path extends ProcedurePath
    ? DefinitionOf<ProcedureAt<Path>>["output"]
    : never;
