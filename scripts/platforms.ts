// The packed SDK on every platform that it is for, each a tiny project of sdk/test/platforms, against one running server.
import { access, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goodCard } from "../server/test/given.ts";
import { Missing, runChecks } from "./live-checks/checks.ts";
import { openCinema, visit } from "./live-checks/cinema.ts";
import { runTool } from "./run-tool.ts";

type Command = [program: string, ...parameters: string[]];

const sdk = join(import.meta.dirname, "../sdk");

// The oldest line of Node that the SDK is for, as a package.
const oldNode = { name: `node-${process.platform}-${process.arch}`, version: "20.20.2" };
const node20 = join("node_modules", oldNode.name, "bin", "node");

const platforms: [name: string, ...commands: Command[]][] = [
  ["Node 20 with import", [node20, "node-import.mjs"]],
  ["Node 20 with require", [node20, "node-require.cjs"]],
  ["esbuild", ["node", "build-with-esbuild.mjs"], ["node", "run-built.mjs", "esbuild"]],
  ["Vite", ["node", "build-with-vite.mjs"], ["node", "run-built.mjs", "vite"]],
  ["webpack", ["node", "build-with-webpack.mjs"], ["node", "run-built.mjs", "webpack"]],
  ["an edge runtime", ["node", "edge.mjs"]],
  ["the globals of React Native", ["node", "react-native.mjs"]],
  ["Jest", ["node", "--experimental-vm-modules", "node_modules/jest/bin/jest.js"]],
  ["TanStack Query, compiled", ["tsc", "-p", "tsconfig.json"]],
];

/** What npm writes about an install. */
interface Lockfile {
  packages: Record<string, { version?: string }>;
}

async function readJson<Content>(path: string): Promise<Content> {
  return JSON.parse(await readFile(path, "utf8")) as Content;
}

async function findTarball(): Promise<string> {
  const { version } = await readJson<{ version: string }>(join(sdk, "package.json"));
  const tarball = join(sdk, "dist", `skyfox-sdk-${version}.tgz`);
  await access(tarball).catch(() => {
    throw new Missing("The SDK is not packed. Run: npm run build");
  });
  return tarball;
}

/** Installs these packages, and what they need, as any project does. Throws when there is more than one copy of tRPC's client then. */
async function install(folder: string, dependencies: Record<string, string>, ...options: string[]) {
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, dependencies }));
  const quietly = ["--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts", "--prefer-offline"];
  await runTool("npm", ["install", ...quietly, ...options], folder);
  const { packages } = await readJson<Lockfile>(join(folder, "package-lock.json"));
  const copies = Object.keys(packages).filter((path) => path.endsWith("node_modules/@trpc/client"));
  if (copies.length !== 1) throw new Error(`There should be one copy of @trpc/client: ${copies.join()}`);
  return packages[copies[0]!]?.version;
}

/** Runs the commands of one platform, and says how long they took. */
async function tryPlatform(folder: string, name: string, commands: Command[]): Promise<boolean> {
  const startedAt = performance.now();
  try {
    for (const [program, ...parameters] of commands) await runTool(program, parameters, folder);
    console.log(`It works with ${name} (${((performance.now() - startedAt) / 1_000).toFixed(1)} s).`);
    return true;
  } catch (error) {
    // A bundle that fails prints itself first.
    console.error(`It does not work with ${name}:\n${String(error).slice(-2_000)}`);
    return false;
  }
}

await runChecks(async (stops) => {
  const tarball = await findTarball();
  const folder = await mkdtemp(join(tmpdir(), "skyfox-platforms-"));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  await cp(join(sdk, "test", "platforms"), folder, { recursive: true });
  await cp(join(sdk, "test", "consumer", "react-query.ts"), join(folder, "react-query.ts"));
  const { dependencies } = await readJson<{ dependencies: Record<string, string> }>(
    join(folder, "package.json"),
  );
  const packed = { "@skyfox/sdk": `file:${tarball}` };
  const { "@trpc/tanstack-react-query": pinned, ...others } = dependencies;
  // tRPC's own package for TanStack needs one exact version of tRPC, which the SDK has to take.
  const asked = {
    ...packed,
    "@trpc/tanstack-react-query": pinned!,
    "@tanstack/react-query": others["@tanstack/react-query"]!,
  };
  const older = await install(folder, asked, "--package-lock-only");
  await rm(join(folder, "package-lock.json"));
  const [newer, cinema] = await Promise.all([
    install(folder, { ...others, ...packed, [oldNode.name]: oldNode.version }),
    openCinema(),
  ]);
  stops.push(cinema.stop);
  console.log(`It installs with one copy of tRPC: ${newer}, and ${older} beside @trpc/tanstack-react-query.`);

  const { url, apiKey } = cinema;
  const { token } = await visit(cinema, url);
  await writeFile(join(folder, "settings.json"), JSON.stringify({ url, apiKey, token, card: goodCard }));
  const failed: string[] = [];
  for (const [name, ...commands] of platforms)
    if (!(await tryPlatform(folder, name, commands))) failed.push(name);
  if (failed.length > 0) throw new Error(`The SDK does not work with ${failed.join(", ")}.`);
});
