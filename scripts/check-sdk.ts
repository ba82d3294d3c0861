import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findSilent } from "./docs/find-silent.ts";
import { runTool } from "./run-tool.ts";
import { assertSmall } from "./sdk-size.ts";

export interface BuiltSdk {
  tarball: string;
  /** The folder that was packed. */
  packageFolder: string;
  /** Its entry points, "index" for the main one. */
  entries: string[];
  /** The packages that it may import. */
  dependencies: string[];
}

const root = join(import.meta.dirname, "..");
const modules = join(root, "node_modules");

// As a generator of clients finds it.
const readsApi = `import api from "@skyfox/sdk/openapi.json" with { type: "json" };
  if (api.openapi !== "3.1.0" || api.paths["/shows"] === undefined) throw new Error("openapi.json has no routes.");`;

/** Holds a built SDK to what its users rely on, and says what holds. Throws with the first thing that does not. */
export async function checkSdk(sdk: BuiltSdk): Promise<void> {
  await assertNothingOfTheServer(sdk);
  console.log("Its declarations mention nothing of the server.");
  await assertSmallDeclarations(sdk);
  await runTool("publint", ["run", sdk.tarball, "--strict"], root);
  await runTool("attw", [sdk.tarball, "--profile", "esm-only", "--no-definitely-typed", "--no-emoji"], root);
  console.log("publint and are-the-types-wrong find nothing.");
  console.log(`Bundled by esbuild, with gzip: ${await assertSmall(sdk.packageFolder)}.`);
  await compileConsumer(sdk);
  await runTool("tsc", ["-p", "tsconfig.packed.json"], join(root, "sdk", "examples", "box-office"));
  console.log("An editor shows a sentence for every procedure and every field.");
  console.log(
    "A project outside the repository compiles against it, as a bundler and as Node resolve it, and runs; so does the box office.",
  );
}

async function assertNothingOfTheServer({ packageFolder }: BuiltSdk): Promise<void> {
  const files = (await readdir(packageFolder)).filter((name) => name.endsWith(".d.ts"));
  for (const file of files) {
    const declarations = await readFile(join(packageFolder, file), "utf8");
    const found = /kysely|\bpg\b|hono|@skyfox\/(server|db)/i.exec(declarations);
    if (found === null) continue;
    throw new Error(
      `${file} mentions ${found[0]}: something of the server has reached the published types. ` +
        `Look at the imports of server/src/api.ts and server/src/contract.`,
    );
  }
}

// Every editor and every type check of a project that uses the SDK reads all of them.
const maxDeclarationBytes = 188_000;

async function assertSmallDeclarations({ packageFolder }: BuiltSdk): Promise<void> {
  const files = (await readdir(packageFolder)).filter((name) => name.endsWith(".d.ts"));
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(packageFolder, file))).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > maxDeclarationBytes)
    throw new Error(`The declarations have ${bytes} bytes, more than ${maxDeclarationBytes}.`);
  console.log(`Its declarations have ${bytes} bytes, at most ${maxDeclarationBytes}.`);
}

// Only the declared dependencies are there to be found, linked from here so that nothing is downloaded.
async function compileConsumer({ tarball, dependencies }: BuiltSdk): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "skyfox-sdk-consumer-"));
  try {
    await cp(join(root, "sdk", "test", "consumer"), folder, { recursive: true });
    const installed = join(folder, "node_modules", "@skyfox", "sdk");
    await mkdir(installed, { recursive: true });
    await runTool("tar", ["-xzf", tarball, "--strip-components=1"], installed);
    for (const name of dependencies) {
      const link = join(folder, "node_modules", name);
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(modules, name), link, "junction");
    }
    for (const config of ["tsconfig.json", "tsconfig.nodenext.json", "tsconfig.node16.json"])
      await runTool("tsc", ["-p", config], folder);
    await runTool("node", ["--input-type=module", "--eval", readsApi], folder);
    const silent = findSilent(folder);
    if (silent.length > 0) throw new Error(`An editor shows nothing for:\n${silent.join("\n")}`);
    for (const file of ["strict-policy.ts", "consumer.ts", "testing.ts"])
      await runTool("node", [file], folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
