import { execFile } from "node:child_process";
import { cp, mkdtempDisposable, readdir, rename } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

test("npm run db:analyze writes both files and says so", async () => {
  await using checkout = await copyCheckout();
  const { code, output } = await runAnalyze(checkout.path);
  expect(code).toBe(0);
  expect(output).toMatch(/^Wrote migration_analysis\/mega_up_migration\.sql: \d+ migrations, \d+ lines\.$/m);
  expect(output).toMatch(
    /^Wrote migration_analysis\/mega_down_migration\.sql: \d+ migrations, \d+ lines\.$/m,
  );
  expect(await readdir(join(checkout.path, "migration_analysis"))).toHaveLength(2);
});

test("a misnumbered file is warned of with a non-zero exit", async () => {
  await using checkout = await copyCheckout();
  const migrations = join(checkout.path, "db", "migrations");
  await rename(
    join(migrations, "0001_skyfox_baseline.down.sql"),
    join(migrations, "0901_skyfox_baseline.down.sql"),
  );
  const { code, output } = await runAnalyze(checkout.path);
  expect(code).toBe(1);
  expect(output).toContain("Warning: 0001_skyfox_baseline.down.sql is missing.");
  expect(output).toContain("Warning: 0901_skyfox_baseline.up.sql is missing.");
});

/** What the analyser needs of a checkout, so that its own output folder is not touched. */
async function copyCheckout() {
  const folder = await mkdtempDisposable(join(tmpdir(), "skyfox-checkout-"));
  for (const part of ["package.json", "db/package.json", "db/migrations", "db/src", "scripts/analyze.ts"]) {
    await cp(join(root, part), join(folder.path, part), { recursive: true });
  }
  return folder;
}

function runAnalyze(checkout: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["scripts/analyze.ts"], { cwd: checkout }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr });
    });
  });
}
