/** What is to be stopped at the end, the last first. */
export type Stops = (() => unknown)[];

/** Says that something is missing on this machine, and how to install it. */
export class Missing extends Error {
  override readonly name = "Missing";
}

/** Resolves with what is awaited. Throws when it takes longer. */
export async function within<Result>(ms: number, what: string, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what}: not within ${ms / 1_000} s.`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a check from its first line to the exit code: 1 when it throws. Whatever it has started is stopped. */
export async function runChecks(check: (stops: Stops) => Promise<void>): Promise<void> {
  const stops: Stops = [];
  const stopAll = async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void stopAll().finally(() => process.exit(130)));
  try {
    await check(stops);
    console.log("All as it should be.");
  } catch (error) {
    console.error(error instanceof Missing ? error.message : error);
    process.exitCode = 1;
  } finally {
    await stopAll();
  }
}
