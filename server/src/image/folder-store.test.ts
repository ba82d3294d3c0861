import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createManualClock } from "../../test/manual-clock.ts";
import { testStart } from "../../test/test-app.ts";
import { createFolderStore } from "./folder-store.ts";

async function givenStore() {
  const around = await mkdtemp(join(tmpdir(), "skyfox-folder-store-"));
  onTestFinished(() => rm(around, { recursive: true }));
  const store = createFolderStore({
    folder: join(around, "images"),
    publicUrl: () => "https://cinema.test",
    clock: createManualClock(testStart),
    secret: () => Promise.resolve(Buffer.alloc(32, 1)),
  });
  return { store, around };
}

// An older system's keys may be paths, and its database may be adopted by a server that keeps pictures in a folder.
test.each(["../outside.jpg", "profile-images/older.jpg", "/etc/hosts", "..", ""])(
  "what %j names is neither written, removed nor shown",
  async (key) => {
    const { store, around } = await givenStore();
    await store.put("inside.jpg", Buffer.from("inside"));
    await writeFile(join(around, "outside.jpg"), "outside");
    await expect(store.put(key, Buffer.from("other"))).rejects.toThrow("no name for a file");
    await store.remove(key);
    const link = new URL(await store.link(key, new Date(testStart.getTime() + 60_000)));
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
