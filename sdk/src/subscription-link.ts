import type { TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { callCallersCode } from "./callers-code.ts";
import { followStream, type StreamAccess } from "./live-stream.ts";
import type { AppRouter } from "./router.ts";

/**
 * Runs subscriptions over server-sent events, read with `fetch`: an EventSource could send no headers. Ends with the caller's signal, as with
 * `unsubscribe`. An error that a callback throws reaches the page's own handlers, and the subscription goes on.
 */
export function subscriptionLink(access: StreamAccess): TRPCLink<AppRouter> {
  return () =>
    ({ op }) =>
      observable((observer) => {
        const { path, input, signal } = op;
        type Value = Parameters<typeof observer.next>[0];
        const next = (value: Value) => callCallersCode(access.timing, () => observer.next(value));
        const close = followStream(
          access,
          { path, input },
          {
            connecting(error) {
              next({ result: { type: "state", state: "connecting", error: error ?? null } });
            },
            connected() {
              next({ result: { type: "started" } });
              next({ result: { type: "state", state: "pending", error: null } });
            },
            silent() {},
            event(data, id) {
              next({ result: id === undefined ? { data } : { id, data: { id, data } } });
            },
            ended: stop,
            refused(error) {
              signal?.removeEventListener("abort", stop);
              callCallersCode(access.timing, () => observer.error(error));
            },
          },
        );
        signal?.addEventListener("abort", stop);
        if (signal?.aborted) stop();
        return stop;

        function stop(): void {
          signal?.removeEventListener("abort", stop);
          close();
          next({ result: { type: "stopped" } });
          next({ result: { type: "state", state: "idle", error: null } });
          callCallersCode(access.timing, () => observer.complete());
        }
      });
}
