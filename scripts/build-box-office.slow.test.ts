import { execFile } from "node:child_process";
import { access, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { boxOfficePage, isStale } from "./box-office.ts";

async function build(): Promise<string> {
  const script = join(import.meta.dirname, "build-box-office.ts");
  return (await promisify(execFile)(process.execPath, [script])).stdout.trim();
}

test("of two builds at once one waits for the other, and the page is whole", async () => {
  const index = join(boxOfficePage, "index.html");
  // Older than its sources, if there is one.
  await utimes(index, 0, 0).catch(() => undefined);
  const said = await Promise.all([build(), build()]);
  // A server that starts beside the test may be the one that builds.
  expect(said).toContain("The box office was built meanwhile.");
  expect(await isStale()).toBe(false);
  const assets = (await readFile(index, "utf8")).match(/(?<=")\/assets\/[^"]+/g) ?? [];
  expect(assets.length).toBeGreaterThan(1);
  for (const asset of assets) await access(join(boxOfficePage, asset));
});
