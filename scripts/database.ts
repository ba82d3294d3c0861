import { join, relative, resolve } from "node:path";
import { startDevelopmentPostgres } from "@skyfox/db/embedded";

/** Where development keeps all its state: .skyfox, or what SKYFOX_STATE_DIRECTORY names. Deleting it starts afresh. */
export const stateDirectory = resolve(
  process.env.SKYFOX_STATE_DIRECTORY || join(import.meta.dirname, "..", ".skyfox"),
);

/** Where the embedded Postgres of development keeps its data. */
export function postgresDirectoryIn(directory: string): string {
  return join(directory, "postgres");
}

/** The database of DATABASE_URL; in development without one, the embedded Postgres that `npm start` uses too. */
export async function withDatabase(use: (url: string) => Promise<void>): Promise<void> {
  const url = process.env.DATABASE_URL;
  if (url) return use(url);
  if (process.env.APP_ENV === "production") {
    throw new Error(
      "DATABASE_URL is not set. Set it to the database to work on: postgres://user:password@host:5432/name.",
    );
  }
  const postgresDirectory = postgresDirectoryIn(stateDirectory);
  const place = relative(process.cwd(), postgresDirectory);
  console.log(`DATABASE_URL is not set: using the development database in ${place}.`);
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
  // Errors of the network name a system call, and unlike those of the file system no path.
  if ("syscall" in error && !("path" in error))
    return `The database cannot be reached (${error.message}). Check DATABASE_URL.`;
  return error.message;
}
