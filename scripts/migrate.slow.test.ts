import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../db/embedded/test-database.ts";
import { loadMigrations, migrationDirectory } from "../db/src/migration-files.ts";
import { runScript } from "./test/run-script.ts";

const names = (await loadMigrations(migrationDirectory)).map((migration) => migration.name);

describe("npm run db:migrate", () => {
  test("migrates, tells the state, and goes back one step or all of them", async () => {
    const { url } = await createEmptyDatabase();
    const migrate = (...args: string[]) => runMigrate(args, { DATABASE_URL: url });
    const last = names.at(-1);

    expect(await migrate("status")).toMatchObject({
      code: 0,
      output: names.map((name) => `pending  ${name}\n`).join(""),
    });
    const applied = names.map((name) => `Applied ${name}.\n`).join("");
    expect(await migrate()).toEqual({ code: 0, output: `${applied}The database is up to date.\n` });
    expect((await migrate("down", "--discard")).output).toContain(`Rolled back ${last}.
`);
    expect((await migrate("status")).output).toContain(`pending  ${last}`);
    const refused = await migrate("down", "--steps", "all");
    expect(refused.code).toBe(1);
    expect(refused.output).toContain("--discard");
    const rolledBack = await migrate("down", "--steps", "all", "--discard");
    expect(rolledBack.output).toContain(`Rolled back ${names[0]}.\n`);
    expect(await migrate("down")).toEqual({ code: 0, output: "There is nothing to roll back.\n" });
  });

  test.each([
    [["sideways"]],
    [["down", "--steps", "0"]],
    [["down", "--steps", "x"]],
    [["up", "--discard"]],
    [["up", "now"]],
  ])("%j is answered with the ways there are", async (args) => {
    const { code, output } = await runMigrate(args, { DATABASE_URL: "postgres://unused" });
    expect(code).toBe(2);
    expect(output).toContain("npm run db:migrate -- status");
  });

  test("in production it says which setting is missing", async () => {
    const { code, output } = await runMigrate([], { APP_ENV: "production" });
    expect(code).toBe(1);
    expect(output).toBe(
      "The command cannot run with these settings:\n  - DATABASE_URL is not set; with APP_ENV=production it has to be.\n",
    );
  });

  test("a database that does not answer is one sentence, without a stack", async () => {
    const { code, output } = await runMigrate([], { DATABASE_URL: "postgres://skyfox@127.0.0.1:1/none" });
    expect(code).toBe(1);
    expect(output).toMatch(/^The database cannot be reached \([^\n]*\)\. Check DATABASE_URL\.\n$/);
  });
});

test.each([
  ["migrate.ts", []],
  ["migrate.ts", ["status"]],
  ["create-admin.ts", ["--reset", "--username", "asha"]],
  ["database-identity.ts", ["live"]],
  ["resume-payments.ts", []],
  ["compare-payments.ts", ["settlement.csv"]],
])("%s %j refuses a zone that the server refuses, before it asks the database", async (name, args) => {
  const settings = {
    DATABASE_URL: "postgres://skyfox@127.0.0.1:1/none",
    ADMIN_PASSWORD: "Ninety-Nine-Owls!",
  };
  for (const zone of ["CET", "Asia/Nowhere"]) {
    const script = runScript(name, { ...settings, CINEMA_TIME_ZONE: zone }, { args });
    expect(await script.ended).not.toBe(0);
    expect(script.output()).toBe(
      "The command cannot run with these settings:\n  - CINEMA_TIME_ZONE is an IANA time zone such as Asia/Kolkata.\n",
    );
  }
});

function runMigrate(
  args: string[],
  settings: Record<string, string>,
): Promise<{ code: number; output: string }> {
  const { PATH } = process.env;
  const environment = { ...(PATH === undefined ? {} : { PATH }), ...settings };
  return new Promise((resolve) => {
    const script = join(import.meta.dirname, "migrate.ts");
    execFile(process.execPath, [script, ...args], { env: environment }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr });
    });
  });
}
