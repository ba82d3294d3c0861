import { TRPCError } from "@trpc/server";
import type { Context } from "hono";
import type { HttpBindings } from "@hono/node-server";
import type { AppEnv } from "./caller.ts";

/** How long a body may take. */
export interface Pace {
  withinMs: number;
  /** In each `checkEveryMs`, once the body has begun; the network's bytes, so that a body that trickles is noticed before its time is over. */
  leastBytesPerSecond: number;
}

const checkEveryMs = 5_000;

/** The body of a request as text, once it is there as a whole. Throws a 408 for one that comes too slowly. */
export async function receiveBody(context: Context<AppEnv>, pace: Pace): Promise<string> {
  const watch = watchPace(context, pace);
  try {
    return await Promise.race([context.req.raw.text(), watch.tooSlow]);
  } finally {
    watch.stop();
  }
}

function watchPace({ env }: Context<AppEnv>, { withinMs, leastBytesPerSecond }: Pace) {
  const { promise: tooSlow, reject } = Promise.withResolvers<never>();
  tooSlow.catch(() => {});
  const refuse = () => reject(new TRPCError({ code: "TIMEOUT" }));
  const end = setTimeout(refuse, withinMs);
  // Undefined for a request that came without a connection.
  const socket = (env as Partial<HttpBindings> | undefined)?.incoming?.socket;
  let read = socket?.bytesRead ?? 0;
  const check = setInterval(() => {
    if (socket === undefined) return;
    const isTooSlow = socket.bytesRead - read < (leastBytesPerSecond * checkEveryMs) / 1_000;
    read = socket.bytesRead;
    if (isTooSlow) refuse();
  }, checkEveryMs);
  return {
    tooSlow,
    stop() {
      clearTimeout(end);
      clearInterval(check);
    },
  };
}
