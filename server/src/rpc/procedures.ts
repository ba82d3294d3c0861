import type { Role } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";
import { findRefusal, isListed, toTransportError } from "./error-shape.ts";
import { trpc } from "./trpc.ts";

// Runs around everything else of a call, so that every failure is mapped, and logged once when it is ours.
const reportErrors = trpc.middleware(async ({ ctx, path, next }) => {
  const result = await next();
  if (result.ok) return result;
  const error = toTransportError(result.error);
  const { logger } = ctx.deps;
  const code = findRefusal(error)?.problem.code;
  if (code === undefined) {
    logger.error(
      { requestId: ctx.caller.requestId, path, err: error.cause ?? error },
      "A call failed unexpectedly.",
    );
  } else if (!isListed(path, code)) {
    logger.error(
      { requestId: ctx.caller.requestId, path, unlistedCode: code },
      "A procedure answered a code that it does not list.",
    );
  }
  throw error;
});

/** For everyone with an API key. */
export const publicProcedure = trpc.procedure.use(reportErrors);

/** For everyone who is signed in; the session and the role are read on every call, before the input is. */
export const signedInProcedure = publicProcedure.use(async ({ ctx, next }) => {
  const user = await ctx.authenticate(ctx.deps, ctx.caller, ctx.authorization);
  return await next({ ctx: { ...ctx, user } });
});

function procedureFor(requiredRoles: Role[]) {
  return signedInProcedure.use(async ({ ctx, next }) => {
    if (!requiredRoles.includes(ctx.user.role))
      throw new DomainError({ code: "FORBIDDEN", details: { requiredRoles } });
    return await next();
  });
}

/** For customers; staff and admins are refused with `FORBIDDEN`. */
export const customerProcedure = procedureFor(["customer"]);

/** For admins; customers and staff are refused with `FORBIDDEN`. */
export const adminProcedure = procedureFor(["admin"]);
