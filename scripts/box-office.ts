import { glob, readFile, stat } from "node:fs/promises";
import { extname, join, sep } from "node:path";
import type { BoxOffice, PageFile } from "../server/src/http/box-office.ts";
import { runTool } from "./run-tool.ts";

const root = join(import.meta.dirname, "..");

/** The sources of the page, and what is built of them. */
export const boxOfficeFolder = join(root, "sdk", "examples", "box-office");
export const boxOfficeDist = join(boxOfficeFolder, "dist");
export const boxOfficePage = join(boxOfficeDist, "page");

const sources = [
  "sdk/examples/box-office/{src/**,index.html,*.ts}",
  "sdk/src/**/*.ts",
  "server/src/contract/**/*.ts",
  "package-lock.json",
];

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The box office for a server of development. It is built at its first request, in a process of its own, when it is missing or older than its
 * sources; callers wait for it meanwhile, also for that of another server, and a build that failed is tried again by the next one.
 */
export function openBoxOffice(): BoxOffice {
  let files: Promise<Map<string, PageFile>> | undefined;
  return () => {
    files ??= findFiles().catch((error: unknown) => {
      files = undefined;
      throw error;
    });
    return files;
  };
}

async function findFiles(): Promise<Map<string, PageFile>> {
  if (await isStale()) await runTool("node", [join("scripts", "build-box-office.ts")], root);
  const files = new Map<string, PageFile>();
  for await (const name of glob("**/*.*", { cwd: boxOfficePage })) {
    const path = name === "index.html" ? "/" : `/${name.split(sep).join("/")}`;
    const body = new Uint8Array(await readFile(join(boxOfficePage, name)));
    files.set(path, { type: types[extname(name)] ?? "application/octet-stream", body });
  }
  return files;
}

/** Whether the page is missing or older than its sources. */
export async function isStale(): Promise<boolean> {
  const built = await stat(join(boxOfficePage, "index.html")).catch(() => undefined);
  if (built === undefined) return true;
  for await (const name of glob(sources, { cwd: root }))
    if ((await stat(join(root, name))).mtimeMs > built.mtimeMs) return true;
  return false;
}
