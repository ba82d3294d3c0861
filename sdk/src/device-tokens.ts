import type { Operation, TRPCLink } from "@trpc/client";
import { observable, type Unsubscribable } from "@trpc/server/observable";
import type { inferRouterInputs } from "@trpc/server";
import { foldName, maxDeviceToken } from "@skyfox/server/contract/plain";
import type { AppRouter } from "./router.ts";

/** A place that keeps a device's token for each username, which comes trimmed and in lower case. */
export interface DeviceTokens {
  /** The token that was kept, or null. */
  get(username: string): string | null | Promise<string | null>;
  /** Keeps the token of a login, of at most 500 characters, in place of an older one. */
  set(username: string, token: string): void | Promise<void>;
}

/** Keeps tokens in the browser's storage, and where there is none, or it is full or shut, in memory. */
export function keepDeviceTokens(): DeviceTokens {
  const inMemory = new Map<string, string>();
  return {
    get(username) {
      const kept = inMemory.get(username) ?? null;
      try {
        return kept ?? findStorage()?.getItem(itemOf(username)) ?? null;
      } catch {
        return kept;
      }
    },
    set(username, token) {
      try {
        const storage = findStorage();
        if (storage === undefined) throw new Error("There is no storage.");
        storage.setItem(itemOf(username), token);
        inMemory.delete(username);
      } catch {
        inMemory.set(username, token);
      }
    },
  };
}

/**
 * Sends with every `auth.login` the token that is kept for its username, unless the caller gave one, and keeps the one that is answered. A
 * place that fails is no reason for a login to fail.
 */
export function deviceTokenLink(tokens: DeviceTokens): TRPCLink<AppRouter> {
  return () =>
    ({ op, next }) => {
      const username = usernameOf(op);
      if (username === undefined) return next(op);
      return observable((observer) => {
        let calling: Unsubscribable | undefined;

        async function call(name: string): Promise<void> {
          const token = await find(tokens, name);
          let keeping = Promise.resolve();
          calling = next({ ...op, input: withToken(op.input as LogInInput, token) }).subscribe({
            next(value) {
              // The caller has the answer once the token is kept: the page may go away at once.
              keeping = keep(tokens, name, value.result).then(() => observer.next(value));
            },
            error: (error) => observer.error(error),
            complete: () => void keeping.then(() => observer.complete()),
          });
        }

        void call(username);
        // A call that is given up before it has begun is sent no more: its signal says so.
        return () => calling?.unsubscribe();
      });
    };
}

type LogInInput = inferRouterInputs<AppRouter>["auth"]["login"];

// What something else has put there would be refused, and with it the login.
function withToken(input: LogInInput, token: unknown): LogInInput {
  const isToken = typeof token === "string" && token.length <= maxDeviceToken && /^[\w.-]+$/.test(token);
  return isToken && input.deviceToken === undefined ? { ...input, deviceToken: token } : input;
}

function usernameOf({ path, input }: Operation): string | undefined {
  if (path !== "auth.login" || typeof input !== "object" || input === null) return undefined;
  const { username } = input as { username?: unknown };
  return typeof username === "string" ? foldName(username) : undefined;
}

async function find(tokens: DeviceTokens, username: string): Promise<string | null> {
  try {
    return await tokens.get(username);
  } catch {
    return null;
  }
}

async function keep(tokens: DeviceTokens, username: string, result: object): Promise<void> {
  const { data } = result as { data?: { deviceToken?: unknown } };
  try {
    if (typeof data?.deviceToken === "string") await tokens.set(username, data.deviceToken);
  } catch {
    // The next login is a stranger's.
  }
}

// A getter outside of a page is Node's, which warns that it has no file to keep things in.
function findStorage(): Storage | undefined {
  const found = Object.getOwnPropertyDescriptor(globalThis, "localStorage");
  const isThere = found !== undefined && ("document" in globalThis || found.get === undefined);
  return isThere ? globalThis.localStorage : undefined;
}

function itemOf(username: string): string {
  return `skyfox-device:${username}`;
}
