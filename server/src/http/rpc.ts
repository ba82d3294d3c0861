import { TRPCError, type AnyTRPCProcedure } from "@trpc/server";
import { fetchRequestHandler } from "@trpc/server/adapters/fetch";
import type { Context } from "hono";
import { appRouter } from "../app-router.ts";
import { authenticate } from "../auth/sessions.ts";
import { maxBatchSize } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { KeysInFlight } from "../idempotency/keyed.ts";
import { standsInLine } from "../rpc/procedures.ts";
import { auditRefusal } from "./audit.ts";
import type { AppEnv } from "./caller.ts";
import { refuse } from "./refusals.ts";
import { createTurnstile } from "./turnstile.ts";

const endpoint = "/trpc";

// Callers who ask again as soon as they are refused get their refusals so slowly that the processor is left to those who have a place, but
// all of them within a second or so.
const refusalTurnMs = 10;
const refusalsPerTurn = 16;
const refusalShare = 0.01;

/** Serves the router; what is wrong with a request as a whole is refused before any of its calls is looked at. */
export function createRpcHandler(deps: Deps) {
  const keysInFlight: KeysInFlight = new Map();
  const refusing = createTurnstile({
    perTurn: (waiting) => Math.max(refusalsPerTurn, waiting * refusalShare),
    nextTurn: (open) => setTimeout(open, refusalTurnMs),
  });

  return async (context: Context<AppEnv>): Promise<Response> => {
    const refusal = findFault(context);
    if (refusal !== undefined) return refuse(context, refusal);
    const refused = isHashing(context) ? deps.hashLine.refusal() : undefined;
    if (refused !== undefined) {
      await refusing();
      return refuse(context, new TRPCError({ code: "TOO_MANY_REQUESTS", cause: refused }));
    }
    await receiveBody(context.req.raw);
    const requestId = context.get("requestId");
    const early: TRPCError[] = [];
    let isReplayed = false;
    const response = await fetchRequestHandler({
      endpoint,
      req: context.req.raw,
      router: appRouter,
      maxBatchSize,
      createContext: () => ({
        deps,
        caller: { address: context.get("address"), requestId },
        authorization: context.req.header("authorization"),
        idempotencyKey: context.req.header("idempotency-key"),
        keysInFlight,
        markReplayed: () => (isReplayed = true),
        authenticate,
      }),
      responseMeta({ errors }) {
        const waits = errors.map(({ cause }) => waitOf(cause)).filter((seconds) => seconds !== undefined);
        return {
          headers: {
            ...(waits.length > 0 && { "retry-after": String(Math.max(...waits)) }),
            ...(isReplayed && { "idempotent-replayed": "true" }),
          },
        };
      },
      onError({ error, ctx }) {
        if (ctx === undefined) early.push(error);
        if (error.code === "FORBIDDEN") auditRefusal(deps.logger, context, "role");
      },
    });
    // What tRPC refuses before there is a context would not know its request id.
    return early[0] === undefined ? response : refuse(context, early[0]);
  };
}

// Whoever sends a body slowly must not have a place in the line of those who hash meanwhile: a call begins when it is there as a whole.
async function receiveBody(request: Request): Promise<void> {
  if (request.method !== "POST") return;
  const body = request.text();
  // What went wrong on the way is for tRPC to say, when it reads the body.
  await body.catch(() => {});
  Object.defineProperty(request, "text", { value: () => body });
}

function findFault(context: Context<AppEnv>): TRPCError | undefined {
  if (
    context.req.method === "POST" &&
    !/^application\/json\s*(;|$)/i.test(context.req.header("content-type") ?? "")
  ) {
    return new TRPCError({ code: "UNSUPPORTED_MEDIA_TYPE" });
  }
  if (context.req.query("batch") !== "1") return undefined;
  const paths = splitPaths(context.req.path);
  if (paths === undefined || paths.length > maxBatchSize)
    return malformed(`A batch has at most ${maxBatchSize} calls.`);
  const hasMutation = paths.some((path) => procedureTypes.get(path) === "mutation");
  return hasMutation ? malformed("A mutation cannot be part of a batch.") : undefined;
}

// At run time the procedures are one flat record by path, whatever their published type says.
const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);
const procedureTypes = new Map(procedures.map(([path, procedure]) => [path, procedure._def.type] as const));
const hashingPaths = new Set(
  procedures.flatMap(([path, procedure]) => (standsInLine(procedure) ? [`${endpoint}/${path}`] : [])),
);

// A path that is written otherwise than clients do is seen by its procedure, which says the same at a higher cost.
function isHashing({ req }: Context): boolean {
  return req.method === "POST" && hashingPaths.has(req.path);
}

// Decoded like tRPC does, so that an encoded comma separates here too, and without the slashes at both ends that it ignores.
function splitPaths(path: string): string[] | undefined {
  try {
    const paths = decodeURIComponent(path.slice(endpoint.length)).split(",");
    return paths.map((one) => one.replace(/^\/+|\/+$/g, ""));
  } catch {
    return undefined;
  }
}

function waitOf(cause: unknown): number | undefined {
  if (!(cause instanceof DomainError) || cause.problem.code !== "RATE_LIMITED") return undefined;
  return cause.problem.details.retryAfterSeconds;
}

function malformed(message: string): TRPCError {
  const cause = new DomainError({ code: "VALIDATION_ERROR" }, [{ field: "", message }]);
  return new TRPCError({ code: "BAD_REQUEST", cause });
}
