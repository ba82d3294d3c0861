import { TRPCClientError, type TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { callOf, noteFailure } from "./call.ts";
import type { AppRouter } from "./router.ts";
import { abortErrorOf, startTimeout } from "./timeout.ts";

/**
 * Makes one attempt of a call: it ends at once when its caller aborts or its time is over, also in a batch, whose request goes on for the others and
 * is given up with its last call.
 */
export function attemptLink(): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type === "subscription") return next(op);
      return observable((observer) => {
        const call = callOf(op);
        const { signal, timeoutMs } = call;
        const request = new AbortController();
        const abort = () => signal && giveUp(abortErrorOf(signal));
        const fail = (error: TRPCClientError<AppRouter>) => {
          stop();
          noteFailure(call, error);
          observer.error(error);
        };
        call.isSent = false;
        const stopTimer = startTimeout(timeoutMs, giveUp);
        signal?.addEventListener("abort", abort);
        if (signal?.aborted) {
          abort();
          return;
        }
        call.attempts += 1;
        const calling = next({ ...op, signal: request.signal }).subscribe({
          next: (value) => observer.next(value),
          complete() {
            stop();
            observer.complete();
          },
          error: fail,
        });
        return () => {
          stop();
          calling.unsubscribe();
        };

        function giveUp(reason: Error): void {
          fail(TRPCClientError.from(reason));
          request.abort(reason);
        }

        function stop(): void {
          stopTimer();
          signal?.removeEventListener("abort", abort);
        }
      });
    };
}
