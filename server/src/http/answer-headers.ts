import type { Context } from "hono";
import type { Clock } from "../runtime/ports.ts";
import type { AppEnv } from "./caller.ts";
import { contractHash } from "./client-contracts.ts";

/** The headers that answers have in common. */
export interface AnswerHeaders {
  /** What every answer says of the server: a client learns how far its clock is off, and whether it was built for another contract. */
  ofServer(): Record<string, string>;
  /**
   * An answer with its own headers and those of every answer. They stay the plain object that they are: to make `Headers` of them and to read
   * them back takes longer than a small call.
   */
  respond(
    context: Context<AppEnv>,
    body: string | Uint8Array<ArrayBuffer> | null,
    own: { status: number; headers: Record<string, string> },
  ): Response;
  /** Gives the answer of a request the headers of every answer, where `respond` has not done so. */
  complete(context: Context<AppEnv>): void;
}

export function createAnswerHeaders(clock: Pick<Clock, "now">): AnswerHeaders {
  // Made by `respond`.
  const complete = new WeakSet<Response>();
  const ofServer = () => ({
    "date-ms": String(clock.now().getTime()),
    "x-skyfox-contract": contractHash,
  });
  const ofEvery = (context: Context<AppEnv>) => ({
    "x-request-id": context.get("requestId"),
    "x-content-type-options": "nosniff",
    ...ofServer(),
  });
  return {
    ofServer,
    respond(context, body, { status, headers }) {
      const all = { ...ofEvery(context), "cache-control": "no-store", ...headers };
      const response = new Response(body, { status, headers: all });
      complete.add(response);
      return response;
    },
    complete(context) {
      if (complete.has(context.res)) return;
      const { headers } = context.res;
      for (const [name, value] of Object.entries(ofEvery(context))) headers.set(name, value);
      if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
    },
  };
}
