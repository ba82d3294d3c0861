import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { build, type InlineConfig } from "tsdown";
import { appRouter } from "../server/src/app-router.ts";
import { hashContract } from "../server/src/rpc/contract-hash.ts";
import { checkSdk } from "./check-sdk.ts";
import { runTool } from "./run-tool.ts";

interface Manifest {
  [field: string]: unknown;
  version: string;
  exports: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
}

const root = join(import.meta.dirname, "..");
const sdk = join(root, "sdk");
const dist = join(sdk, "dist");
const packageFolder = join(dist, "package");
const {
  dependencies,
  exports: sources,
  ...manifest
} = JSON.parse(await readFile(join(sdk, "package.json"), "utf8")) as Manifest;
// "." is index, "./forms" is forms.
const entries = Object.keys(sources).map((entry) => (entry === "." ? "index" : entry.slice(2)));
const needed = [...Object.keys(dependencies), ...Object.keys(manifest.peerDependencies)];

try {
  await rm(dist, { recursive: true, force: true });
  await runTool("tsc", ["-p", "tsconfig.declarations.json"], sdk);
  await bundle();
  await writePackage();
  const tarball = await pack();
  console.log(`Built ${relative(root, tarball)}.`);
  await checkSdk({ tarball, packageFolder, entries, dependencies: needed });
} catch (error) {
  console.error(`The SDK is not fit to publish.\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

// The JavaScript from the sources, the types from the declarations; a dependency in the bundle, or one undeclared, fails either.
async function bundle(): Promise<void> {
  const shared: InlineConfig = {
    config: false,
    cwd: sdk,
    outDir: packageFolder,
    clean: false,
    logLevel: "error",
    platform: "neutral",
    target: "es2022",
    fixedExtension: false,
    deps: { onlyBundle: [], onlyImport: needed },
  };
  const SKYFOX_SDK_BUILD = JSON.stringify({ version: manifest.version, contract: hashContract(appRouter) });
  await build({ ...shared, entry: filesOf("src/*.ts"), dts: false, define: { SKYFOX_SDK_BUILD } });
  await build({
    ...shared,
    entry: filesOf("dist/declarations/sdk/src/*.d.ts"),
    dts: { dtsInput: true, emitDtsOnly: true, tsconfig: join(sdk, "tsconfig.bundle.json") },
  });
}

function filesOf(pattern: string): Record<string, string> {
  return Object.fromEntries(entries.map((entry) => [entry, pattern.replace("*", entry)]));
}

// In the workspace @skyfox/sdk is its sources; what is packed is this folder, whose manifest names the bundles.
async function writePackage(): Promise<void> {
  await mkdir(packageFolder, { recursive: true });
  const published = {
    ...manifest,
    private: undefined,
    devDependencies: undefined,
    exports: {
      ...Object.fromEntries(
        Object.keys(sources).map((name, index) => [
          name,
          { types: `./${entries[index]}.d.ts`, default: `./${entries[index]}.js` },
        ]),
      ),
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(
      Object.entries(dependencies).map(([name, version]) => [name, `^${version}`]),
    ),
  };
  await writeFile(join(packageFolder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  for (const file of ["README.md", "REFERENCE.md", "CHANGELOG.md"])
    await copyFile(join(sdk, file), join(packageFolder, file));
  await copyFile(join(root, "LICENSE"), join(packageFolder, "LICENSE"));
}

async function pack(): Promise<string> {
  await runTool(
    "npm",
    ["pack", "--ignore-scripts", "--no-update-notifier", "--pack-destination", ".."],
    packageFolder,
  );
  return join(dist, `skyfox-sdk-${manifest.version}.tgz`);
}
