import { join } from "node:path";
import { startDevelopmentPostgres } from "@skyfox/db/embedded";

/** Where development keeps all its state; deleting it starts afresh. */
export const stateDirectory = join(import.meta.dirname, "..", ".skyfox");

/** Where the embedded Postgres of development keeps its data. */
export const postgresDirectory = join(stateDirectory, "postgres");

/** The database of DATABASE_URL; in development without one, the embedded Postgres that `npm start` uses too. */
export async function withDatabase(use: (url: string) => Promise<void>): Promise<void> {
  const url = process.env.DATABASE_URL;
  if (url) return use(url);
  if (process.env.APP_ENV === "production") {
    throw new Error(
      "DATABASE_URL is not set. Set it to the database to work on: postgres://user:password@host:5432/name.",
    );
  }
  console.log("DATABASE_URL is not set: using the development database in .skyfox/postgres.");
  const postgres = await startDevelopmentPostgres({ directory: postgresDirectory });
  try {
    await use(postgres.url);
  } finally {
    await postgres.stop();
  }
}

/** What went wrong, as a sentence for the person at the terminal. */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError) return describeFailure(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  // Only errors of the network carry the name of a system call.
  if ("syscall" in error) return `The database cannot be reached (${error.message}). Check DATABASE_URL.`;
  return error.message;
}
