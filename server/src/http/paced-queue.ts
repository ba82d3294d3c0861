/** Waits for a place among those that go on next; callers go on in the order in which they came. */
export type PacedQueue = () => Promise<void>;

/** A queue that lets callers go on in rounds: `perRound` says how many of those that wait, `nextRound` calls back when the next is due. */
export function createPacedQueue({
  perRound,
  nextRound,
}: {
  perRound: (waiting: number) => number;
  nextRound: (begin: () => void) => unknown;
}): PacedQueue {
  let waiting: (() => void)[] = [];

  function begin(): void {
    const count = perRound(waiting.length);
    const released = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const release of released) release();
    if (waiting.length > 0) nextRound(begin);
  }

  return async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (waiting.push(resolve) === 1) nextRound(begin);
    await promise;
  };
}
