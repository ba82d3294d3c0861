import { initTRPC, tracked, TRPCError } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import { getHTTPStatusCodeFromError } from "@trpc/server/http";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import {
  bookingsCsvPath,
  bookingsXlsxPath,
  procedureCodes,
  sentences,
  transformer,
  transportCodes,
  type DomainCode,
  type DomainProblem,
  type ErrorData,
  type FieldProblem,
} from "@skyfox/server/contract/plain";
import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";
import { isMutation } from "./call-proxy.ts";
import type { ExportFile } from "./exports.ts";
import type { CallPath, PlainCallPath } from "./router.ts";
import type { TestCall, TestHandlers } from "./test-handlers.ts";
import type { Fetch } from "./timeout.ts";

/** One request, with all its calls. */
interface Arrival {
  requestId: string;
  idempotencyKey: string | undefined;
  signal: AbortSignal;
  isLost: boolean;
}

type AnyHandler = (input: unknown, call: TestCall<CallPath>) => unknown;

class Refusal extends Error {
  readonly problem: DomainProblem;
  readonly fields: FieldProblem[] | null;

  constructor(code: DomainCode, about: unknown = null) {
    super(sentences[code]);
    const isInput = code === "VALIDATION_ERROR";
    this.problem = { code, details: isInput ? null : about } as DomainProblem;
    this.fields = isInput ? (about as FieldProblem[]) : null;
  }
}

const trpc = initTRPC.context<Arrival>().create({
  allowOutsideOfServer: true,
  isDev: false,
  transformer,
  sse: { ping: { enabled: true, intervalMs: 15_000 } },
  errorFormatter: ({ error, path, ctx }) => ({
    code: TRPC_ERROR_CODES_BY_KEY[error.code],
    message: error.message,
    data: dataOf(error, path ?? null, ctx?.requestId ?? ""),
  }),
});

const procedure = trpc.procedure.input((input: unknown) => input);

const plainPaths: Record<string, PlainCallPath> = {
  [bookingsCsvPath]: "exports.bookingsCsv",
  [bookingsXlsxPath]: "exports.bookingsXlsx",
  "/tickets/keys": "tickets.keys",
};

/** A `fetch` that answers as a SkyFox server would, by these handlers. */
export function createTestFetch(handlers: TestHandlers): Fetch {
  const router = trpc.router(
    Object.fromEntries(Object.keys(procedureCodes).map((path) => [path, procedureAt(path, handlers)])),
  );
  let requests = 0;
  return async (url, { signal, ...init }) => {
    requests += 1;
    const arrival: Arrival = {
      requestId: `test-${requests}`,
      idempotencyKey: new Headers(init.headers).get("idempotency-key") ?? undefined,
      signal: signal ?? new AbortController().signal,
      isLost: false,
    };
    // Without the signal: that of a simulated browser is not one of the runtime's, which `Request` refuses.
    const req = new Request(url, init);
    const { pathname, searchParams } = new URL(url);
    const plain = plainPaths[pathname];
    const answering =
      plain === undefined
        ? fetchRequestHandler({ endpoint: "/trpc", req, router, createContext: () => arrival })
        : answerPlain(plain, searchParams, handlers, arrival);
    const response = await Promise.race([answering, rejectOnAbort(arrival.signal)]);
    if (arrival.isLost) throw new TypeError("The answer was lost.");
    response.headers.set("x-request-id", arrival.requestId);
    return response;
  };
}

function procedureAt(path: string, handlers: TestHandlers) {
  if (path === "show.watchSeatMap") {
    return procedure.subscription(({ ctx, input }) => streamEvents(handlers, input, ctx));
  }
  const resolve = ({ ctx, input }: { ctx: Arrival; input: unknown }) => answer(path, handlers, input, ctx);
  return isMutation(path) ? procedure.mutation(resolve) : procedure.query(resolve);
}

async function answer(path: string, handlers: TestHandlers, input: unknown, arrival: Arrival) {
  const { idempotencyKey, signal } = arrival;
  const handle = handlers[path as CallPath] as AnyHandler | undefined;
  if (handle === undefined) throw missing(path);
  try {
    return await handle(input, {
      idempotencyKey,
      signal,
      refuse(code, ...about) {
        throw new Refusal(code, ...about);
      },
      loseAnswer() {
        arrival.isLost = true;
        throw new TypeError("The answer was lost.");
      },
    });
  } catch (error) {
    throw failureOf(path, error);
  }
}

// A map that does not change any more stays open, as that of a show that goes on.
async function* streamEvents(handlers: TestHandlers, input: unknown, arrival: Arrival) {
  const path = "show.watchSeatMap";
  const given = (await answer(path, handlers, input, arrival)) as AsyncIterable<SeatMapEvent> | SeatMap;
  let count = 0;
  try {
    for await (const event of "rows" in given ? [{ type: "snapshot" as const, seatMap: given }] : given) {
      count += 1;
      yield tracked(count.toFixed(), event);
      if (event.type === "ended" || event.type === "cancelled") return;
    }
  } catch (error) {
    throw failureOf(path, error);
  }
  await rejectOnAbort(arrival.signal).catch(() => {});
}

async function answerPlain(
  path: PlainCallPath,
  search: URLSearchParams,
  handlers: TestHandlers,
  arrival: Arrival,
): Promise<Response> {
  try {
    const options = Object.fromEntries([...search].map(([name, value]) => [name, Number(value)]));
    const answered = await answer(path, handlers, options, arrival);
    if (path === "tickets.keys") return Response.json(answered);
    const { filename, stream } = answered as ExportFile;
    return new Response(stream, {
      headers: { "content-disposition": `attachment; filename="${filename}"` },
    });
  } catch (thrown) {
    const error = thrown as TRPCError;
    const {
      code,
      httpStatus,
      requestId: request_id,
      domain,
      fields,
    } = dataOf(error, path, arrival.requestId);
    const body = { status: "ERROR", code: domain?.code ?? code, message: error.message, request_id };
    return Response.json(
      { ...body, ...(domain && { details: domain.details }), ...(fields && { errors: fields }) },
      { status: httpStatus },
    );
  }
}

function dataOf(error: TRPCError, path: string | null, requestId: string): ErrorData {
  const refusal = error.cause instanceof Refusal ? error.cause : undefined;
  return {
    code: error.code,
    httpStatus: getHTTPStatusCodeFromError(error),
    path,
    requestId,
    domain: refusal?.problem ?? null,
    fields: refusal?.fields ?? null,
  };
}

function failureOf(path: string, cause: unknown): TRPCError {
  if (cause instanceof Refusal)
    return new TRPCError({ code: transportCodes[cause.problem.code], message: cause.message, cause });
  const reason = cause instanceof Error ? cause.message : String(cause);
  const message = `The handler of "${path}" failed: ${reason}`;
  return new TRPCError({ code: "INTERNAL_SERVER_ERROR", message, cause });
}

function missing(path: string): TRPCError {
  const message = `The test client has no handler for "${path}". Add one: createTestClient({ "${path}": (input) => … }).`;
  // oxlint-disable-next-line no-console -- A page under test may show another text.
  console.error(message);
  return new TRPCError({ code: "NOT_FOUND", message });
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return await new Promise((_resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}
