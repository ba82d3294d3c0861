import type { Context } from "hono";
import pLimit from "p-limit";
import { z } from "zod";
import type { ExportRow } from "@skyfox/db";
import { toXlsxFile } from "../takings/bookings-xlsx.ts";
import { exportFilename, listExportPages, toCsvFile, type ExportFilter } from "../takings/export-bookings.ts";
import { recordAudit } from "../audit/record-audit.ts";
import { authenticate } from "../auth/sessions.ts";
import { exportRoles, type Role } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { RefusalAudit } from "./audit.ts";
import type { AppEnv } from "./caller.ts";
import { carry, isTransportError, transportError } from "../rpc/error-shape.ts";
import { refuse } from "./refusals.ts";

// However many exports run, they have this many of the pool's connections at most.
const pagesAtOnce = 2;

const formats = {
  csv: { contentType: "text/csv; charset=utf-8; header=present", write: toCsvFile },
  xlsx: {
    contentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    write: toXlsxFile,
  },
};

/** Streams the bookings as files to staff and admins. What fails before the first page is read is an error answer. */
export function createExportHandlers(
  deps: Pick<Deps, "clock" | "db" | "logger" | "sessions" | "settings" | "tokens">,
  audit: RefusalAudit,
) {
  const inTurn = pLimit(pagesAtOnce);

  const createHandler =
    (format: keyof typeof formats) =>
    async (context: Context<AppEnv>): Promise<Response> => {
      try {
        const user = await admit(context);
        const filter = readFilter(context);
        const { contentType, write } = formats[format];
        const pages = listExportPages(deps, filter);
        const first = await inTurn(() => pages.next());
        const headers = {
          "content-type": contentType,
          "content-disposition": `attachment; filename="${exportFilename(filter, format)}"`,
        };
        if (context.req.method === "HEAD") return context.body(null, 200, headers);
        await recordAudit(deps.db, deps.clock, user, {
          action: "bookings-exported",
          subject: null,
          details: { month: filter.month ?? null, year: filter.year ?? null },
        });
        return context.body(stream(user, first, pages, write), 200, headers);
      } catch (error) {
        const refusal = error instanceof DomainError ? carry(error) : error;
        if (!isTransportError(refusal)) throw error;
        if (refusal.code === "FORBIDDEN") audit.record(context.req, context.var, "role");
        return refuse(context, refusal);
      }
    };
  return { csv: createHandler("csv"), xlsx: createHandler("xlsx") };

  async function admit(context: Context<AppEnv>): Promise<User> {
    const caller = { address: context.get("address"), requestId: context.get("requestId") };
    const user = await authenticate(deps, caller, context.req.header("authorization"));
    const roles: readonly Role[] = exportRoles;
    if (roles.includes(user.role)) return user;
    throw new DomainError({ code: "FORBIDDEN", details: { requiredRoles: [...roles] } });
  }

  // A page is read when the reader has taken the one before, and none once the reader has left.
  function stream(
    { requestId, username }: User,
    first: IteratorResult<ExportRow[], void>,
    pages: AsyncGenerator<ExportRow[], void>,
    write: (pages: AsyncIterable<ExportRow[]>) => AsyncIterable<Uint8Array>,
  ): ReadableStream<Uint8Array> {
    const startedAt = performance.now();
    let hasLeft = false;
    const tellEnd = (outcome: "complete" | "left") => {
      const ms = Math.round(performance.now() - startedAt);
      deps.logger.info({ requestId, username, outcome, ms }, "An export has ended.");
    };
    async function* inTurns(): AsyncGenerator<ExportRow[], void> {
      let page: typeof first | undefined = first;
      while (page !== undefined && !page.done) {
        yield page.value;
        page = await inTurn(async () => (hasLeft ? undefined : await pages.next()));
      }
    }
    const parts = write(inTurns())[Symbol.asyncIterator]();
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          try {
            const part = await parts.next();
            if (hasLeft) return;
            if (!part.done) return controller.enqueue(part.value);
            tellEnd("complete");
            controller.close();
          } catch (error) {
            if (hasLeft) return;
            deps.logger.error({ requestId, username, err: error }, "An export broke off.");
            // Without its end the answer reads as broken; the cause stays here.
            controller.error(new Error("The export broke off."));
          }
        },
        async cancel() {
          hasLeft = true;
          tellEnd("left");
          await parts.return?.();
        },
      },
      { highWaterMark: 0 },
    );
  }
}

const once = (form: RegExp, message: string) =>
  z.string("Give this once.").regex(form, message).transform(Number).optional();

const filterSchema = z.strictObject({
  month: once(/^(0?[1-9]|1[0-2])$/, "Give the month as a number from 1 to 12."),
  year: once(/^[1-9]\d{3}$/, "Give the year with four digits, such as 2026."),
});

// What a form leaves blank is left out.
function readFilter(context: Context<AppEnv>): ExportFilter {
  const parameters = new URL(context.req.url).searchParams;
  const given = Array.from(new Set(parameters.keys()), (name) => {
    const values = parameters.getAll(name);
    return [name, values.length === 1 ? values[0] || undefined : values] as const;
  });
  const parsed = filterSchema.safeParse(Object.fromEntries(given));
  if (parsed.success) return parsed.data;
  throw transportError("BAD_REQUEST", parsed.error);
}
