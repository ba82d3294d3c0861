import type { TRPCClientError, TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { callCallersCode } from "./callers-code.ts";
import { isSkyfoxError } from "./errors.ts";
import type { Timing } from "./retries.ts";
import type { AppRouter } from "./router.ts";

/** Where the token of a client comes from, and what is done once it is refused. */
export interface TokenOptions {
  token?: string | (() => string | null | Promise<string | null>) | undefined;
  refreshToken?: (() => Promise<string | null>) | undefined;
  onSessionEnd?: (() => void) | undefined;
}

/** The token of a client. */
export interface Tokens {
  /** The token that a request carries now; empty or null for none. */
  current(): Promise<string | null | undefined>;
  /** How often the token was refreshed. */
  readonly refreshes: number;
  /**
   * After a refusal of the token that was current after so many refreshes: whether there is another one by now. Calls that are refused side by side
   * share one refresh. Rejects when the refresh itself fails.
   */
  refresh(refreshes: number): Promise<boolean>;
}

export function keepToken({ token, refreshToken, onSessionEnd }: TokenOptions, timing: Timing): Tokens {
  const ask = async () => (typeof token === "function" ? await token() : token);
  // Counts for as long as the application gives the token that was refused.
  let replaced: { given: string | null | undefined; by: string } | undefined;
  let ended: { given: string | null | undefined } | undefined;
  let refreshes = 0;
  let running: Promise<boolean> | undefined;

  async function renew(): Promise<boolean> {
    const given = await ask();
    const by = refreshToken === undefined ? null : await refreshToken();
    if (by !== null) {
      replaced = { given, by };
      refreshes += 1;
      return true;
    }
    if (ended?.given !== given) {
      ended = { given };
      if (onSessionEnd !== undefined) callCallersCode(timing, onSessionEnd);
    }
    return false;
  }

  return {
    get refreshes() {
      return refreshes;
    },
    async current() {
      const given = await ask();
      return replaced !== undefined && replaced.given === given ? replaced.by : given;
    },
    async refresh(before) {
      if (before < refreshes) return true;
      running ??= renew().finally(() => (running = undefined));
      return await running;
    },
  };
}

/** Repeats a call whose token was refused, once, when there is a new token. The server refuses a token before it does anything. */
export function sessionLink(tokens: Tokens): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type === "subscription") return next(op);
      return observable((observer) => {
        const { refreshes } = tokens;
        let isOver = false;
        let calling = next(op).subscribe({
          next: (value) => observer.next(value),
          complete: () => observer.complete(),
          error(error) {
            if (isTokenRefused(error)) void callAgain(error);
            else observer.error(error);
          },
        });
        return () => {
          isOver = true;
          calling.unsubscribe();
        };

        async function callAgain(refusal: TRPCClientError<AppRouter>): Promise<void> {
          const isRefreshed = await tokens.refresh(refreshes).catch(() => false);
          if (isOver) return;
          if (isRefreshed) calling = next(op).subscribe(observer);
          else observer.error(refusal);
        }
      });
    };
}

/** Whether a call was refused for its token, which another one may pass. */
export function isTokenRefused(error: unknown): boolean {
  const code = isSkyfoxError(error) ? error.data.domain?.code : undefined;
  return code === "SESSION_ENDED" || code === "INVALID_TOKEN";
}
