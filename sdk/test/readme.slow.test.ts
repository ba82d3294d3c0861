import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { startServer } from "../../scripts/test/running-server.ts";
import { makeStateDirectory } from "../../scripts/test/state-directory.ts";
import { writeExamples } from "./examples.ts";

const root = join(import.meta.dirname, "..", "..");
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
const execute = promisify(execFile);

const { folder, remove } = await writeExamples();
afterAll(remove);

// The compiler reads the sources of the whole contract.
test("every TypeScript example compiles as it stands", { timeout: 120_000 }, async () => {
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      noEmit: true,
      module: "esnext",
      moduleResolution: "bundler",
      jsx: "react-jsx",
      lib: ["esnext", "dom", "dom.iterable"],
    },
    include: ["**/*.ts", "**/*.tsx"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  await expect(execute(process.execPath, [compiler, "-p", folder])).resolves.toMatchObject({ stdout: "" });
});

test("the Python example buys two seats of a cinema that was just started", { timeout: 60_000 }, async () => {
  const state = await makeStateDirectory();
  const server = await startServer({ SKYFOX_STATE_DIRECTORY: state.path });
  try {
    const example = await readFile(join(folder, "buy.py"), "utf8");
    await writeFile(join(folder, "buy.py"), example.replace("http://localhost:8080", server.url));
    const { stdout } = await execute("python3", [join(folder, "buy.py")]);
    expect(stdout).toMatch(/^.+ \['[A-Z]\d+', '[A-Z]\d+'\] \d+\.00\nConfirmed\n$/);
  } finally {
    server.signal("SIGTERM");
    await server.ended;
  }
});
