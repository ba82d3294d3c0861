import { parseArgs } from "node:util";
import { listMigrations, migrateDown, migrateToLatest } from "../db/src/migrate.ts";
import { describeFailure, withDatabase } from "./database.ts";

const usage = `npm run db:migrate                                             apply every pending migration
npm run db:migrate -- status                                   list what is applied and what is pending
npm run db:migrate -- down [--steps <number>|all] [--discard]  roll back, one migration by default`;

type Command =
  | { action: "up" }
  | { action: "status" }
  | { action: "down"; steps: number | "all"; discard: boolean };

const command = findCommand(process.argv.slice(2));
if (command === undefined) {
  console.error(`That is not a way to migrate. These are:\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    await withDatabase((url, cinemaTimeZone) => run(command, url, cinemaTimeZone));
  } catch (error) {
    console.error(describeFailure(error));
    process.exitCode = 1;
  }
}

function findCommand(args: string[]): Command | undefined {
  try {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: { steps: { type: "string" }, discard: { type: "boolean" } },
    });
    const [action = "up", ...rest] = positionals;
    if (rest.length > 0) return undefined;
    if (action === "down") return findDown(values.steps ?? "1", values.discard ?? false);
    if (values.steps !== undefined || values.discard !== undefined) return undefined;
    return action === "up" || action === "status" ? { action } : undefined;
  } catch {
    return undefined;
  }
}

function findDown(steps: string, discard: boolean): Command | undefined {
  if (steps === "all") return { action: "down", steps, discard };
  return /^[1-9]\d{0,3}$/.test(steps) ? { action: "down", steps: Number(steps), discard } : undefined;
}

async function run(chosen: Command, url: string, cinemaTimeZone: string): Promise<void> {
  switch (chosen.action) {
    case "up":
      return up(url, cinemaTimeZone);
    case "status":
      return status(url);
    case "down":
      return down(url, cinemaTimeZone, chosen);
  }
}

async function up(url: string, cinemaTimeZone: string): Promise<void> {
  const { adopted, applied } = await migrateToLatest(url, { cinemaTimeZone, say: console.log });
  if (adopted !== undefined) console.log(`Adopted an existing SkyFox database as ${adopted}.`);
  for (const name of applied) console.log(`Applied ${name}.`);
  console.log("The database is up to date.");
}

async function status(url: string): Promise<void> {
  const { applied, pending, unknown } = await listMigrations(url);
  for (const name of applied) console.log(`${unknown.includes(name) ? "unknown" : "applied"}  ${name}`);
  for (const name of pending) console.log(`pending  ${name}`);
  if (unknown.length > 0) console.log("The unknown ones come from a newer SkyFox.");
}

async function down(
  url: string,
  cinemaTimeZone: string,
  { steps, discard }: { steps: number | "all"; discard: boolean },
): Promise<void> {
  const { rolledBack, discarded } = await migrateDown(url, {
    cinemaTimeZone,
    steps,
    discard,
    say: console.log,
  });
  if (rolledBack.length === 0) console.log("There is nothing to roll back.");
  for (const name of rolledBack) console.log(`Rolled back ${name}.`);
  for (const { migration, what, count } of discarded)
    console.log(`Discarded with ${migration}: ${count} × ${what}.`);
}
