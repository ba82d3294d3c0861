// A connection that is silent would keep all who share the answer waiting.
const askElsewhereAfterMs = 1_000;

/**
 * Asks, and asks once more where no answer has come after that long, a second by default, as on a connection that is silent: the first answer counts. A
 * database that is merely slow is asked twice, too. Throws what the first question threw where none is answered.
 */
export async function askInTime<Answer>(
  ask: () => Promise<Answer>,
  lateAfterMs = askElsewhereAfterMs,
): Promise<Answer> {
  const first = ask();
  if (!(await isLate(first, lateAfterMs))) return await first;
  return await Promise.any([first, ask()]).catch(() => first);
}

async function isLate(asked: Promise<unknown>, afterMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), afterMs);
  const end = () => {
    clearTimeout(timer);
    resolve(false);
  };
  asked.then(end, end);
  return await promise;
}
