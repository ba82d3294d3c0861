import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");

test("the example in the README compiles as it stands, and has at most a dozen lines", async () => {
  const readme = await readFile(join(root, "README.md"), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  expect(example).toContain("createSkyfoxClient");
  expect(example.trim().split("\n").length).toBeLessThanOrEqual(14);

  // Below the SDK, so that its imports resolve as a reader's would.
  const folder = await mkdtemp(join(root, "sdk", "test", "readme-"));
  try {
    await writeFile(join(folder, "example.ts"), `${example}\nexport {};\n`);
    const config = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: { noEmit: true },
      include: ["example.ts"],
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
    const run = promisify(execFile)(process.execPath, [compiler, "-p", folder]);
    await expect(run).resolves.toMatchObject({ stdout: "" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
