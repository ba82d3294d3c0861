import { crc32, deflateSync } from "node:zlib";

const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

/** What a PNG's pixels are: one bit of grey each, or a byte for each of red, green and blue. */
const pixelFormats = { grey1: { bitDepth: 1, colourType: 0 }, rgb8: { bitDepth: 8, colourType: 2 } };

/** A PNG file (ISO/IEC 15948) of these pixels: row after row from the top, each row beginning with a zero byte. */
export function encodePng(
  size: { width: number; height: number },
  format: keyof typeof pixelFormats,
  rows: Buffer,
): Buffer {
  const { bitDepth, colourType } = pixelFormats[format];
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size.width, 0);
  header.writeUInt32BE(size.height, 4);
  header.writeUInt8(bitDepth, 8);
  header.writeUInt8(colourType, 9);
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(rows)),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

/** One chunk of a PNG: its length, its type, its data and their checksum. */
export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
