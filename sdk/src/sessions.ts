import type { TRPCClientError, TRPCLink } from "@trpc/client";
import { observable } from "@trpc/server/observable";
import { callOf } from "./call.ts";
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

/** What a request carries; empty, null or undefined for none. */
export type Token = string | null | undefined;

/** The token of a client. */
export interface Tokens {
  /** The token that a request carries now. */
  current(): Promise<Token>;
  /**
   * After a refusal of this token: whether there is another one by now. Only the current token is refreshed, and its session ended where that fails;
   * the late refusal of an older one does neither. Calls that are refused side by side share one refresh. Rejects when the refresh itself fails.
   */
  refresh(refused: Token): Promise<boolean>;
}

export function keepToken({ token, refreshToken, onSessionEnd }: TokenOptions, timing: Timing): Tokens {
  const ask = async () => (typeof token === "function" ? await token() : token);
  // Counts for as long as the application gives the token that was refused.
  let replaced: { given: Token; by: string } | undefined;
  let ended: { given: Token } | undefined;
  const running = new Map<Token, Promise<boolean>>();

  async function current(): Promise<Token> {
    const given = await ask();
    return replaced !== undefined && replaced.given === given ? replaced.by : given;
  }

  async function renew(refused: Token): Promise<boolean> {
    const given = await ask();
    const by = refreshToken === undefined ? null : await refreshToken();
    if (by !== null) {
      replaced = { given, by };
      return true;
    }
    // A login while the refresh was asked for has begun another session.
    const now = await current();
    if (now && now !== refused) return true;
    if (ended?.given !== given) {
      ended = { given };
      if (onSessionEnd !== undefined) callCallersCode(timing, onSessionEnd);
    }
    return false;
  }

  return {
    current,
    async refresh(refused) {
      const now = await current();
      if (now !== refused) return Boolean(now);
      const renewing = running.get(refused) ?? renew(refused).finally(() => running.delete(refused));
      running.set(refused, renewing);
      return await renewing;
    },
  };
}

/** Repeats a call whose token was refused, once, when there is a new token. The server refuses a token before it does anything. */
export function sessionLink(tokens: Tokens): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      if (op.type === "subscription") return next(op);
      return observable((observer) => {
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
          const isRefreshed = await tokens.refresh(callOf(op).token).catch(() => false);
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
