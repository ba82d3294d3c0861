import { mkdtemp, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "vite";
import { boxOfficeDist, boxOfficeFolder, boxOfficePage } from "./box-office.ts";
import { bundleScripts } from "./bundle-sdk.ts";

// The page is built with the JavaScript of the packed SDK, as a project elsewhere would have it.
await bundleScripts();
await mkdir(boxOfficeDist, { recursive: true });
const fresh = await mkdtemp(join(boxOfficeDist, "building-"));
await build({ root: boxOfficeFolder, logLevel: "error", build: { outDir: fresh } });
// In one step, for a server that reads it meanwhile.
await rm(boxOfficePage, { recursive: true, force: true });
await rename(fresh, boxOfficePage);
