import {
  getTRPCErrorFromUnknown,
  type AnyTRPCProcedure,
  type TrackedEnvelope,
  type TRPCError,
  type TRPCProcedureType,
} from "@trpc/server";
import { movesMoney, rolesFor } from "../contract/index.ts";
import type { User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { Context } from "./context.ts";
import { findRefusal, isListed, shapeError, toTransportError } from "./error-shape.ts";
import { RefusedInput } from "./input-guard.ts";
import { trpc } from "./trpc.ts";
import { identifyViewer } from "./viewer.ts";

// What a middleware does here of its call. One middleware is many steps at once: each of tRPC's own costs a few copies of the call.
interface Step {
  ctx: Context;
  path: string;
  type: TRPCProcedureType;
}

// Runs around everything else of a call, so that every failure is mapped, and logged once when it is ours. A mutation that may have changed seats
// answers with what it changed, of which show; it has committed by then.
async function attend<Result extends StepResult>({ ctx, path, type }: Step, work: () => Promise<Result>) {
  const result = await work().catch((error: unknown) => {
    throw report(ctx, path, getTRPCErrorFromUnknown(error));
  });
  if (!result.ok) throw report(ctx, path, result.error);
  if (type === "mutation") {
    const showId = showIdOf(result.data);
    if (showId !== undefined) ctx.deps.liveMaps.changed(showId);
  }
  if (type !== "subscription") return result;
  ctx.stream.take(result.data as AsyncIterable<TrackedEnvelope<unknown>, void>, (error) =>
    shapeError(report(ctx, path, getTRPCErrorFromUnknown(error)), {
      path,
      requestId: ctx.caller.requestId,
    }),
  );
  return { ...result, data: nothing() };
}

type StepResult = { ok: true; data: unknown } | { ok: false; error: TRPCError };

// What tRPC writes itself, of a stream that is written already.
async function* nothing(): AsyncGenerator<never, void> {}

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

function showIdOf(answer: unknown): number | undefined {
  if (typeof answer !== "object" || answer === null || !("showId" in answer)) return undefined;
  return typeof answer.showId === "number" ? answer.showId : undefined;
}

// The session and the role are read on every call, before the input is.
async function admit({ ctx, path }: Step): Promise<User> {
  const user = await ctx.authenticate(ctx.deps, ctx.caller, ctx.authorization);
  const allowedRoles = rolesFor(path);
  if (!allowedRoles.includes(user.role)) {
    throw new DomainError({ code: "FORBIDDEN", details: { requiredRoles: [...allowedRoles] } });
  }
  if (!ctx.deps.settings.background && movesMoney(path)) throw new DomainError({ code: "BACKGROUND_OFF" });
  return user;
}

// The input is looked at once the caller is known.
async function takeInput({ getRawInput }: { getRawInput: () => Promise<unknown> }): Promise<void> {
  const input = await getRawInput();
  if (input instanceof RefusedInput) throw input.error;
}

// Comes before everything that costs something, such as the session, so that a storm of calls that hash does not reach the database.
const standInLine = trpc.middleware(
  async (call) =>
    await attend(
      call,
      async () =>
        await call.ctx.deps.hashQueue.run((permit) =>
          call.next({ ctx: { deps: { ...call.ctx.deps, ...permit } } }),
        ),
    ),
);

const hashing = trpc.procedure.use(standInLine);

/** Whether a procedure is one of those that pass the hash queue. */
export function standsInLine(procedure: AnyTRPCProcedure): boolean {
  const { middlewares } = procedure._def as unknown as { middlewares: unknown[] };
  return standInLine._middlewares.some((middleware) => middlewares.includes(middleware));
}

/** For everyone with an API key. */
export const publicProcedure = trpc.procedure.use(
  async (call) =>
    await attend(call, async () => {
      await takeInput(call);
      return await call.next();
    }),
);

/** As `publicProcedure`; a token that is sent has to be good, and then the caller is known. */
export const viewerProcedure = trpc.procedure.use(
  async (call) =>
    await attend(call, async () => {
      const viewer = await identifyViewer(call.ctx);
      await takeInput(call);
      return await call.next({ ctx: { viewer } });
    }),
);

/** For the roles that `procedureRoles` lists for it; others are refused with `FORBIDDEN`, and without a session with `MISSING_TOKEN`. */
export const userProcedure = trpc.procedure.use(
  async (call) =>
    await attend(call, async () => {
      const user = await admit(call);
      await takeInput(call);
      return await call.next({ ctx: { user } });
    }),
);

/** As `publicProcedure`, for verbs that hash: they wait in the bounded line, past which a call is refused with `RATE_LIMITED`. */
export const publicHashingProcedure = hashing.use(async (call) => {
  await takeInput(call);
  return await call.next();
});

/** As `userProcedure`, for verbs that hash. */
export const userHashingProcedure = hashing.use(async (call) => {
  const user = await admit(call);
  await takeInput(call);
  return await call.next({ ctx: { user } });
});
