import { randomBytes } from "node:crypto";

import { connectOnce } from "../src/connect.ts";

/** The URL of another database of the same cluster. */
export function siblingUrl(url: string, database: string): string {
  const sibling = new URL(url);
  sibling.pathname = `/${database}`;
  return sibling.href;
}

/** The same database by way of another port on loopback, such as a proxy's. */
export function throughPort(url: string, port: number): string {
  const through = new URL(url);
  through.hostname = "127.0.0.1";
  through.port = String(port);
  // The folder of a Unix socket comes before a host.
  through.searchParams.delete("host");
  return through.href;
}

/** The same database with these settings of Postgres' command line on each connection. */
export function withSettings(url: string, settings: string): string {
  const changed = new URL(url);
  changed.searchParams.set("options", settings);
  return changed.href;
}

/** Copies a template into a new database under a name of its own and gives its URL; `template0` makes an empty one. */
export async function cloneDatabase(url: string, template: string): Promise<string> {
  const name = `test_${randomBytes(8).toString("hex")}`;
  await createDatabase(url, name, template);
  return siblingUrl(url, name);
}

/** Makes a database with what `prepare` puts into it, closes it to connections and keeps it for cloning. */
export async function createTemplate(
  url: string,
  name: string,
  prepare: (url: string) => Promise<void>,
): Promise<void> {
  await createDatabase(url, name, "template0");
  await prepare(siblingUrl(url, name));
  await administer(url, `alter database "${name}" with is_template true allow_connections false`);
}

// Copying files takes a third of the time that writing the copy through the log takes.
async function createDatabase(url: string, name: string, template: string): Promise<void> {
  await administer(url, `create database "${name}" template "${template}" strategy file_copy`);
}

async function administer(url: string, statement: string): Promise<void> {
  const connection = await connectOnce(url);
  try {
    await connection.query(statement);
  } finally {
    await connection.end();
  }
}
