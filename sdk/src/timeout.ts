/** What the client needs of `fetch`: the global one, or one of your own that heeds `init.signal`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Why a request had no readable answer; without a response none came at all. */
export interface Loss {
  response: Response | undefined;
}

const losses = new WeakMap<object, Loss>();

/** What is known of an error that a request ended with; undefined when the error is not the network's. */
export function lossOf(cause: unknown): Loss | undefined {
  return typeof cause === "object" && cause !== null ? losses.get(cause) : undefined;
}

/** A fetch whose errors `lossOf` knows, also those of reading an answer's body. */
export function rememberLosses(fetch: Fetch) {
  return async (url: { toString(): string }, init: object = {}): Promise<Response> => {
    const response = await send(fetch, url.toString(), init);
    const json = () => readJson(response).catch((cause: unknown) => lose(cause, response));
    // tRPC forgets the response whose body it could not read. Defined, not assigned: a server's own Response may allow no other value.
    return Object.defineProperty(response, "json", { value: json, configurable: true, writable: true });
  };
}

/**
 * The JSON of an answer. Not by `response.json()`: where `fetch` is another realm's, as in Jest and in edge runtimes, so are its objects, which
 * comparisons take for no plain ones.
 */
export async function readJson(response: Response): Promise<unknown> {
  return JSON.parse(await response.text()) as unknown;
}

async function send(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    return lose(cause, undefined);
  }
}

/** Throws the error that a request ended with, for `lossOf` to know. */
export function lose(cause: unknown, response: Response | undefined): never {
  const error = cause instanceof Error ? cause : ownError(cause);
  losses.set(error, { response });
  throw error;
}

// Of what was thrown that is no error, or another realm's.
function ownError(cause: unknown): Error {
  const { name = "Error", message = "The request failed." } = (cause ?? {}) as Partial<Error>;
  return Object.assign(new Error(message, { cause }), { name });
}

// Timers take no more; a longer one would fire at once.
const longestTimerMs = 2 ** 31 - 1;

/** Calls `giveUp` with a `TimeoutError` after so many milliseconds, unless what it returns is called before; never after more than a timer takes. */
export function startTimeout(timeoutMs: number, giveUp: (error: Error) => void): () => void {
  if (timeoutMs > longestTimerMs) return () => {};
  const timer = setTimeout(() => {
    giveUp(namedError("TimeoutError", `There was no answer within ${timeoutMs} ms.`));
  }, timeoutMs);
  return () => clearTimeout(timer);
}

/** An error with that name; not every runtime has `DOMException`. */
export function namedError(name: "AbortError" | "TimeoutError", message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { name });
}

/** The error of a call whose caller's signal has aborted. */
export function abortErrorOf({ reason }: AbortSignal): Error {
  const isNamed = reason instanceof Error && (reason.name === "AbortError" || reason.name === "TimeoutError");
  return isNamed ? reason : namedError("AbortError", "The caller aborted the call.", reason);
}
