import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../db/embedded/test-database.ts";
import { loadMigrations, migrationDirectory } from "../db/src/migration-files.ts";

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
    expect(output).toMatch(/^DATABASE_URL is not set\. Set it to/);
  });

  test("a database that does not answer is one sentence, without a stack", async () => {
    const { code, output } = await runMigrate([], { DATABASE_URL: "postgres://nobody@127.0.0.1:1/none" });
    expect(code).toBe(1);
    expect(output).toMatch(/^The database cannot be reached \([^\n]*\)\. Check DATABASE_URL\.\n$/);
  });

  test("an unknown zone is one sentence, without a stack", async () => {
    const { url } = await createEmptyDatabase();
    const { code, output } = await runMigrate([], { DATABASE_URL: url, CINEMA_TIME_ZONE: "Asia/Nowhere" });
    expect(code).toBe(1);
    expect(output).toMatch(/^"Asia\/Nowhere" is not a time zone [^\n]*\n$/);
  });
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
