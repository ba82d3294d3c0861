import { getTRPCErrorFromUnknown, type AnyTRPCProcedure, type TRPCError } from "@trpc/server";
import { movesMoney, roles, type Role } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Context } from "./context.ts";
import { findRefusal, isListed, toTransportError } from "./error-shape.ts";
import { RefusedInput } from "./input-guard.ts";
import { trpc } from "./trpc.ts";

// Runs around everything else of a call, so that every failure is mapped, and logged once when it is ours.
const reportErrors = trpc.middleware(async ({ ctx, path, type, next }) => {
  const result = await next();
  if (!result.ok) throw report(ctx, path, result.error);
  if (type !== "subscription") return result;
  return { ...result, data: reportErrorsOf(result.data as AsyncIterable<unknown>, ctx, path) };
});

async function* reportErrorsOf(events: AsyncIterable<unknown>, ctx: Context, path: string) {
  try {
    yield* events;
  } catch (error) {
    // The caller has gone, or is to connect again: nothing has failed.
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw report(ctx, path, getTRPCErrorFromUnknown(error));
  }
}

function report(ctx: Context, path: string, failure: TRPCError): TRPCError {
  const error = toTransportError(failure);
  const { logger } = ctx.deps;
  const refusal = findRefusal(error);
  const code = refusal?.problem.code;
  if (code === undefined || refusal?.cause !== undefined) {
    logger.error(
      { requestId: ctx.caller.requestId, path, err: refusal?.cause ?? error.cause ?? error },
      "A call failed unexpectedly.",
    );
  } else if (!isListed(path, code)) {
    logger.error(
      { requestId: ctx.caller.requestId, path, unlistedCode: code },
      "A procedure answered a code that it does not list.",
    );
  }
  return error;
}

// Every mutation that may change seats answers with what it changed, of which show; it has committed by then.
const announceSeats = trpc.middleware(async ({ ctx, type, next }) => {
  const result = await next();
  if (type === "mutation" && result.ok) {
    const showId = showIdOf(result.data);
    if (showId !== undefined) ctx.deps.liveMaps.changed(showId);
  }
  return result;
});

function showIdOf(answer: unknown): number | undefined {
  if (typeof answer !== "object" || answer === null || !("showId" in answer)) return undefined;
  return typeof answer.showId === "number" ? answer.showId : undefined;
}

// The session and the role are read on every call, before the input is.
function admit(allowedRoles: readonly Role[]) {
  return trpc.middleware(async ({ ctx, path, next }) => {
    const user = await ctx.authenticate(ctx.deps, ctx.caller, ctx.authorization);
    if (!allowedRoles.includes(user.role)) {
      throw new DomainError({ code: "FORBIDDEN", details: { requiredRoles: [...allowedRoles] } });
    }
    if (!ctx.deps.settings.background && movesMoney(path)) throw new DomainError({ code: "BACKGROUND_OFF" });
    return await next({ ctx: { user } });
  });
}

// Comes before everything that costs something, such as the session, so that a storm of calls that hash does not reach the database.
const standInLine = trpc.middleware(async ({ ctx, next }) =>
  ctx.deps.hashQueue.run((permit) => next({ ctx: { deps: { ...ctx.deps, ...permit } } })),
);

/** Whether a procedure is one of those that pass the hash queue. */
export function standsInLine(procedure: AnyTRPCProcedure): boolean {
  const { middlewares } = procedure._def as unknown as { middlewares: unknown[] };
  return standInLine._middlewares.some((middleware) => middlewares.includes(middleware));
}

// The input is looked at once the caller is known.
const takeInput = trpc.middleware(async ({ getRawInput, next }) => {
  const input = await getRawInput();
  if (input instanceof RefusedInput) throw input.error;
  return await next();
});

const reported = trpc.procedure.use(reportErrors).use(announceSeats);
const hashing = reported.use(standInLine);

/** For everyone with an API key. */
export const publicProcedure = reported.use(takeInput);

/** For everyone who is signed in. */
export const signedInProcedure = reported.use(admit(roles)).use(takeInput);

/** For customers; staff and admins are refused with `FORBIDDEN`. */
export const customerProcedure = reported.use(admit(["customer"])).use(takeInput);

/** For admins; customers and staff are refused with `FORBIDDEN`. */
export const adminProcedure = reported.use(admit(["admin"])).use(takeInput);

/** For staff and admins; customers are refused with `FORBIDDEN`. */
export const staffProcedure = reported.use(admit(["staff", "admin"])).use(takeInput);

/** As `publicProcedure`, for verbs that hash: they wait in the bounded line, past which a call is refused with `RATE_LIMITED`. */
export const publicHashingProcedure = hashing.use(takeInput);

/** As `signedInProcedure`, for verbs that hash. */
export const signedInHashingProcedure = hashing.use(admit(roles)).use(takeInput);

/** As `customerProcedure`, for verbs that hash. */
export const customerHashingProcedure = hashing.use(admit(["customer"])).use(takeInput);

/** As `adminProcedure`, for verbs that hash. */
export const adminHashingProcedure = hashing.use(admit(["admin"])).use(takeInput);
