import type { ProfileImage } from "@skyfox/server/contract";

// Few enough arguments for every engine's stack.
const chunkBytes = 0x8000;

/**
 * Converts a file to what `auth.signup` and `auth.updateProfileImage` take: its bytes in base64, and their SHA-256 by Web Crypto, which browsers
 * have on https and localhost only. The file is not checked: compare `file.size` with `maxProfileImageBytes` and `file.type` with
 * `profileImageTypes` before you upload it.
 */
export async function fileToProfileImage(file: Blob): Promise<ProfileImage> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  let binary = "";
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(start, start + chunkBytes));
  }
  return { base64: btoa(binary), sha256 };
}
