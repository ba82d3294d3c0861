import { readdirSync, readFileSync } from "node:fs";
import { setPriority } from "node:os";
import type { Logger } from "./ports.ts";

// setpriority(2): a tenth of the processor, while others want it too.
const background = 10;

/**
 * Lets the threads of Node's pool, where secrets are hashed and pictures made, run only as far as calls leave them the processor: four
 * hashes at once would have two cores for themselves. Linux only, where a thread has a priority of its own; elsewhere nothing happens.
 */
export function lowerPoolPriority(logger: Logger): void {
  const tasks = "/proc/self/task";
  try {
    for (const thread of readdirSync(tasks)) {
      // The name that libuv gives them.
      if (readFileSync(`${tasks}/${thread}/comm`, "utf8").trim() === "libuv-worker") {
        setPriority(Number(thread), background);
      }
    }
  } catch (error) {
    logger.debug({ reason: String(error) }, "The threads that hash have the priority of the others.");
  }
}
