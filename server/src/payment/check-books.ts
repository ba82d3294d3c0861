import { booksApplicationName, listViolations, openDatabase } from "@skyfox/db";
import type { Books } from "./ports.ts";
import type { Logger, Metrics } from "../runtime/ports.ts";

// All of the books is read: minutes, in a cinema of many years.
const readWithinMs = 10 * 60_000;

/**
 * Reads the books on a connection of its own, whose statements may take longer than those of calls. A migration that needs a table of the
 * books ends the reading (57014) by the name of this connection; the next one comes an hour later.
 */
export function openBooks(
  databaseUrl: string,
  options: { onConnectionError?: (error: Error) => void } = {},
): Books & { close(): Promise<void> } {
  const db = openDatabase(databaseUrl, {
    ...options,
    maxConnections: 1,
    statementMs: readWithinMs,
    applicationName: booksApplicationName,
  });
  let reading: ReturnType<Books["listViolations"]> | undefined;
  return {
    listViolations() {
      reading ??= listViolations(db).finally(() => (reading = undefined));
      return reading;
    },
    close: () => db.destroy(),
  };
}

/**
 * Looks whether the books add up, and says so in the log and the metrics when they do not. Answers what is broken. When they cannot be
 * read, the metrics say that nobody knows.
 */
export async function checkBooks(parts: { books: Books; logger: Logger; metrics?: Metrics | undefined }) {
  const { books, logger, metrics } = parts;
  try {
    const violations = await books.listViolations();
    metrics?.setViolations(violations.length);
    if (violations.length > 0) {
      logger.error({ violations }, "The books do not add up: see admin.integrity and mend them by hand.");
    }
    return violations;
  } catch (error) {
    metrics?.setViolations(Number.NaN);
    throw error;
  }
}
