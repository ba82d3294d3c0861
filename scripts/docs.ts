import { readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, findGaps } from "./docs/descriptions.ts";
import { readContract } from "./docs/read-contract.ts";
import { writeReference } from "./docs/reference.ts";

// npm run docs writes what is made from the JSDoc of the contract; npm run check:docs fails when one of these is another one.
const root = join(import.meta.dirname, "..");
const checks = process.argv.includes("--check");

const texts = readContract();
const gaps = findGaps(texts);
const made = {
  "server/src/contract/descriptions.json": `${JSON.stringify(describe(texts), null, 2)}\n`,
  "sdk/REFERENCE.md": writeReference(texts),
};

const stale: string[] = [];
for (const [name, content] of Object.entries(made)) {
  const file = join(root, name);
  if (content === (await readFile(file, "utf8").catch(() => ""))) continue;
  if (checks) stale.push(`${relative(root, file)} is not what the contract says: run npm run docs`);
  else await writeFile(file, content);
}
const problems = [...gaps, ...stale];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
