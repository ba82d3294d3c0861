import { createHmac, timingSafeEqual } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readBase64url } from "../runtime/base64url.ts";
import type { Clock } from "../runtime/ports.ts";
import type { ImageStore } from "./ports.ts";

/** A folder on disk, whose pictures the server itself serves by signed links. */
export interface FolderStore extends ImageStore {
  /** The picture behind a link; undefined when the link is not one of ours or no longer good, or the picture is gone. */
  open(link: SignedLink): Promise<Buffer | undefined>;
}

/** The parts of a link as a caller sends them. */
interface SignedLink {
  key: string;
  expires: string | undefined;
  signature: string | undefined;
}

const signatureBytes = 32;

/** The path below which the server serves pictures. */
export const imagePath = "/images";

/** Keeps pictures in that folder, which is made when it is needed. `publicUrl` is where browsers reach the server, known once it listens. */
export function createFolderStore(parts: {
  folder: string;
  publicUrl: () => string;
  clock: Clock;
  secret: () => Promise<Buffer>;
}): FolderStore {
  const { folder, publicUrl, clock, secret } = parts;
  const fileOf = (key: string) => (isFileName(key) ? join(folder, key) : undefined);

  // Strangers ask too: the database is asked once.
  let known: Buffer | undefined;
  async function sign(key: string, expires: string): Promise<Buffer> {
    known ??= await secret();
    return createHmac("sha256", known).update(`${key}\n${expires}`).digest();
  }

  return {
    async put(key, picture) {
      const file = fileOf(key);
      if (file === undefined) throw new Error(`${key} is no name for a file.`);
      await mkdir(folder, { recursive: true });
      // Whole under its name or not there at all, also when the machine stops meanwhile.
      await writeFile(`${file}.part`, picture, { flush: true });
      await rename(`${file}.part`, file);
    },

    async remove(key) {
      const file = fileOf(key);
      // It stays listed, for the store that has it.
      if (file === undefined) throw new Error(`${key} is no name for a file.`);
      await rm(`${file}.part`, { force: true });
      await rm(file, { force: true });
    },

    async link(key, expiresAt) {
      if (!isFileName(key)) return undefined;
      const expires = String(Math.floor(expiresAt.getTime() / 1_000));
      const signature = (await sign(key, expires)).toString("base64url");
      const search = new URLSearchParams({ expires, signature }).toString();
      return `${publicUrl().replace(/\/+$/, "")}${imagePath}/${key}?${search}`;
    },

    async open({ key, expires = "", signature = "" }) {
      const file = fileOf(key);
      if (file === undefined || !/^\d{1,12}$/.test(expires)) return undefined;
      if (Number(expires) * 1_000 <= clock.now().getTime()) return undefined;
      const given = readBase64url(signature);
      if (given?.length !== signatureBytes) return undefined;
      if (!timingSafeEqual(given, await sign(key, expires))) return undefined;
      return await readFile(file).catch(() => undefined);
    },
  };
}

// What an older system called its pictures may have slashes; none of those is in this folder.
function isFileName(key: string): boolean {
  return /^[A-Za-z0-9-]{1,100}\.jpg$/.test(key);
}
