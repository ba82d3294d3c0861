import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { readBase64url } from "../runtime/base64url.ts";

const lifeMs = 365 * 24 * 60 * 60_000;

const deviceSchema = z.strictObject({
  device: z.string().regex(/^[A-Za-z0-9_-]{22}$/),
  username: z.string(),
  issuedAt: z.int(),
});

/** A device that has logged in to an account: a random id, the account as it is kept, and when the token was given, in milliseconds since 1970. */
export type KnownDevice = z.output<typeof deviceSchema>;

/** A device that has not been seen before. */
export function newDevice(): string {
  return randomBytes(16).toString("base64url");
}

/**
 * A token that says that this device has logged in to this account, good for a year: JSON and its HMAC-SHA256, both base64url, by a key that
 * signs nothing else.
 */
export function signDeviceToken(key: Buffer, device: KnownDevice): string {
  const payload = Buffer.from(JSON.stringify(device)).toString("base64url");
  return `${payload}.${sign(key, payload).toString("base64url")}`;
}

/** The device of a token of ours that is still good; undefined for anything else. */
export function readDeviceToken(key: Buffer, token: string, now: Date): KnownDevice | undefined {
  const [payload = "", signature = "", ...rest] = token.split(".");
  const [json, given] = [readBase64url(payload), readBase64url(signature)];
  const expected = sign(key, payload);
  if (json === undefined || given?.length !== expected.length || rest.length > 0) return undefined;
  if (!timingSafeEqual(given, expected)) return undefined;
  const device = deviceSchema.safeParse(JSON.parse(json.toString())).data;
  return device !== undefined && now.getTime() - device.issuedAt < lifeMs ? device : undefined;
}

function sign(key: Buffer, payload: string): Buffer {
  return createHmac("sha256", key).update(payload).digest();
}
