import type { Clock, Logger } from "./ports.ts";

export interface Loop {
  /** Stops the loop and waits for the round that is under way. */
  close(): Promise<void>;
}

/** Runs a task, then again that long after each end; a failed round is logged and the next one comes. */
export function startLoop(
  parts: { clock: Clock; logger: Logger },
  task: { name: string; everyMs: number; run: () => Promise<unknown> },
): Loop {
  const stop = new AbortController();
  let round = runOnce();

  async function runOnce(): Promise<void> {
    try {
      await task.run();
    } catch (error) {
      parts.logger.error(
        { task: task.name, err: error },
        "A background task failed; it runs again at its next turn.",
      );
    }
    const runNext = () => {
      round = runOnce();
    };
    parts.clock.wakeAfter(task.everyMs, runNext, stop.signal);
  }

  return {
    async close() {
      stop.abort();
      await round;
    },
  };
}
