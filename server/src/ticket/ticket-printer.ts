import { setImmediate } from "node:timers/promises";
import type { TicketPrinter } from "./ports.ts";
import { createBoundedQueue } from "../runtime/bounded-queue.ts";

// A ticket is some hundredths of a second of the main thread.
const defaultBounds = { atOnce: 1, waiting: 100, retryAfterSeconds: 2 };

/** Prints one ticket at a time, and lets other work of the main thread run between two tickets. */
export function createTicketPrinter(bounds: typeof defaultBounds = defaultBounds): TicketPrinter {
  const queue = createBoundedQueue(bounds);
  return {
    async print(contents) {
      return await queue.run(async () => {
        await setImmediate();
        // Fonts, shaper and PDF writer take memory that a server without tickets to print does not need.
        const { drawTicket } = await import("./draw-ticket.ts");
        return await drawTicket(contents);
      });
    },
  };
}
