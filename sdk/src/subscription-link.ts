import type { TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import type { AppRouter } from "@skyfox/server/api";
import { followStream, type StreamAccess } from "./live-stream.ts";

/**
 * Runs subscriptions over server-sent events, read with `fetch`: an EventSource could send no headers. Ends with the caller's signal, as with
 * `unsubscribe`.
 */
export function subscriptionLink(access: StreamAccess): TRPCLink<AppRouter> {
  return () =>
    ({ op }) =>
      observable((observer) => {
        const { path, input, signal } = op;
        const close = followStream(
          access,
          { path, input },
          {
            connecting(error) {
              observer.next({ result: { type: "state", state: "connecting", error: error ?? null } });
            },
            connected() {
              observer.next({ result: { type: "started" } });
              observer.next({ result: { type: "state", state: "pending", error: null } });
            },
            silent() {},
            event(data, id) {
              observer.next({ result: id === undefined ? { data } : { id, data: { id, data } } });
            },
            ended: stop,
            refused(error) {
              signal?.removeEventListener("abort", stop);
              observer.error(error);
            },
          },
        );
        signal?.addEventListener("abort", stop);
        if (signal?.aborted) stop();
        return stop;

        function stop(): void {
          signal?.removeEventListener("abort", stop);
          close();
          observer.next({ result: { type: "stopped" } });
          observer.next({ result: { type: "state", state: "idle", error: null } });
          observer.complete();
        }
      });
}
