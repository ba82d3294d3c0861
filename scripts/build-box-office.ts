import { mkdtemp, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { build } from "vite";
import { boxOfficeDist, boxOfficeFolder, boxOfficePage, isStale } from "./box-office.ts";
import { bundleScripts } from "./bundle-sdk.ts";

const longestBuildMs = 120_000;

// The tests' own mode would have React's development build.
process.env["NODE_ENV"] = "production";
await mkdir(boxOfficeDist, { recursive: true });
// One build at a time. SQLite's lock is the operating system's, which gives it back however this process ends.
const lock = new DatabaseSync(join(boxOfficeDist, "lock.sqlite"), { timeout: longestBuildMs });
lock.exec("BEGIN EXCLUSIVE");
if (await isStale()) {
  // The page is built with the JavaScript of the packed SDK, as a project elsewhere would have it.
  await bundleScripts();
  const fresh = await mkdtemp(join(boxOfficeDist, "building-"));
  await build({ root: boxOfficeFolder, logLevel: "error", build: { outDir: fresh } });
  await rm(boxOfficePage, { recursive: true, force: true });
  await rename(fresh, boxOfficePage);
  console.log("The box office is built.");
} else {
  console.log("The box office was built meanwhile.");
}
lock.close();
