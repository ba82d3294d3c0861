import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import { heartbeatMs } from "../rpc/event-stream.ts";
import type { AppEnv } from "./caller.ts";

const stuckAfterMs = 4 * heartbeatMs;

/** Cuts a stream, which has a heartbeat, off from a caller who takes nothing at all, or has gone without a word: it would keep its place for ever. */
export function cutWhenStuck(context: Context<AppEnv>): void {
  const { incoming, outgoing } = (context.env ?? {}) as Partial<HttpBindings>;
  const socket = incoming?.socket;
  if (socket === undefined) return;
  const cut = () => socket.destroy();
  socket.setTimeout(stuckAfterMs, cut);
  // By then Node has set the time that an idle connection has.
  outgoing?.once("close", () => socket.off("timeout", cut));
}
