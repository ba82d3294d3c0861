import { maxProfileImagePixels } from "../contract/index.ts";

const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;
// Baseline, extended and progressive pictures with Huffman codes. Arithmetic codes need no bytes for what they cost, and browsers show none.
const startOfFrame = new Set([0xc0, 0xc1, 0xc2]);
const otherFrames = new Set([0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);

// Each scan costs a pass over the whole picture, however few bytes it has. libjpeg writes 10, mozjpeg 13, its script allows 16.
const maxScans = 20;
// A scan that refines costs ten times as much. libjpeg writes four: so many fit into the largest picture, and more into smaller ones.
const maxRefinedPixels = 4 * maxProfileImagePixels;
// Segments, scans and ends. Cameras write some dozens, each of up to 64 KB.
const maxMarks = 1_000;
// A decoder walks all frames, also to show the first one only; chunks around them are a handful.
const maxFrames = 200;
const maxWebpChunks = 1_000;
// Encoders put 8 KB into an IDAT, a few put 1 KB or less; of everything else there are some dozens.
const maxPngChunks = 20_000;

/** What a decoder needs of a PNG: its head, its pixels, and what says how these are to be shown. Texts can be bombs of their own. */
const pngChunks = new Set(
  ["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "gAMA", "cHRM", "sRGB", "iCCP", "eXIf"].map(numberOf),
);
const idat = numberOf("IDAT");
const iend = numberOf("IEND");

/** A file as it may go to a decoder, or what is wrong with it. */
export type CheckedFile = { bytes: Buffer } | { problem: "damaged" | "unsupported" };

/**
 * Looks at a file from outside: it has to be one whole JPEG, PNG or WebP and nothing else. "unsupported" begins as none of them, "damaged" ends
 * before its picture does, goes on after it, as one does that is a page, a script or an archive as well, or would cost far more than pictures
 * do. Decodes nothing.
 */
export function checkImageFile(bytes: Buffer): CheckedFile {
  switch (kindOfImage(bytes)) {
    case "jpeg":
      return wholeIf(bytes, endOfJpegs(bytes));
    case "png":
      return checkPng(bytes);
    case "webp":
      return wholeIf(bytes, endOfWebp(bytes));
    case undefined:
      return { problem: "unsupported" };
  }
}

/** The kind of picture that a file begins as, by its first twelve bytes. */
export function kindOfImage(bytes: Buffer): "jpeg" | "png" | "webp" | undefined {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, soi, 0xff]))) return "jpeg";
  if (bytes.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))) return "png";
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP") return "webp";
  return undefined;
}

function wholeIf(bytes: Buffer, end: number): CheckedFile {
  return end === bytes.length ? { bytes } : { problem: "damaged" };
}

// Chunks of length, type, data and checksum, the last of them IEND (ISO/IEC 15948, 5.3). But for IDAT, each that we keep may be there once (5.6).
function checkPng(bytes: Buffer): CheckedFile {
  const needed = [bytes.subarray(0, 8)];
  const seen = new Set<number>();
  let at = 8;
  for (let chunks = 0; at + 12 <= bytes.length && chunks < maxPngChunks; chunks += 1) {
    const type = bytes.readUInt32BE(at + 4);
    const end = at + 12 + bytes.readUInt32BE(at);
    if (pngChunks.has(type)) {
      if (type !== idat && seen.has(type)) break;
      seen.add(type);
      needed.push(bytes.subarray(at, end));
    }
    if (type === iend)
      return end === bytes.length ? { bytes: Buffer.concat(needed) } : { problem: "damaged" };
    at = end;
  }
  return { problem: "damaged" };
}

// Chunks of type, length and data, padded to an even length (RFC 9649, 2.3); an animation has one ANMF for each frame.
function endOfWebp(bytes: Buffer): number {
  const end = 8 + bytes.readUInt32LE(4);
  let at = 12;
  let chunks = 0;
  let frames = 0;
  while (at + 8 <= end && at + 8 <= bytes.length) {
    chunks += 1;
    if (ascii(bytes, at, at + 4) === "ANMF") frames += 1;
    if (chunks > maxWebpChunks || frames > maxFrames) return 0;
    const length = bytes.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
  }
  return end;
}

// Cameras add further JPEGs after the first, such as previews and gain maps (CIPA DC-007); anything else has no business there.
function endOfJpegs(bytes: Buffer): number {
  const left = { marks: maxMarks };
  let at = 0;
  while (at < bytes.length && bytes[at] === 0xff && bytes[at + 1] === soi) {
    const end = endOfJpeg(bytes, at, left);
    if (end === 0) return 0;
    at = end;
  }
  return at;
}

// Segments that say how long they are, and after each SOS compressed data in which 0xFF is followed by 0 or a restart mark (ISO/IEC 10918-1, B.1).
function endOfJpeg(bytes: Buffer, start: number, left: { marks: number }): number {
  let at = start + 2;
  let scans = 0;
  let pixels = 0;
  let refinedPixels = 0;
  while (at + 2 <= bytes.length) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0) return 0;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    left.marks -= 1;
    if (left.marks < 0 || otherFrames.has(marker)) return 0;
    if (marker === eoi) return at + 2;
    if (isAlone(marker)) at += 2;
    else if (at + 4 > bytes.length) return 0;
    else {
      if (startOfFrame.has(marker)) {
        // A second one would hide how large the picture is.
        if (pixels > 0 || at + 9 > bytes.length) return 0;
        pixels = bytes.readUInt16BE(at + 5) * bytes.readUInt16BE(at + 7);
      }
      const segment = at;
      at += 2 + bytes.readUInt16BE(at + 2);
      if (marker !== sos) continue;
      scans += 1;
      if (isRefinement(bytes, segment)) refinedPixels += pixels;
      if (scans > maxScans || refinedPixels > maxRefinedPixels) return 0;
      at = endOfScan(bytes, at);
    }
  }
  return 0;
}

// Whether a scan adds a bit to what earlier ones said of coefficients other than the first (ISO/IEC 10918-1, B.2.3 and G.1.2.3).
function isRefinement(bytes: Buffer, segment: number): boolean {
  const parameters = segment + 5 + 2 * (bytes[segment + 4] ?? 0);
  return (bytes[parameters] ?? 0) > 0 && (bytes[parameters + 2] ?? 0) >> 4 > 0;
}

// Any number of 0xFF may stand before what they introduce: what a decoder takes for data must not look like the end of it here.
function endOfScan(bytes: Buffer, start: number): number {
  // By hand: a search for each 0xFF costs a call, and there may be millions.
  for (let at = start; at < bytes.length; at += 1) {
    if (bytes[at] !== 0xff) continue;
    let next = at + 1;
    while (bytes[next] === 0xff) next += 1;
    if (bytes[next] !== 0 && !isAlone(bytes[next] ?? 0)) return next - 1;
    at = next;
  }
  return bytes.length;
}

// Restart marks, and TEM, have no length.
function isAlone(marker: number): boolean {
  return (marker >= 0xd0 && marker <= 0xd7) || marker === 0x01;
}

// A type of four letters, as a number: there may be thousands to compare.
function numberOf(type: string): number {
  return Buffer.from(type, "latin1").readUInt32BE();
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}
