const soi = 0xd8;
const eoi = 0xd9;
const sos = 0xda;

// Encoders write a dozen at most; each costs a pass over the whole picture, however few bytes it has.
const maxScans = 100;

/**
 * Whether the bytes are anything but one whole JPEG, PNG or WebP file: "unsupported" when they begin as none of them, "damaged" when the file
 * ends before its picture does or goes on after it, as one does that is a page, a script or an archive as well. Decodes nothing.
 */
export function findProblem(bytes: Buffer): "damaged" | "unsupported" | undefined {
  const end = endOfImage(bytes);
  if (end === undefined) return "unsupported";
  return end === bytes.length ? undefined : "damaged";
}

function endOfImage(bytes: Buffer): number | undefined {
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, soi, 0xff]))) return endOfJpegs(bytes);
  if (bytes.subarray(0, 8).equals(Buffer.from("\x89PNG\r\n\x1a\n", "latin1"))) return endOfPng(bytes);
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP") return 8 + bytes.readUInt32LE(4);
  return undefined;
}

// Chunks of length, type, data and checksum, the last of them IEND (ISO/IEC 15948, 5.3).
function endOfPng(bytes: Buffer): number {
  let at = 8;
  while (at + 12 <= bytes.length) {
    const type = ascii(bytes, at + 4, at + 8);
    at += 12 + bytes.readUInt32BE(at);
    if (type === "IEND") return at;
  }
  return 0;
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
    if (bytes[at] !== 0xff) return 0;
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

function endOfScan(bytes: Buffer, start: number): number {
  let at = bytes.indexOf(0xff, start);
  while (at !== -1 && (bytes[at + 1] === 0 || isAlone(bytes[at + 1] ?? 0))) at = bytes.indexOf(0xff, at + 2);
  return at === -1 ? bytes.length : at;
}

// Restart marks, and TEM, have no length.
function isAlone(marker: number): boolean {
  return (marker >= 0xd0 && marker <= 0xd7) || marker === 0x01;
}

function ascii(bytes: Buffer, start: number, end: number): string {
  return bytes.toString("latin1", start, end);
}
