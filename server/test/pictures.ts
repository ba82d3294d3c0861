import { createHash } from "node:crypto";
import sharp from "sharp";
import { encodePng, pngChunk } from "../../scripts/demo/png.ts";
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

const mark = (code: number) => Buffer.from([0xff, code]);

function jpegSegment(code: number, data: number[] | Buffer): Buffer {
  const length = data.length + 2;
  return Buffer.concat([mark(code), Buffer.from([length >> 8, length & 0xff]), Buffer.from(data)]);
}

/**
 * A progressive JPEG of three grey planes in full size (ISO/IEC 10918-1, G): the first scan says the mean of each block, three say that all
 * else is zero, and of the further ones each refines a plane by nothing, which costs a decoder a pass over the plane and the file some bytes.
 */
export function givenJpegOfScans(side: number, scans: number, startOfFrame = 0xc2): Buffer {
  const blocks = Math.ceil(side / 8) ** 2;
  const planes = [1, 2, 3];
  const size = [side >> 8, side & 0xff];
  const scan = (ids: number[], band: number[], data: Buffer) =>
    Buffer.concat([jpegSegment(0xda, [ids.length, ...ids.flatMap((id) => [id, 0]), ...band]), data]);
  // One bit for "this block and so many more end here", and 14 that say how many: 29,491 with it.
  const runs = "011001100110011".repeat(Math.ceil(blocks / 29_491));
  const ends = Buffer.from(
    (runs.match(/.{1,8}/g) ?? []).map((bits) => Number.parseInt(bits.padEnd(8, "1"), 2)),
  );
  const passes = Array.from({ length: scans - 1 }, (_scan, index) => {
    const low = 13 - Math.floor(index / planes.length);
    const high = low === 13 ? 0 : low + 1;
    return scan([planes[index % planes.length]!], [1, 63, (high << 4) | low], escaped(ends));
  });
  return Buffer.concat([
    mark(0xd8),
    jpegSegment(0xdb, [0, ...Array<number>(64).fill(1)]),
    jpegSegment(startOfFrame, [8, ...size, ...size, planes.length, ...planes.flatMap((id) => [id, 0x11, 0])]),
    // "No difference" for the means, and such a run for all else.
    jpegSegment(0xc4, oneCode(0x00, 0x00)),
    jpegSegment(0xc4, oneCode(0x10, 0xe0)),
    scan(planes, [0, 0, 0], Buffer.alloc(Math.ceil((blocks * planes.length) / 8))),
    ...passes,
    mark(0xd9),
  ]);
}

// A table of one code, which is a single bit.
function oneCode(table: number, symbol: number): number[] {
  return [table, 1, ...Array<number>(15).fill(0), symbol];
}

// In a scan's data 0xFF is followed by a zero.
function escaped(data: Buffer): Buffer {
  return Buffer.from([...data].flatMap((byte) => (byte === 0xff ? [byte, 0] : [byte])));
}

/** A JPEG with these segments before everything else that it has. */
export function withSegments(jpeg: Buffer, code: number, segments: Buffer[]): Buffer {
  return Buffer.concat([
    jpeg.subarray(0, 2),
    ...segments.map((data) => jpegSegment(code, data)),
    jpeg.subarray(2),
  ]);
}

/** A PNG with these chunks behind its head. */
export function withChunks(png: Buffer, chunks: Buffer[]): Buffer {
  return Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
}

/** A PNG whose IDATs have so many bytes each. */
export function splitIdat(png: Buffer, size: number): Buffer {
  const chunks: Buffer[] = [];
  for (let at = 8; at < png.length;) {
    const end = at + 12 + png.readUInt32BE(at);
    const data = png.subarray(at + 8, end - 4);
    const type = png.toString("latin1", at + 4, at + 8);
    if (type !== "IDAT") chunks.push(png.subarray(at, end));
    else
      for (let from = 0; from < data.length; from += size)
        chunks.push(pngChunk(type, data.subarray(from, from + size)));
    at = end;
  }
  return Buffer.concat([png.subarray(0, 8), ...chunks]);
}

/** A WebP with so many chunks of no data behind all others. */
export function withWebpChunks(webp: Buffer, type: string, count: number): Buffer {
  const chunk = Buffer.alloc(8);
  chunk.write(type, "latin1");
  const file = Buffer.concat([webp, ...Array<Buffer>(count).fill(chunk)]);
  file.writeUInt32LE(file.length - 8, 4);
  return file;
}
