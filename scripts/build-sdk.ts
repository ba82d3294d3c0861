import { execFile } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build, type InlineConfig } from "tsdown";
import { checkSdk } from "./check-sdk.ts";
import { run } from "./run-tool.ts";

const root = join(import.meta.dirname, "..");
