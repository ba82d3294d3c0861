import { generateKeyPairSync } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { readTicketKeys, type TicketSigningKeys } from "../server/src/ticket/ticket-keys.ts";

/** The key in that file, written the way TICKET_SIGNING_KEY is; where there is none, one is made, for its owner's eyes only. */
export async function keepTicketKey(file: string): Promise<TicketSigningKeys> {
  const keys = readTicketKeys((await readIfThere(file)) ?? (await makeKey(file)));
  if (keys === undefined) throw new Error(`${file} is damaged. Delete it, and a new key is made.`);
  return keys;
}

// Whole under its name or not there at all; of two servers that start at once, the second finds the key of the first.
async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
  const part = `${file}.${crypto.randomUUID()}.part`;
  try {
    await writeFile(part, `${text}\n`, { mode: 0o600, flush: true });
    await link(part, file);
    return text;
  } catch (error) {
    const found = await readIfThere(file);
    if (found === undefined) throw error;
    return found;
  } finally {
    await rm(part, { force: true });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
