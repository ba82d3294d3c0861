import { TRPCClientError } from "@trpc/client";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import type { AppRouter } from "@skyfox/server/api";
import {
  bookingsCsvPath,
  exportCodes,
  exportRoles,
  type DomainProblem,
  type ErrorData,
  type FieldProblem,
} from "@skyfox/server/contract";
import type { Fetch } from "./timeout.ts";

/** A month of the calendar, 1 for January. */
export type Month = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** Which bookings, by booking time in the cinema's zone; a month without a year is that month of every year. */
export interface BookingsCsvOptions {
  month?: Month | undefined;
  /** Four digits. */
  year?: number | undefined;
  /** Ends the request, and the stream while it is being read. */
  signal?: AbortSignal | undefined;
}

/** A file that is still on its way. */
export interface BookingsCsv {
  /** Such as `bookings_April_2025.csv`. */
  filename: string;
  /** UTF-8 with a byte order mark. Read it to its end or cancel it; it fails when the transfer breaks off. */
  stream: ReadableStream<Uint8Array>;
}

/** The files that SkyFox gives out. */
export interface Exports {
  /**
   * The bookings that count as revenue, newest first, for staff and admins. Rejects as a call does: with a `SkyfoxError`, or with one that
   * `isSkyfoxError` does not accept when no answer came. Not repeated by itself; the client's timeout is for the answer's beginning only.
   */
  bookingsCsv(options?: BookingsCsvOptions): Promise<BookingsCsv>;
}

/** What exports need of the client they belong to. */
export interface ExportAccess {
  url: string;
  headers: () => Promise<Record<string, string>>;
  fetch: Fetch | undefined;
  timeoutMs: number;
}

/** The exports of a client. */
export function connectExports(access: ExportAccess): Exports {
  return {
    async bookingsCsv({ month, year, signal } = {}) {
      const search = new URLSearchParams(
        Object.entries({ month, year }).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, String(value)]],
        ),
      ).toString();
      const patience = new AbortController();
      const timer = setTimeout(() => {
        patience.abort(new DOMException("SkyFox did not answer in time.", "TimeoutError"));
      }, access.timeoutMs);
      try {
        const response = await (access.fetch ?? globalThis.fetch)(
          `${access.url}${bookingsCsvPath}${search && `?${search}`}`,
          {
            headers: await access.headers(),
            signal: signal ? AbortSignal.any([signal, patience.signal]) : patience.signal,
          },
        );
        const disposition = response.headers.get("content-disposition") ?? "";
        const filename = /\bfilename="([^"/\\]+)"/.exec(disposition)?.[1];
        if (!response.ok || filename === undefined || response.body === null) throw await readError(response);
        return { filename, stream: response.body };
      } catch (error) {
        throw TRPCClientError.from(
          error instanceof Error ? error : new Error("The request failed.", { cause: error }),
        );
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

const codesByStatus: Record<number, keyof typeof TRPC_ERROR_CODES_BY_KEY> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  429: "TOO_MANY_REQUESTS",
  503: "SERVICE_UNAVAILABLE",
};

interface PlainError {
  status: "ERROR";
  code: string;
  message: string;
  request_id: string;
  errors?: FieldProblem[];
}

// The error as the same refusal of a procedure would be; what has another form is not SkyFox's.
async function readError(response: Response): Promise<TRPCClientError<AppRouter>> {
  const body: unknown = await response.json().catch(() => undefined);
  const meta = { response };
  if (!isPlainError(body)) return new TRPCClientError("The answer is not SkyFox's.", { meta });
  const code = codesByStatus[response.status] ?? "INTERNAL_SERVER_ERROR";
  const data: ErrorData = {
    code,
    httpStatus: response.status,
    path: null,
    requestId: body.request_id,
    domain: problemOf(body.code),
    fields: body.errors ?? null,
  };
  const result = { error: { code: TRPC_ERROR_CODES_BY_KEY[code], message: body.message, data } };
  return new TRPCClientError(body.message, { result, meta });
}

function problemOf(code: string): DomainProblem | null {
  const known = exportCodes.find((one) => one === code);
  if (known === undefined) return null;
  if (known !== "FORBIDDEN") return { code: known, details: null };
  return { code: known, details: { requiredRoles: [...exportRoles] } };
}

function isPlainError(body: unknown): body is PlainError {
  if (typeof body !== "object" || body === null) return false;
  const { status, code, message, request_id } = body as Record<string, unknown>;
  return status === "ERROR" && [code, message, request_id].every((text) => typeof text === "string");
}
