/** Where callers wait for their turn: call it and await. They go on in the order in which they came. */
export type Turnstile = () => Promise<void>;

/** `perTurn` says how many of those that wait go on together; `nextTurn` calls back when it is time for the next ones. */
export function createTurnstile({
  perTurn,
  nextTurn,
}: {
  perTurn: (waiting: number) => number;
  nextTurn: (open: () => void) => unknown;
}): Turnstile {
  let waiting: (() => void)[] = [];

  function open(): void {
    const count = perTurn(waiting.length);
    const passing = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const pass of passing) pass();
    if (waiting.length > 0) nextTurn(open);
  }

  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (waiting.push(resolve) === 1) nextTurn(open);
    await promise;
  };
}
