import { afterAll, onTestFinished, TestRunner } from "vitest";

/**
 * Runs `end` when the running test is over, or the file's last test where none runs. Not for `beforeAll`: vitest drops what is registered there,
 * as it drops an `afterAll` that a test calls.
 */
export function whenOver(end: () => unknown): void {
  const run = async () => void (await end());
  if (TestRunner.getCurrentTest() === undefined) afterAll(run);
  else onTestFinished(run);
}
