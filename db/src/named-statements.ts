import { createHash } from "node:crypto";
import { sql } from "kysely";
import type pg from "pg";

// Postgres keeps each on each connection, some 10 to 50 kB. All statements of the code are fewer; what comes after them runs unnamed.
const mostNames = 400;

// Statements that are planned. The others, such as BEGIN, are cheaper in the simple protocol.
const planned = /^\s*(?:select|insert|update|delete|with)\b/i;

/**
 * Stands before the text of a statement that is planned for its values each time: a report, whose plan for any values would be a bad one
 * for most.
 */
export const plannedByValues = sql.raw("/* planned by its values */");

/** The names that statements of one pool are prepared under, each made of the statement's text. */
export interface StatementNames {
  /** Prepares under its name each statement with a plan that the connection sends, and sends what a change of the schema broke once more. */
  use(client: pg.PoolClient): void;
  /** Whether a change of the schema broke the names that the connection began with. */
  isOutdated(client: pg.PoolClient): boolean;
}

/** Names for the statements of a pool, 400 at most: with more texts than that, those that come last are prepared anew each time. */
export function createStatementNames(): StatementNames {
  const names = new Map<string, string>();
  const generations = new WeakMap<pg.PoolClient, number>();
  let generation = 0;

  // Sent without a name from then on: a pooler knows statements by their text, and would run the outdated one under every name.
  const outdated = new Set<string>();

  const nameOf = (text: string): string | undefined => {
    const known = names.get(text);
    if (known !== undefined || names.size >= mostNames || outdated.has(text) || !planned.test(text))
      return known;
    const name = `${createHash("sha256").update(text).digest("base64url").slice(0, 22)}-${generation}`;
    names.set(text, name);
    return name;
  };

  // On all connections, so that a transaction that begins again meets no other outdated statement.
  const renameAll = (name: string) => {
    if (!name.endsWith(`-${generation}`)) return;
    generation += 1;
    names.clear();
  };

  return {
    use(client) {
      generations.set(client, generation);
      const send = client.query.bind(client) as (statement: pg.QueryConfig) => Promise<pg.QueryResult>;
      const query = async (text: string, values: unknown[]): Promise<pg.QueryResult> => {
        const name = nameOf(text);
        if (name === undefined) return await send({ text, values });
        const isInTransaction = client.getTransactionStatus() !== "I";
        try {
          return await send({ name, text, values });
        } catch (error) {
          if (!isOutdatedPlan(error)) throw error;
          outdated.add(text);
          renameAll(name);
          // It was refused before it ran. A transaction has failed with it, and begins again.
          if (isInTransaction) throw error;
          return await send({ text, values });
        }
      };
      client.query = query as typeof client.query;
    },
    isOutdated: (client) => generations.get(client) !== generation,
  };
}

/** Whether Postgres refused a prepared statement, before it ran, because a change of the schema gave its rows other columns. */
export function isOutdatedPlan(error: unknown): boolean {
  // The code alone is that of everything that Postgres cannot do.
  return (
    error instanceof Error &&
    "code" in error &&
    error.code === "0A000" &&
    "routine" in error &&
    error.routine === "RevalidateCachedQuery"
  );
}
