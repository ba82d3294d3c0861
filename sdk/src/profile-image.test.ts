import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { profileImageSchema } from "./forms.ts";
import { fileToProfileImage } from "./index.ts";

// Every length modulo three, both sides of a chunk, and more than a stack takes at once.
test.each([0, 1, 2, 3, 0x7fff, 0x8000, 0x8001, 5 * 1_024 * 1_024])("a file of %i bytes", async (length) => {
  const bytes = Buffer.from(Array.from({ length }, (_, index) => (index * 31) & 0xff));
  const image = await fileToProfileImage(new Blob([new Uint8Array(bytes)]));
  expect(image.base64 === bytes.toString("base64")).toBe(true);
  expect(image.sha256).toBe(createHash("sha256").update(bytes).digest("hex"));
  expect(profileImageSchema.safeParse(image).success).toBe(true);
});
