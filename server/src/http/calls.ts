import type { AnyTRPCProcedure } from "@trpc/server";
import { appRouter } from "../app-router.ts";
import { tokenOf } from "../auth/sessions.ts";
import { maxBatchSize } from "../contract/index.ts";
import type { SessionTokens } from "../auth/ports.ts";
import { standsInLine } from "../rpc/procedures.ts";
import { findRoute, isRestPath } from "../rest/find-route.ts";
import type { Arrival } from "./admission.ts";
import { callsThatWait, rpcEndpoint, urgentCalls } from "./call-costs.ts";
import type { RequestHead } from "./caller.ts";

/** The calls that a request asks for, by the paths of their procedures, whether or not there are such. */
export interface RequestedCalls {
  paths: readonly string[];
  isQuery: boolean;
}

/** What can be said of a request by its head alone. */
export interface CallsByHead {
  /** How it stands in the queue of calls. */
  arrivalOf(head: RequestHead, waitedMs: number): Arrival;
  /** Verifies the token of a call that may stand otherwise with a known one, where this server has not met it yet. */
  meet(head: RequestHead): Promise<void>;
}

/** Callers whose token this server knows may wait without a turn, and be urgent: strangers could do so in any number. */
export function createCallsByHead(tokens: SessionTokens): CallsByHead {
  return {
    arrivalOf(head, waitedMs) {
      const { requested, mayWait, mayBeUrgent, token } = describe(head);
      const weight = Math.min(requested.paths.length, maxBatchSize);
      if (isHashing(requested))
        return { lane: undefined, weight, isUrgent: false, owner: undefined, waitedMs };
      const owner = token && tokens.ownerOf(token);
      const isKnown = owner !== undefined;
      const lane = mayWait && isKnown ? "outside" : requested.isQuery ? "queries" : "mutations";
      return { lane, weight, isUrgent: mayBeUrgent && isKnown, owner, waitedMs };
    },

    async meet(head) {
      const { token } = describe(head);
      if (token === undefined || tokens.ownerOf(token) !== undefined) return;
      // The call itself reports what is wrong with it.
      await tokens.verify(token).catch(() => {});
    },
  };
}

function describe(head: RequestHead) {
  const requested = readCalls(head);
  const { paths, isQuery } = requested;
  const mayWait = paths.every((path) => callsThatWait.has(path));
  const mayBeUrgent = !isQuery && paths.every((path) => urgentCalls.has(path));
  const token = mayWait || mayBeUrgent ? tokenOf(head.header("authorization")) : undefined;
  return { requested, mayWait, mayBeUrgent, token };
}

/** Reads what a request asks for: the call of a route, or several calls where commas separate them, as tRPC reads it. */
export function readCalls({ path, method }: Pick<RequestHead, "path" | "method">): RequestedCalls {
  if (isRestPath(path)) {
    const asked = findRoute({ path, method })?.procedurePath ?? path;
    return { paths: [asked], isQuery: !isMutation(asked) };
  }
  const isQuery = method !== "POST";
  const single = singles.get(path);
  if (single !== undefined) return { paths: single, isQuery };
  const paths = decodePath(path.slice(rpcEndpoint.length)).split(",");
  // Without the slashes at both ends, which tRPC ignores.
  return { paths: paths.map(trimSlashes), isQuery };
}

/** Whether it is a call that hashes, which passes the hash queue. */
export function isHashing({ paths, isQuery }: RequestedCalls): boolean {
  return !isQuery && hashingPaths.has(paths[0] ?? "");
}

/** The procedure of that name. */
export function findProcedure(path: string): AnyTRPCProcedure | undefined {
  return procedures.get(path);
}

/** Whether there is such a mutation. */
export function isMutation(path: string): boolean {
  return procedures.get(path)?._def.type === "mutation";
}

// At run time the procedures are one flat record by path, whatever their published type says.
const procedures = new Map(
  Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>),
);
// What most requests ask for, by the path of the request.
const singles = new Map(procedures.keys().map((path) => [`${rpcEndpoint}/${path}`, [path]]));
const hashingPaths = new Set(
  procedures.entries().flatMap(([path, procedure]) => (standsInLine(procedure) ? [path] : [])),
);

// An encoded comma separates, too.
function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

// A regular expression would take quadratic time for slashes in the middle.
function trimSlashes(path: string): string {
  let [start, end] = [0, path.length];
  while (path[start] === "/") start += 1;
  while (end > start && path[end - 1] === "/") end -= 1;
  return path.slice(start, end);
}
