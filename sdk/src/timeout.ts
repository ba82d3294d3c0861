/** What the client needs of `fetch`: the global one, or one of your own that heeds `init.signal`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Why a request had no readable answer; without a response none came at all. */
export interface Failure {
  response: Response | undefined;
}

const failures = new WeakMap<object, Failure>();

/** What is known of an error that a request ended with; undefined when the error is not the network's. */
export function failureOf(cause: unknown): Failure | undefined {
  return typeof cause === "object" && cause !== null ? failures.get(cause) : undefined;
}

/** A fetch that gives every request that many milliseconds, its answer's body included, beside the caller's own signal. */
export function withTimeout(fetch: Fetch | undefined, timeoutMs: number) {
  return async (url: { toString(): string }, init: object = {}): Promise<Response> => {
    const { signal, ...request }: RequestInit = init;
    const timeout = AbortSignal.timeout(timeoutMs);
    const response = await send(fetch ?? globalThis.fetch, url.toString(), {
      ...request,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    const read = response.json.bind(response);
    // tRPC forgets the response whose body it could not read.
    return Object.assign(response, { json: () => read().catch((cause: unknown) => fail(cause, response)) });
  };
}

async function send(fetch: Fetch, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    return fail(cause, undefined);
  }
}

function fail(cause: unknown, response: Response | undefined): never {
  const error = cause instanceof Error ? cause : new Error("The request failed.", { cause });
  failures.set(error, { response });
  throw error;
}
