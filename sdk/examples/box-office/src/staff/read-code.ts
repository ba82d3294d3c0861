import type * as Decoder from "qr/decode.js";

/** Where a code may be seen: a frame of the camera, or a picture. */
export type Seen = HTMLVideoElement | ImageBitmap;

/** What reads codes could not be loaded; the message says so to a person. */
export class NoDecoderError extends Error {}

/** Loads what reads codes, so that a door that loses its network has it. Rejects with a `NoDecoderError`. */
export async function loadDecoder(): Promise<typeof Decoder> {
  try {
    return await import("qr/decode.js");
  } catch (cause) {
    throw new NoDecoderError("Pictures cannot be read just now. Paste the code of the ticket.", { cause });
  }
}

/**
 * The text of the QR code that can be seen; undefined when there is none. One library reads it in every browser, since not all of them have a
 * `BarcodeDetector`; it is loaded at the first code,
 * if not by `loadDecoder` before. Rejects with a `NoDecoderError`.
 */
export async function readCode(seen: Seen): Promise<string | undefined> {
  const { decodeQR } = await loadDecoder();
  const isVideo = seen instanceof HTMLVideoElement;
  const [width, height] = isVideo ? [seen.videoWidth, seen.videoHeight] : [seen.width, seen.height];
  if (width === 0 || height === 0) return undefined;
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  if (drawing === null) return undefined;
  drawing.drawImage(seen, 0, 0);
  try {
    return decodeQR(drawing.getImageData(0, 0, width, height));
  } catch {
    // That is how it says that there is no code.
    return undefined;
  }
}
