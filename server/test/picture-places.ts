import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startObjectStorage } from "./object-storage.ts";
import { createManualClock } from "./manual-clock.ts";
import { createTestApp, testPublicUrl, testStart, type TestApp } from "./test-app.ts";
import { whenOver } from "./when-over.ts";

/** A server and the place where it keeps pictures, as tests see it: what lies there, and how it fails. */
export interface PicturePlace {
  app: TestApp;
  /** Keys of what is stored, sorted. */
  keys(): Promise<string[]>;
  read(key: string): Promise<Buffer>;
  /** From now on nothing can be stored or removed. */
  breakDown(): Promise<void>;
  /** From now on that picture cannot be removed, while others are stored. */
  keepFromRemoval(key: string): Promise<void>;
  /** Ends what was broken, with everything stored that was before. */
  mend(): Promise<void>;
  /** Fetches a link as a browser would, without key or token. */
  fetch(url: string): Promise<Response>;
}

/** Pictures in the folder of the server. */
export async function createFolderPlace(): Promise<PicturePlace> {
  const app = await createTestApp();
  const folder = app.imageFolder;
  const away = `${folder}-away`;
  let mend: () => Promise<void>;
  whenOver(() => rm(away, { recursive: true, force: true }));
  await mkdir(folder);
  return {
    app,
    keys: async () => (await readdir(folder)).toSorted(),
    read: (key) => readFile(join(folder, key)),
    // With a file where the folder should be not even the superuser can write to it.
    async breakDown() {
      await rename(folder, away);
      await writeFile(folder, "");
      mend = async () => {
        await rm(folder);
        await rename(away, folder);
      };
    },
    async keepFromRemoval(key) {
      await rename(join(folder, key), away);
      await mkdir(join(folder, key));
      mend = async () => {
        await rm(join(folder, key), { recursive: true });
        await rename(away, join(folder, key));
      };
    },
    mend: () => mend(),
    fetch: async (url) => await app.app.request(url.replace(testPublicUrl, "")),
  };
}

/** Pictures in a bucket whose storage checks every signature. */
export async function createBucketPlace() {
  const clock = createManualClock(testStart);
  const storage = await startObjectStorage({ now: clock.now });
  whenOver(() => storage.stop());
  const app = await createTestApp({ bucket: storage.access, clock });
  const place: PicturePlace = {
    app,
    keys: () => Promise.resolve(storage.keys()),
    read(key) {
      const { body } = storage.object(key) ?? {};
      return body === undefined ? Promise.reject(new Error(`There is no ${key}.`)) : Promise.resolve(body);
    },
    breakDown: () => Promise.resolve(storage.fail("down")),
    keepFromRemoval: () => Promise.resolve(storage.fail("error", ["DELETE"])),
    mend: () => Promise.resolve(storage.mend()),
    fetch: (url) => fetch(url),
  };
  return { place, storage };
}
