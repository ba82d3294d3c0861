import { booksApplicationName, endBackend, getBackend, listViolations, openDatabase } from "@skyfox/db";
import { DomainError } from "../errors/domain-error.ts";
import type { Deps } from "../deps.ts";
import type { Books } from "./ports.ts";
import type { Logger, Metrics } from "../runtime/ports.ts";

// All of the books is read: minutes, in a cinema of many years.
const readWithinMs = 10 * 60_000;

/**
 * Reads the books on a connection of its own, whose statements may take longer than those of calls. A migration that needs a table of the
 * books ends the reading (57014) by the name of this connection; the next one comes an hour later. `close` ends the reading in Postgres too:
 * it and any later one fail with `DATABASE_UNAVAILABLE`.
 */
export function openBooks(
  databaseUrl: string,
  options: { onConnectionError?: (error: Error) => void } = {},
): Books & { close(): Promise<void> } {
  let closing: Promise<void> | undefined;
  const db = openDatabase(databaseUrl, {
    onConnectionError: (error) => {
      // A reading that is ended loses its connection.
      if (closing === undefined) options.onConnectionError?.(error);
    },
    maxConnections: 1,
    statementMs: readWithinMs,
    applicationName: booksApplicationName,
    // They are read once an hour.
    preparesStatements: false,
  });
  let reading: ReturnType<Books["listViolations"]> | undefined;
  let backend: number | undefined;

  async function read() {
    if (closing !== undefined) throw stopping();
    try {
      return await db.transaction().execute(async (connection) => {
        backend = await getBackend(connection);
        if (closing !== undefined) throw stopping();
        return await listViolations(connection);
      });
    } catch (error) {
      throw closing === undefined ? error : stopping();
    } finally {
      backend = undefined;
    }
  }

  async function close() {
    // Postgres does not notice that a caller has gone until the statement ends.
    if (backend !== undefined)
      await endReading(databaseUrl, backend).catch((error: Error) => options.onConnectionError?.(error));
    await db.destroy();
  }

  return {
    listViolations() {
      reading ??= read().finally(() => (reading = undefined));
      return reading;
    },
    close: () => (closing ??= close()),
  };
}

const stopping = () => new DomainError({ code: "DATABASE_UNAVAILABLE", details: { retryAfterSeconds: 2 } });

async function endReading(databaseUrl: string, backend: number): Promise<void> {
  const db = openDatabase(databaseUrl, { maxConnections: 1 });
  try {
    await endBackend(db, backend);
  } finally {
    await db.destroy();
  }
}

/**
 * Looks whether the books add up, and says so in the log and the metrics when they do not. Answers what is broken. When they cannot be
 * read, the metrics are NaN.
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

/** Whatever of the books does not add up, as it is read now. */
export async function reportIntegrity({ books }: Pick<Deps, "books">) {
  return { violations: await books.listViolations() };
}
