import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { expect, test } from "vitest";
import { createMemoryLogger } from "../../test/memory-logger.ts";
import { createPasswordHasher } from "../auth/passwords.ts";
import { lowerPoolPriority } from "./thread-priority.ts";

test.runIf(process.platform === "linux")(
  "calls come before hashes: the threads of the pool have a lower priority than the event loop",
  async () => {
    await createPasswordHasher().hash("Seven-Seas-7");
    const before = getPriority();
    lowerPoolPriority(createMemoryLogger());
    const pool = readdirSync("/proc/self/task").filter((thread) =>
      readFileSync(`/proc/self/task/${thread}/comm`, "utf8").startsWith("libuv-worker"),
    );
    expect(pool).toHaveLength(4);
    expect(pool.map((thread) => getPriority(Number(thread)))).toEqual([10, 10, 10, 10]);
    expect(getPriority()).toBe(before);
  },
);
