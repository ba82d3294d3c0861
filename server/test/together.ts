/** Starts all of these at the same moment and waits for every one of them. */
export async function together<Result>(
  tasks: (() => Promise<Result>)[],
): Promise<PromiseSettledResult<Result>[]> {
  const barrier = Promise.withResolvers<void>();
  const running = tasks.map(async (task) => {
    await barrier.promise;
    return task();
  });
  barrier.resolve();
  return Promise.allSettled(running);
}

/** What became of a race: the results of those who got through, and the domain codes (or messages) of the others. */
export function outcomesOf<Result>(settled: PromiseSettledResult<Result>[]): {
  won: Result[];
  lost: unknown[];
} {
  const won: Result[] = [];
  const lost: unknown[] = [];
  for (const result of settled) {
    if (result.status === "fulfilled") won.push(result.value);
    else lost.push(codeOf(result.reason));
  }
  return { won, lost };
}

/** The domain code of an error, or the error itself when the domain did not say it. */
export function codeOf(error: unknown): unknown {
  if (error instanceof Error && "problem" in error) return (error.problem as { code: string }).code;
  return error;
}

/** The domain code that a call is refused with, or "accepted". */
export async function refusalOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(() => "accepted", codeOf);
}
