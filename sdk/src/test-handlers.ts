import type { DomainCode, DomainErrorDetails, FieldProblem } from "@skyfox/server/contract/plain";
import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";
import type { BookingsExportOptions } from "./exports.ts";
import type { CallPath, CodesOf, InputOf, OutputOf, PlainCallPath } from "./router.ts";

/** What a handler learns of its call beside the input, and how it can fail it. */
export interface TestCall<Path extends CallPath> {
  /** The key of a mutation that the server answers once: the same one each time the client repeats the call. */
  idempotencyKey: string | undefined;
  /** Aborts when the client gives the call up. */
  signal: AbortSignal;
  /**
   * Refuses the call as the server does, with one of the codes that the call lists and that code's details: `refuse("SEATS_UNAVAILABLE",
   * { seatNumbers: ["A1"] })`. `VALIDATION_ERROR` takes the refused fields.
   */
  refuse: <Code extends CodesOf<Path>>(code: Code, ...about: AboutOf<Code>) => never;
  /** Loses the answer on its way: the client sees `NETWORK`, and first repeats what it may repeat. */
  loseAnswer: () => never;
}

type AboutOf<Code extends DomainCode> = Code extends "VALIDATION_ERROR"
  ? [fields: FieldProblem[]]
  : DomainErrorDetails[Code] extends null
    ? []
    : [details: DomainErrorDetails[Code]];

type GivenTo<Path extends CallPath> = Path extends PlainCallPath
  ? Pick<BookingsExportOptions, "month" | "year">
  : InputOf<Exclude<Path, PlainCallPath>>;

type AnswerOf<Path extends CallPath> = Path extends "show.watchSeatMap"
  ? AsyncIterable<SeatMapEvent> | SeatMap
  : OutputOf<Path>;

/** Answers one call. Every request that arrives calls it, also one that the client repeats. */
export type TestHandler<Path extends CallPath> = (
  input: GivenTo<Path>,
  call: TestCall<Path>,
) => AnswerOf<Path> | Promise<AnswerOf<Path>>;

/**
 * The answers of a client without a server, by call: `{ "show.list": () => [makeShow()] }`. That of `show.watchSeatMap` is a map that does not
 * change, or an async generator of its events.
 */
export type TestHandlers = { [Path in CallPath]?: TestHandler<Path> };
