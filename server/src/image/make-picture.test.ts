import { deflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { pngChunk } from "../../../scripts/demo/png.ts";
import {
  givenJpegOfScans,
  givenPhoto,
  givenPlainPng,
  givenTwoHalves,
  splitIdat,
  uploadOf,
  withChunks,
  withSegments,
  withWebpChunks,
} from "../../test/pictures.ts";
import { codeOf, outcomesOf, together } from "../../test/together.ts";
import { maxProfileImageBytes, type ProfileImage } from "../contract/index.ts";
import { DomainError } from "../errors/domain-error.ts";
import { checkImageFile } from "./image-file.ts";
import { createPictureMaker } from "./make-picture.ts";

const pictures = createPictureMaker();
const me = { for: "user-1" };
const make = (bytes: Buffer) => pictures.make(uploadOf(bytes), me);

/** The reason for which a picture is refused. */
async function reasonOf(upload: ProfileImage): Promise<unknown> {
  const error: unknown = await pictures.make(upload, me).catch((reason: unknown) => reason);
  if (!(error instanceof DomainError) || error.problem.code !== "INVALID_IMAGE") return codeOf(error);
  return error.problem.details.reason;
}

const jpeg = await givenPhoto("jpeg");
const png = await givenPhoto("png");
const webp = await givenPhoto("webp");
const gif = await sharp(png).gif().toBuffer();
const tiff = await sharp(png).tiff().toBuffer();
const svg = Buffer.from(
  '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>',
);

describe("the picture that is kept", () => {
  test.each(["jpeg", "png", "webp"] as const)("of a %s is a square JPEG of 64 by 64", async (format) => {
    const kept = await sharp(await make(await givenPhoto(format))).metadata();
    expect(kept).toMatchObject({ format: "jpeg", width: 64, height: 64, channels: 3, space: "srgb" });
  });

  test("is the middle of the file's picture", async () => {
    const halves = await givenTwoHalves("red", "blue");
    const wide = await make(await halves.png().toBuffer());
    expect(await colourAt(wide, 4, 32)).toBe("red");
    expect(await colourAt(wide, 60, 32)).toBe("blue");
    const framed = await sharp(await halves.png().toBuffer())
      .extend({ left: 50, right: 50, background: "lime" })
      .png()
      .toBuffer();
    expect(await colourAt(await make(framed), 0, 32)).toBe("red");
    expect(await colourAt(await make(framed), 63, 32)).toBe("blue");
  });

  test("stands upright, however the camera was held", async () => {
    const file = await (
      await givenTwoHalves("red", "blue", "jpeg")
    )
      .withMetadata({ orientation: 6 })
      .toBuffer();
    const kept = await make(file);
    expect(await colourAt(kept, 32, 4)).toBe("red");
    expect(await colourAt(kept, 32, 60)).toBe("blue");
  });

  test("tells nothing of the file but its pixels", async () => {
    const file = await (
      await givenTwoHalves("red", "blue", "jpeg")
    )
      .withExif({ IFD0: { Copyright: "canary" }, IFD3: { GPSLatitude: "12/1 34/1 56/1" } })
      .withIccProfile("p3")
      .withXmp("<canary/>")
      .toBuffer();
    expect(file.includes("canary")).toBe(true);
    const kept = await make(file);
    expect(kept.includes("canary")).toBe(false);
    const { exif, icc, xmp, iptc, orientation } = await sharp(kept).metadata();
    expect({ exif, icc, xmp, iptc, orientation }).toEqual({});
  });

  test("has white where the file was transparent", async () => {
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const file = await sharp({ create: { width: 80, height: 80, channels: 4, background: clear } })
      .png()
      .toBuffer();
    expect(await colourAt(await make(file), 32, 32)).toBe("white");
  });

  test("has a screen's colours where the file had a printer's", async () => {
    const file = await sharp(jpeg).toColourspace("cmyk").jpeg().toBuffer();
    expect(await sharp(file).metadata()).toMatchObject({ space: "cmyk" });
    expect(await sharp(await make(file)).metadata()).toMatchObject({ space: "srgb", channels: 3 });
  });

  test("of a moving picture is its first frame", async () => {
    const frames = await sharp([await givenPhoto("png"), await givenPhoto("png")], {
      join: { animated: true },
    })
      .webp()
      .toBuffer();
    expect((await sharp(frames, { pages: -1 }).metadata()).pages).toBe(2);
    expect(await sharp(await make(frames)).metadata()).toMatchObject({ width: 64, height: 64 });
  });

  test("may come of a file with a preview behind its picture, as cameras write it", async () => {
    const preview = await givenPhoto("jpeg", { width: 30, height: 20 });
    expect(await make(Buffer.concat([jpeg, preview]))).toEqual(await make(jpeg));
  });
});

describe("a picture as it is written in the world passes", () => {
  const exif = Buffer.concat([
    Buffer.from("Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0", "latin1"),
    Buffer.alloc(60_000),
  ]);
  const profile = (part: number) =>
    Buffer.concat([Buffer.from("ICC_PROFILE\0", "latin1"), Buffer.from([part, 40]), Buffer.alloc(60_000)]);
  const moving = async () => {
    const frames = await Promise.all(
      Array.from({ length: 12 }, () => givenPhoto("png", { width: 40, height: 40 })),
    );
    return await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
  };

  test.each<[string, () => Buffer | Promise<Buffer>]>([
    [
      "a JPEG in ten scans",
      () => sharp(png).jpeg({ progressive: true, chromaSubsampling: "4:4:4" }).toBuffer(),
    ],
    [
      "a JPEG in mozjpeg's scans",
      async () =>
        sharp(await givenPhoto("png"))
          .jpeg({ mozjpeg: true, quality: 100 })
          .toBuffer(),
    ],
    ["a JPEG of 25 megapixels with all that its scans may cost", () => givenJpegOfScans(5_000, 8)],
    [
      "a JPEG with a camera's data and a profile in forty segments",
      () =>
        withSegments(
          withSegments(
            jpeg,
            0xe2,
            Array.from({ length: 40 }, (_part, index) => profile(index + 1)),
          ),
          0xe1,
          [exif],
        ),
    ],
    [
      "an interlaced PNG",
      async () =>
        sharp(await givenPhoto("png"))
          .png({ progressive: true })
          .toBuffer(),
    ],
    ["a PNG with its pixels in thousands of pieces", () => splitIdat(png, 16)],
    [
      "a PNG with everything that may be there once",
      async () =>
        sharp(await givenPhoto("png", { width: 30, height: 20 }))
          .withIccProfile("p3")
          .withExif({ IFD0: { Copyright: "x" } })
          .png({ palette: true })
          .toBuffer(),
    ],
    ["a WebP of many frames", moving],
  ])("%s", async (_what, file) => {
    expect(await sharp(await make(await file())).metadata()).toMatchObject({ width: 64, height: 64 });
  });
});

describe("a file that would cost far more than a picture is refused undecoded", () => {
  const empty = Buffer.alloc(0);
  const gamma = pngChunk("gAMA", Buffer.from([0, 0, 0xb1, 0x8f]));

  test.each<[string, () => Buffer]>([
    ["a JPEG of 42 scans in 150 KB", () => givenJpegOfScans(5_000, 42)],
    ["a large JPEG of nine scans, five of which refine", () => givenJpegOfScans(5_000, 9)],
    ["a JPEG with arithmetic codes", () => givenJpegOfScans(100, 2, 0xca)],
    [
      "a JPEG of a hundred thousand comments",
      () => withSegments(jpeg, 0xfe, Array<Buffer>(100_000).fill(empty)),
    ],
    [
      "a JPEG of a hundred thousand tables",
      () => withSegments(jpeg, 0xc4, Array<Buffer>(100_000).fill(empty)),
    ],
    ["a PNG of 310,000 gammas", () => withChunks(png, Array<Buffer>(310_000).fill(gamma))],
    [
      "a PNG of 400,000 unknown chunks",
      () => withChunks(png, Array<Buffer>(400_000).fill(pngChunk("juNK", empty))),
    ],
    [
      "a PNG of 400,000 empty IDATs",
      () => withChunks(png, Array<Buffer>(400_000).fill(pngChunk("IDAT", empty))),
    ],
    ["a WebP of 500,000 chunks", () => withWebpChunks(webp, "EXIF", 500_000)],
  ])("%s", (_what, file) => {
    const bytes = file();
    expect(bytes.length).toBeLessThan(maxProfileImageBytes);
    const before = process.cpuUsage();
    expect(checkImageFile(bytes)).toEqual({ problem: "damaged" });
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});

describe("a file is refused", () => {
  const text = (value: string) => Buffer.from(value);

  test.each<[string, Buffer | Promise<Buffer>, string]>([
    ["nothing", Buffer.alloc(0), "unsupported"],
    ["a text", text("A text."), "unsupported"],
    ["an SVG", svg, "unsupported"],
    ["a GIF", gif, "unsupported"],
    ["a TIFF", tiff, "unsupported"],
    ["an AVIF", sharp(png).avif({ effort: 0 }).toBuffer(), "unsupported"],
    ["a PDF", text("%PDF-1.7\n"), "unsupported"],
    ["a JPEG's first bytes", jpeg.subarray(0, 3), "damaged"],
    ["a PNG's first bytes", png.subarray(0, 8), "damaged"],
    ["a WebP's first bytes", webp.subarray(0, 12), "damaged"],
    ["half a JPEG", jpeg.subarray(0, jpeg.length / 2), "damaged"],
    ["half a PNG", png.subarray(0, png.length / 2), "damaged"],
    ["half a WebP", webp.subarray(0, webp.length / 2), "damaged"],
    ["a JPEG without its last byte", jpeg.subarray(0, -1), "damaged"],
    ["a PNG without its last byte", png.subarray(0, -1), "damaged"],
    ["a WebP without its last byte", webp.subarray(0, -1), "damaged"],
    ["a JPEG that is a page as well", Buffer.concat([jpeg, text("<script>1</script>")]), "damaged"],
    ["a PNG that is an archive as well", Buffer.concat([png, text("PK\x03\x04")]), "damaged"],
    ["a WebP that is a page as well", Buffer.concat([webp, svg]), "damaged"],
    ["a GIF that is a script as well", text("GIF89a/*\0\0*/=1;"), "unsupported"],
    ["an SVG behind the first bytes of a PNG", Buffer.concat([png.subarray(0, 8), svg]), "damaged"],
    ["a PNG with a wrong checksum", flip(png, png.length / 2), "damaged"],
    ["a PNG of no pixels", givenPlainPng(0, 0), "damaged"],
    [
      "a PNG without a picture",
      Buffer.concat([png.subarray(0, 33), pngChunk("IEND", Buffer.alloc(0))]),
      "damaged",
    ],
    ["25 million pixels and one row", givenPlainPng(5_000, 5_001), "too-many-pixels"],
    ["256 million pixels in less than a megabyte", givenPlainPng(16_000, 16_000), "too-many-pixels"],
    ["wider than any picture", givenPlainPng(0x7fff_ffff, 1), "damaged"],
  ])("that is %s", async (_what, file, reason) => {
    expect(await reasonOf(uploadOf(await file))).toBe(reason);
  });

  test("is too large before anything else about it", async () => {
    expect(await reasonOf({ base64: "!".repeat(8_000_000), sha256: "" })).toBe("too-large");
  });

  test("by the decoders too, of which only three are there", async () => {
    for (const file of [svg, gif, tiff]) await expect(sharp(file).metadata()).rejects.toThrow("unsupported");
  });

  test("that has more than 5 MB, and not one that has exactly as many", async () => {
    const padded = (length: number) => {
      const rest = length - png.length - 12;
      return Buffer.concat([png.subarray(0, -12), pngChunk("juNK", Buffer.alloc(rest)), png.subarray(-12)]);
    };
    await make(padded(maxProfileImageBytes));
    expect(await reasonOf(uploadOf(padded(maxProfileImageBytes + 1)))).toBe("too-large");
    expect(await reasonOf(uploadOf(padded(6_000_000)))).toBe("too-large");
  });

  test.each([
    "x",
    "====",
    "AA=A",
    "AAA",
    "A===",
    "AA==AA==",
    "YW J j",
    "data:image/png;base64,AAAA",
    "-_-_",
    "AAAA\n",
  ])("whose base64 is %j", async (base64) => {
    expect(await reasonOf({ ...uploadOf(png), base64 })).toBe("not-base64");
  });

  test.each(["", "x", "0".repeat(64), uploadOf(jpeg).sha256])("whose hash is %j", async (sha256) => {
    expect(await reasonOf({ ...uploadOf(png), sha256 })).toBe("INVALID_IMAGE_HASH");
  });

  test("by none of these when all is well, also with the hash in upper case", async () => {
    const upload = uploadOf(png);
    expect(await reasonOf({ ...upload, sha256: upload.sha256.toUpperCase() })).not.toBe("INVALID_IMAGE_HASH");
    await make(givenPlainPng(5_000, 5_000));
  });
});

test("what is a bomb in its texts costs no more than the picture", async () => {
  const text = Buffer.concat([Buffer.from("a\0\0"), deflateSync(Buffer.alloc(8_000_000))]);
  const chunks = Array.from({ length: 40 }, () => pngChunk("zTXt", text));
  const bomb = Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]);
  const before = process.memoryUsage().rss;
  expect(await make(bomb)).toEqual(await make(png));
  expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
});

test("so many pictures may wait for their turn, and the next customer gets a time to come back", async () => {
  const busy = createPictureMaker({ atOnce: 1, waiting: 2, perOwner: 2, retryAfterSeconds: 2 });
  const each = Array.from({ length: 5 }, (_each, index) => ({ for: `user-${index}` }));
  const { won, lost } = outcomesOf(
    await together(each.map((owner) => () => busy.make(uploadOf(png), owner))),
  );
  expect(won).toHaveLength(3);
  expect(lost).toEqual(["RATE_LIMITED", "RATE_LIMITED"]);
});

test("of one customer's ten pictures at once two are made, and another's has room beside those of many such", async () => {
  const hostile = Array.from({ length: 30 }, (_each, index) => ({ for: `hostile-${index % 3}` }));
  const uploads = [...hostile, me].map((owner) => pictures.make(uploadOf(png), owner));
  const { won, lost } = outcomesOf(await Promise.allSettled(uploads));
  expect(won).toHaveLength(7);
  expect(lost).toEqual(Array(24).fill("RATE_LIMITED"));
  expect(await uploads.at(-1)).toBeInstanceOf(Buffer);
  // What has ended counts no more, also when it was refused.
  expect(await reasonOf(uploadOf(flip(png, png.length / 2)))).toBe("damaged");
  expect(await Promise.all([make(png), make(png)])).toHaveLength(2);
});

function flip(bytes: Buffer, at: number): Buffer {
  const flipped = Buffer.from(bytes);
  const index = Math.floor(at);
  flipped[index] = (flipped[index] ?? 0) ^ 0xff;
  return flipped;
}

const colours = { red: [255, 0, 0], blue: [0, 0, 255], lime: [0, 255, 0], white: [255, 255, 255] };

async function colourAt(picture: Buffer, left: number, top: number): Promise<string | undefined> {
  const pixel = await sharp(picture).extract({ left, top, width: 1, height: 1 }).raw().toBuffer();
  const isNear = (colour: number[]) =>
    colour.every((value, index) => Math.abs(value - (pixel[index] ?? -99)) < 40);
  return Object.entries(colours).find(([, colour]) => isNear(colour))?.[0];
}
