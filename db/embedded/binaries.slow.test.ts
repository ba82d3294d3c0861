import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { afterEach, beforeEach, expect, it } from "vitest";

import { getBinaries } from "./binaries.ts";
import { findAccount, runProgram } from "./run-program.ts";

const account = await findAccount();
const installed = dirname(dirname(dirname((await getBinaries(undefined)).initdb)));
let closed: string;
let copyHome: string;

beforeEach(async () => {
  closed = await mkdtemp(join(tmpdir(), "skyfox-closed-"));
  copyHome = await mkdtemp(join(tmpdir(), "skyfox-copies-"));
});

afterEach(async () => {
  await rm(closed, { recursive: true });
  await rm(copyHome, { recursive: true });
});

it.runIf(account !== undefined)("copies the programs, once, to where the account reaches them", async () => {
  const packageFolder = join(closed, "package");
  await cp(installed, packageFolder, { recursive: true, verbatimSymlinks: true });
  const copies = await Promise.all([1, 2].map(() => getBinaries(account, { packageFolder, copyHome })));
  const again = await getBinaries(account, { packageFolder, copyHome });
  expect(copies).toEqual([again, again]);
  expect(await readdir(copyHome)).toHaveLength(1);
  expect(await runProgram(again.initdb, ["--version"], { account })).toMatchObject({ succeeded: true });
});

it("makes the links between libraries that a skipped install script left out", async () => {
  const packageFolder = join(closed, "package");
  await cp(installed, packageFolder, { recursive: true, filter: async (path) => !isLinkName(path) });
  const { initdb } = await getBinaries(undefined, { packageFolder, copyHome });
  expect(await runProgram(initdb, ["--version"], { account: undefined })).toMatchObject({ succeeded: true });
});

it("says what to do when the programs do not run", async () => {
  await mkdir(join(closed, "native", "bin"), { recursive: true });
  await writeFile(join(closed, "native", "bin", "initdb"), "not a program", { mode: 0o755 });
  await expect(getBinaries(undefined, { packageFolder: closed, copyHome })).rejects.toThrow(
    "set DATABASE_URL",
  );
});

function isLinkName(path: string): boolean {
  return /native\/lib\/lib(pq|icu\w+)\.so(\.\d+)?$/.test(path);
}
