import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { appRouter } from "../server/src/app-router.ts";
import { describeApi } from "../server/src/openapi/document.ts";
import descriptions from "../server/src/contract/descriptions.json" with { type: "json" };
import {
  bundleDeclarations,
  bundleScripts,
  sdkEntries as entries,
  sdkFolder as sdk,
  sdkManifest,
  sdkNeeds,
  sdkPackageFolder as packageFolder,
} from "./bundle-sdk.ts";
import { checkSdk } from "./check-sdk.ts";
import { annotateDeclarations } from "./docs/annotate.ts";
import { runTool } from "./run-tool.ts";

const root = join(import.meta.dirname, "..");
const dist = join(sdk, "dist");
const { dependencies, exports: sources, ...manifest } = sdkManifest;

try {
  await rm(dist, { recursive: true, force: true });
  await runTool("tsc", ["-p", "tsconfig.declarations.json"], sdk);
  await annotateDeclarations(join(dist, "declarations", "server", "src"), descriptions);
  await bundleScripts();
  await bundleDeclarations();
  await writePackage();
  const tarball = await pack();
  console.log(`Built ${relative(root, tarball)}.`);
  await checkSdk({ tarball, packageFolder, entries, dependencies: sdkNeeds });
} catch (error) {
  console.error(`The SDK is not fit to publish.\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

// In the workspace @skyfox/sdk is its sources; what is packed is this folder, whose manifest names the bundles.
async function writePackage(): Promise<void> {
  await mkdir(packageFolder, { recursive: true });
  const published = {
    ...manifest,
    private: undefined,
    devDependencies: undefined,
    // What no-eval.ts does is now the beginning of forms.js, and stays there whenever one of its schemas is used.
    sideEffects: false,
    exports: {
      ...Object.fromEntries(
        Object.keys(sources).map((name, index) => [
          name,
          { types: `./${entries[index]}.d.ts`, default: `./${entries[index]}.js` },
        ]),
      ),
      "./openapi.json": "./openapi.json",
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(
      Object.entries(dependencies).map(([name, version]) => [name, `^${version}`]),
    ),
  };
  await writeFile(join(packageFolder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  const api = await describeApi(appRouter, manifest.version);
  await writeFile(join(packageFolder, "openapi.json"), `${JSON.stringify(api, null, 2)}\n`);
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
