/** What the client needs of `fetch`: the global one, or one of your own that heeds `init.signal`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** A fetch that gives every request that many milliseconds, its answer's body included, beside the caller's own signal. */
export function withTimeout(fetch: Fetch | undefined, timeoutMs: number) {
  return async (url: { toString(): string }, init: object = {}): Promise<Response> => {
    const { signal, ...request }: RequestInit = init;
    const timeout = AbortSignal.timeout(timeoutMs);
    return await (fetch ?? globalThis.fetch)(url.toString(), {
      ...request,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  };
}
