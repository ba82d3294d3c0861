import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createManualClock } from "../../test/manual-clock.ts";
import { testStart } from "../../test/test-app.ts";
import { createFolderStore } from "./folder-store.ts";

const later = new Date(testStart.getTime() + 60_000);

async function givenStore(publicUrl = "https://cinema.test") {
  const around = await mkdtemp(join(tmpdir(), "skyfox-folder-store-"));
  onTestFinished(() => rm(around, { recursive: true }));
  let asked = 0;
  const store = createFolderStore({
    folder: join(around, "images"),
    publicUrl: () => publicUrl,
    clock: createManualClock(testStart),
    secret() {
      asked += 1;
      return Promise.resolve(Buffer.alloc(32, 1));
    },
  });
  return { store, around, timesAsked: () => asked };
}

// An older system's keys may be paths, and its database may be adopted by a server that keeps pictures in a folder.
test.each(["../outside.jpg", "profile-images/older.jpg", "/etc/hosts", "..", ""])(
  "what %j names is neither written, removed nor shown",
  async (key) => {
    const { store, around } = await givenStore();
    await store.put("inside.jpg", Buffer.from("inside"));
    await writeFile(join(around, "outside.jpg"), "outside");
    await expect(store.put(key, Buffer.from("other"))).rejects.toThrow("no name for a file");
    await expect(store.remove(key)).rejects.toThrow("no name for a file");
    expect(await store.link(key, later)).toBeUndefined();
    const link = new URL((await store.link("inside.jpg", later)) ?? "");
    const { expires = "", signature = "" } = Object.fromEntries(link.searchParams);
    expect(await store.open({ key, expires, signature })).toBeUndefined();
    expect(await readFile(join(around, "outside.jpg"), "utf8")).toBe("outside");
    expect(await readdir(around)).toEqual(["images", "outside.jpg"]);
    expect(await readdir(join(around, "images"))).toEqual(["inside.jpg"]);
  },
);

test("a picture is there under its name only when it is whole", async () => {
  const { store, around } = await givenStore();
  await store.put("one.jpg", Buffer.from("one"));
  expect(await readdir(join(around, "images"))).toEqual(["one.jpg"]);
  // What a server that died left of an upload goes with the picture.
  await writeFile(join(around, "images", "one.jpg.part"), "half");
  await store.remove("one.jpg");
  expect(await readdir(join(around, "images"))).toEqual([]);
});

test("links begin with the public address, whatever path it has", async () => {
  for (const address of ["https://cinema.test/api", "https://cinema.test/api/"]) {
    const { store } = await givenStore(address);
    expect(await store.link("one.jpg", later)).toMatch(/^https:\/\/cinema\.test\/api\/images\/one\.jpg\?/);
  }
});

test("a link has one spelling: its signature in other letters, as with bits that mean nothing, opens nothing", async () => {
  const { store } = await givenStore();
  await store.put("one.jpg", Buffer.from("one"));
  const link = new URL((await store.link("one.jpg", later)) ?? "");
  const { expires = "", signature = "" } = Object.fromEntries(link.searchParams);
  const open = (written: string) => store.open({ key: "one.jpg", expires, signature: written });
  const bytes = Buffer.from(signature, "base64url");
  // 32 bytes end within a character: three others stand for the same ones.
  const alike = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (letter) =>
    signature.slice(0, -1).concat(letter),
  ).filter((other) => other !== signature && Buffer.from(other, "base64url").equals(bytes));
  expect(alike).toHaveLength(3);
  for (const other of [...alike, `${signature}=`, `${signature}\n`, ` ${signature}`])
    expect(await open(other)).toBeUndefined();
  expect((await open(signature))?.toString()).toBe("one");
});

test("guessed links make no work for the database", async () => {
  const { store, timesAsked } = await givenStore();
  const expires = String(later.getTime() / 1_000);
  const past = String(testStart.getTime() / 1_000 - 1);
  expect(await store.open({ key: "one.jpg", expires, signature: "junk" })).toBeUndefined();
  expect(await store.open({ key: "one.jpg", expires: past, signature: "A".repeat(43) })).toBeUndefined();
  expect(timesAsked()).toBe(0);
  for (const letter of ["A", "E", "I"]) {
    expect(await store.open({ key: "one.jpg", expires, signature: letter.repeat(43) })).toBeUndefined();
  }
  expect(timesAsked()).toBe(1);
});
