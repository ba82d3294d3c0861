import { createHash } from "node:crypto";
import {
  maxProfileImageBytes,
  maxProfileImagePixels,
  profileImageSide,
  type ImageProblem,
  type ProfileImage,
} from "../contract/index.ts";
import type { PictureMaker } from "./ports.ts";
import { DomainError } from "../errors/domain-error.ts";
import { createBoundedQueue } from "../runtime/bounded-queue.ts";
import { checkImageFile } from "./image-file.ts";

const decodeSeconds = 5;
const jpegQuality = 85;

// Most pictures take some hundredths of a second, the costliest about half a second. Three customers with two each leave room for fifteen.
const defaultBounds = { atOnce: 1, waiting: 20, perOwner: 2, retryAfterSeconds: 2 };

/** Makes pictures one at a time, off the main thread; what is not asked for in the file, such as where a photo was taken, is gone. */
export function createPictureMaker(bounds: typeof defaultBounds = defaultBounds): PictureMaker {
  const queue = createBoundedQueue(bounds);
  return {
    async make(image, { for: owner }) {
      const bytes = readImage(image);
      return await queue.run(() => makeSquare(bytes), owner);
    },
  };
}

// Cheap checks first, so that a refusal costs little.
function readImage({ base64, sha256 }: ProfileImage): Buffer {
  if (base64.length > Math.ceil(maxProfileImageBytes / 3) * 4) refuse("too-large");
  const bytes = Buffer.from(base64, "base64");
  if (!isBase64Of(base64, bytes)) refuse("not-base64");
  if (bytes.length > maxProfileImageBytes) refuse("too-large");
  if (createHash("sha256").update(bytes).digest("hex") !== sha256.toLowerCase()) {
    throw new DomainError({ code: "INVALID_IMAGE_HASH" });
  }
  const file = checkImageFile(bytes);
  return "problem" in file ? refuse(file.problem) : file.bytes;
}

// Node passes over what is no base64, so that too few bytes come of it; only the URL's alphabet it reads as well (RFC 4648, section 5).
function isBase64Of(text: string, { length }: Buffer): boolean {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (
    text.length % 4 === 0 &&
    length === (text.length / 4) * 3 - padding &&
    !text.includes("-") &&
    !text.includes("_")
  );
}

// Loaded by the first picture, to keep a server without one small.
let loading: ReturnType<typeof loadSharp> | undefined;

async function loadSharp() {
  const { default: sharp } = await import("sharp");
  // Only the three decoders that we accept are there at all: no SVG, GIF, TIFF, HEIF, PDF or whatever else libvips reads.
  sharp.block({ operation: ["VipsForeignLoad"] });
  sharp.unblock({
    operation: ["VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer", "VipsForeignLoadWebpBuffer"],
  });
  // Pictures come once each, so that remembering them only costs memory, and one at a time, so that they leave the processors to calls.
  sharp.cache(false);
  sharp.concurrency(1);
  return sharp;
}

async function makeSquare(bytes: Buffer): Promise<Buffer> {
  const sharp = await (loading ??= loadSharp());
  try {
    // Reads no further than the head of the file.
    const { width, height } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (width * height > maxProfileImagePixels) refuse("too-many-pixels");
    return await sharp(bytes, {
      limitInputPixels: maxProfileImagePixels,
      failOn: "warning",
      pages: 1,
      sequentialRead: true,
      autoOrient: true,
    })
      .resize(profileImageSide, profileImageSide, { fit: "cover", position: "centre" })
      .flatten({ background: "white" })
      .jpeg({ quality: jpegQuality })
      .timeout({ seconds: decodeSeconds })
      .toBuffer();
  } catch (error) {
    if (error instanceof DomainError) throw error;
    refuse("damaged");
  }
}

function refuse(reason: ImageProblem): never {
  throw new DomainError({ code: "INVALID_IMAGE", details: { reason } });
}
