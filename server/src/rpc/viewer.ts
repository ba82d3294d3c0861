import type { Viewer } from "../deps.ts";
import type { Context } from "./context.ts";

/**
 * The caller, who need not be signed in. A token that is sent has to be good: throws `INVALID_TOKEN` or `SESSION_ENDED`, so that a customer whose
 * session is over is not shown less without a word.
 */
export async function identifyViewer({
  authenticate,
  authorization,
  caller,
  deps,
}: Context): Promise<Viewer> {
  if (authorization === undefined) return { role: "visitor", ...caller };
  return await authenticate(deps, caller, authorization);
}
