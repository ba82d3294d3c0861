import { join, relative, resolve } from "node:path";
import { startDevelopmentPostgres } from "@skyfox/db/embedded";
import { readDatabaseConfig } from "../server/src/config.ts";

/** Where development keeps all its state: .skyfox, or what SKYFOX_STATE_DIRECTORY names. Deleting it starts afresh. */
export const stateDirectory = resolve(
  process.env.SKYFOX_STATE_DIRECTORY || join(import.meta.dirname, "..", ".skyfox"),
);

/** Where the embedded Postgres of development keeps its data. */
export function postgresDirectoryIn(directory: string): string {
  return join(directory, "postgres");
}

/**
 * Works on the database of DATABASE_URL; in development without one, on the embedded Postgres that `npm start` uses too. Throws a `ConfigError`
 * before anything else when a server would refuse these settings.
 */
export async function withDatabase(
  use: (url: string, cinemaTimeZone: string) => Promise<void>,
): Promise<void> {
  const { databaseUrl, cinemaTimeZone } = readDatabaseConfig(process.env);
  if (databaseUrl !== undefined) return use(databaseUrl, cinemaTimeZone);
  const postgresDirectory = postgresDirectoryIn(stateDirectory);
  const place = relative(process.cwd(), postgresDirectory);
  console.log(`DATABASE_URL is not set: using the development database in ${place}.`);
  const postgres = await startDevelopmentPostgres({ directory: postgresDirectory });
  try {
    await use(postgres.url, cinemaTimeZone);
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
