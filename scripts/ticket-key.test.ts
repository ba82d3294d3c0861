import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeStateDirectory } from "./test/state-directory.ts";
import { keepTicketKey } from "./ticket-key.ts";

async function givenFile(): Promise<{ path: string; file: string }> {
  const { path } = await makeStateDirectory();
  return { path, file: join(path, "ticket-key") };
}

test("a key is made once, for its owner's eyes only, and found again", async () => {
  const { path, file } = await givenFile();
  const made = await keepTicketKey(file);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(path)).toEqual(["ticket-key"]);
  const found = await keepTicketKey(file);
  expect(found.signing.equals(made.signing)).toBe(true);
});

test("servers that start at once all have the same key", async () => {
  const { path, file } = await givenFile();
  const keys = await Promise.all(Array.from({ length: 20 }, () => keepTicketKey(file)));
  for (const { signing } of keys) expect(signing.equals(keys[0]!.signing)).toBe(true);
  expect(await readdir(path)).toEqual(["ticket-key"]);
});

test("a damaged key is not replaced, since tickets may have been signed with it", async () => {
  const { file } = await givenFile();
  await writeFile(file, "damaged");
  await expect(keepTicketKey(file)).rejects.toThrow("is damaged. Delete it, and a new key is made.");
  expect(await readFile(file, "utf8")).toBe("damaged");
});
