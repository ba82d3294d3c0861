import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { build, type InlineConfig } from "tsdown";
import { appRouter } from "../server/src/app-router.ts";
import { hashContract } from "../server/src/rpc/contract-hash.ts";

/** The part of sdk/package.json that the build reads by name. */
export interface SdkManifest {
  [field: string]: unknown;
  version: string;
  exports: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
}

export const sdkFolder = join(import.meta.dirname, "..", "sdk");
/** What is packed. */
export const sdkPackageFolder = join(sdkFolder, "dist", "package");
export const sdkManifest = JSON.parse(await readFile(join(sdkFolder, "package.json"), "utf8")) as SdkManifest;
/** "." is index, "./forms" is forms. */
export const sdkEntries = Object.keys(sdkManifest.exports).map((entry) =>
  entry === "." ? "index" : entry.slice(2),
);
/** The packages that it may import. */
export const sdkNeeds = [
  ...Object.keys(sdkManifest.dependencies),
  ...Object.keys(sdkManifest.peerDependencies),
];

const shared: InlineConfig = {
  config: false,
  cwd: sdkFolder,
  outDir: sdkPackageFolder,
  clean: false,
  logLevel: "error",
  platform: "neutral",
  target: "es2022",
  fixedExtension: false,
  // A dependency in the bundle, or one undeclared, fails the build.
  deps: { onlyBundle: [], onlyImport: sdkNeeds },
};

/** Writes the JavaScript of the package, from the sources. */
export async function bundleScripts(): Promise<void> {
  const contract = hashContract(appRouter);
  const SKYFOX_SDK_BUILD = JSON.stringify({ version: sdkManifest.version, contract });
  await build({ ...shared, entry: filesOf("src/*.ts"), dts: false, define: { SKYFOX_SDK_BUILD } });
}

/** Writes the types of the package, from the declarations that tsc has written. */
export async function bundleDeclarations(): Promise<void> {
  await build({
    ...shared,
    entry: filesOf("dist/declarations/sdk/src/*.d.ts"),
    dts: { dtsInput: true, emitDtsOnly: true, tsconfig: join(sdkFolder, "tsconfig.bundle.json") },
  });
}

function filesOf(pattern: string): Record<string, string> {
  return Object.fromEntries(sdkEntries.map((entry) => [entry, pattern.replace("*", entry)]));
}
