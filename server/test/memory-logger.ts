import { createLogger } from "../src/runtime/logger.ts";
import type { Logger } from "../src/runtime/ports.ts";

/** The real logger, written into memory: a test reads the lines that an operator would. */
export interface MemoryLogger extends Logger {
  readonly lines: Record<string, unknown>[];
}

export function createMemoryLogger(): MemoryLogger {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger("debug", {
    write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  return Object.assign(logger, { lines });
}
