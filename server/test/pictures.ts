import { createHash } from "node:crypto";
import sharp from "sharp";
import { encodePng } from "../../scripts/demo/png.ts";
import type { ProfileImage } from "../src/contract/index.ts";

/** A file as an upload: its base64, and the hash of its bytes. */
export function uploadOf(bytes: Buffer): ProfileImage {
  return {
    base64: bytes.toString("base64"),
    sha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

/** A photo of noise, which no encoder makes small. */
export async function givenPhoto(
  format: "jpeg" | "png" | "webp",
  { width = 300, height = 200 }: { width?: number; height?: number } = {},
): Promise<Buffer> {
  const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
  return await sharp({ create: { width, height, channels: 3, background: "black", noise } })
    .toFormat(format)
    .toBuffer();
}

/** A picture of a left half in one colour and a right half in another. */
export async function givenTwoHalves(left: string, right: string, format: "jpeg" | "png" | "webp" = "png") {
  const half = { width: 100, height: 100, channels: 3 } as const;
  return sharp({ create: { ...half, width: 200, background: left } })
    .composite([
      {
        input: await sharp({ create: { ...half, background: right } })
          .png()
          .toBuffer(),
        left: 100,
        top: 0,
      },
    ])
    .toFormat(format);
}

/** A PNG of one colour: valid, and small however many pixels it has. */
export function givenPlainPng(width: number, height: number): Buffer {
  return encodePng({ width, height }, "grey1", Buffer.alloc((Math.ceil(width / 8) + 1) * height));
}
