import { setImmediate } from "node:timers/promises";
import type { TicketPrinter } from "../deps.ts";
import { createTurns } from "../turns.ts";
import { drawTicket } from "./draw-ticket.ts";

// A ticket is some hundredths of a second of the main thread.
const defaultQueue = { atOnce: 1, waiting: 100, retryAfterSeconds: 2 };

/** Prints one ticket at a time; between two of them whatever else waits for the thread has its turn. */
export function createTicketPrinter(queue: typeof defaultQueue = defaultQueue): TicketPrinter {
  const turns = createTurns(queue);
  return {
    async print(contents) {
      return await turns.take(async () => {
        await setImmediate();
        return await drawTicket(contents);
      });
    },
  };
}
