const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;

// Encoders write a dozen at most; each costs a pass over the whole picture, however few bytes it has.
const maxScans = 100;
// A decoder walks all of them, also to show the first one only.
const maxFrames = 200;

/** What a decoder needs of a PNG: its head, its pixels, and what says how these are to be shown. Texts can be bombs of their own. */
const pngChunks = new Set(["IHDR", "PLTE", "tRNS", "IDAT", "IEND", "gAMA", "cHRM", "sRGB", "iCCP", "eXIf"]);

/** A file as it may go to a decoder, or what is wrong with it. */
export type CheckedFile = { bytes: Buffer } | { problem: "damaged" | "unsupported" };

/**
 * Looks at a file from outside: it has to be one whole JPEG, PNG or WebP and nothing else. "unsupported" begins as none of them, "damaged" ends
 * before its picture does, goes on after it, as one does that is a page, a script or an archive as well, or would cost far more than pictures
 * do. Decodes nothing.
 */
export function checkImageFile(bytes: Buffer): CheckedFile {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, soi, 0xff]))) return wholeIf(bytes, endOfJpegs(bytes));
  if (bytes.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))) return checkPng(bytes);
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP")
    return wholeIf(bytes, endOfWebp(bytes));
  return { problem: "unsupported" };
}

function wholeIf(bytes: Buffer, end: number): CheckedFile {
  return end === bytes.length ? { bytes } : { problem: "damaged" };
}

// Chunks of length, type, data and checksum, the last of them IEND (ISO/IEC 15948, 5.3).
function checkPng(bytes: Buffer): CheckedFile {
  const needed = [bytes.subarray(0, 8)];
  let at = 8;
  while (at + 12 <= bytes.length) {
    const type = ascii(bytes, at + 4, at + 8);
    const end = at + 12 + bytes.readUInt32BE(at);
    if (pngChunks.has(type)) needed.push(bytes.subarray(at, end));
    if (type === "IEND")
      return end === bytes.length ? { bytes: Buffer.concat(needed) } : { problem: "damaged" };
    at = end;
  }
  return { problem: "damaged" };
}

// Chunks of type, length and data, padded to an even length (RFC 9649, 2.3); an animation has one ANMF for each frame.
function endOfWebp(bytes: Buffer): number {
  const end = 8 + bytes.readUInt32LE(4);
  let at = 12;
  let frames = 0;
  while (at + 8 <= end && at + 8 <= bytes.length) {
    if (ascii(bytes, at, at + 4) === "ANMF") frames += 1;
    const length = bytes.readUInt32LE(at + 4);
    at += 8 + length + (length % 2);
  }
  return frames > maxFrames ? 0 : end;
}

// Cameras add further JPEGs after the first, such as previews and gain maps (CIPA DC-007); anything else has no business there.
function endOfJpegs(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length && bytes[at] === 0xff && bytes[at + 1] === soi) {
    const end = endOfJpeg(bytes, at);
    if (end === 0) return 0;
    at = end;
  }
  return at;
}

// Segments that say how long they are, and after each SOS compressed data in which 0xFF is followed by 0 or a restart mark (ISO/IEC 10918-1, B.1).
function endOfJpeg(bytes: Buffer, start: number): number {
  let at = start + 2;
  let scans = 0;
  while (at + 2 <= bytes.length && scans <= maxScans) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0) return 0;
    if (marker === eoi) return at + 2;
    if (marker === 0xff) at += 1;
    else if (isAlone(marker)) at += 2;
    else if (at + 4 > bytes.length) return 0;
    else {
      at += 2 + bytes.readUInt16BE(at + 2);
      if (marker !== sos) continue;
      scans += 1;
      at = endOfScan(bytes, at);
    }
  }
  return 0;
}

// Any number of 0xFF may stand before what they introduce: what a decoder takes for data must not look like the end of it here.
function endOfScan(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(0xff, start);
  while (at !== -1) {
    let next = at + 1;
    while (bytes[next] === 0xff) next += 1;
    if (bytes[next] !== 0 && !isAlone(bytes[next] ?? 0)) return next - 1;
    at = bytes.indexOf(0xff, next + 1);
  }
  return bytes.length;
}

// Restart marks, and TEM, have no length.
function isAlone(marker: number): boolean {
  return (marker >= 0xd0 && marker <= 0xd7) || marker === 0x01;
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}
