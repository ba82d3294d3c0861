import { setImmediate } from "node:timers/promises";

/** Lets everything happen that waits for neither a timer nor the network. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

/** Waits for what the test's own program is about to do; what never comes runs into the test's time limit. */
export async function eventually(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
  await settle();
}
