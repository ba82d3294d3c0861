import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { pngChunk } from "../../../scripts/demo/png.ts";
import { givenJpegOfScans } from "../../test/pictures.ts";
import { checkImageFile } from "./image-file.ts";

const start = [0xff, 0xd8];
const end = [0xff, 0xd9];
const scanHead = [0xff, 0xda, 0, 2];
const problemOf = (...parts: number[][]) => {
  const file = checkImageFile(Buffer.from(parts.flat()));
  return "problem" in file ? file.problem : undefined;
};

const problemsOf = (files: Buffer[]) => files.map((file) => problemOf([...file]));

describe("the end of a JPEG", () => {
  test("is behind its scans, whose data may have restart marks and bytes that look like marks", () => {
    expect(
      problemOf(start, scanHead, [1, 0xff, 0xd0, 2, 0xff, 0x00, 0xd9, 0xff, 0xd7, 3], end),
    ).toBeUndefined();
    expect(problemOf(start, scanHead, [1, 0xff, 0xe0, 0, 2], end)).toBeUndefined();
  });

  test("is not one inside a segment", () => {
    expect(problemOf(start, [0xff, 0xe1, 0, 4], end)).toBe("damaged");
    expect(problemOf(start, [0xff, 0xe1, 0, 4], end, end)).toBeUndefined();
  });

  test.each([
    ["no mark where one has to be", [0x12, 0xd9]],
    ["a segment longer than the file", [0xff, 0xe1, 0xff, 0xff]],
    ["a segment of no length", [0xff, 0xe1]],
    ["nothing", []],
  ])("is missing where there is %s", (_what, rest) => {
    expect(problemOf(start, [0xff, 0xfe, 0, 2], rest)).toBe("damaged");
  });

  test("may be that of a further JPEG, but of no other file", () => {
    const whole = [start, [0xff, 0xfe, 0, 2], end];
    expect(problemOf(...whole, ...whole)).toBeUndefined();
    expect(problemOf(...whole, start)).toBe("damaged");
    expect(problemOf(...whole, [0])).toBe("damaged");
  });

  test("is found behind any number of fill bytes, which hide no scan from the count", () => {
    const data = [1, 0xff, 0xff, 0xff, 0x00, 2];
    expect(problemOf(start, scanHead, data, end)).toBeUndefined();
    expect(problemOf(start, scanHead, data, [0xff, 0xff], end)).toBeUndefined();
    const hidden = Array.from({ length: 21 }, () => [...scanHead, 1]).flat();
    expect(problemOf(start, scanHead, [0xff, 0xff, 0x00, 0xff, 0xf0], hidden, end)).toBe("damaged");
    // Nothing is introduced by a zero.
    expect(problemOf(start, [0xff, 0x00, 0, 2], end)).toBe("damaged");
  });

  test("comes after twenty scans at most, each of which costs a pass over the picture", () => {
    const scans = (count: number) => Array.from({ length: count }, () => [...scanHead, 1]).flat();
    expect(problemOf(start, scans(20), end)).toBeUndefined();
    expect(problemOf(start, scans(21), end)).toBe("damaged");
    // Each picture of the file has its own.
    expect(problemOf(start, scans(20), end, start, scans(20), end)).toBeUndefined();
  });

  test("comes after few scans that refine, the fewer the larger the picture is", () => {
    expect(problemsOf([20, 21].map((scans) => givenJpegOfScans(1_000, scans)))).toEqual([
      undefined,
      "damaged",
    ]);
    // The first four do not refine.
    expect(problemsOf([8, 9].map((scans) => givenJpegOfScans(5_000, scans)))).toEqual([undefined, "damaged"]);
    expect(problemsOf([12, 13].map((scans) => givenJpegOfScans(3_500, scans)))).toEqual([
      undefined,
      "damaged",
    ]);
  });

  test("comes after one picture's head, of a kind that everyone shows", () => {
    const head = (code: number) => [0xff, code, 0, 17, 8, 0, 9, 0, 9, 3, 1, 17, 0, 2, 17, 0, 3, 17, 0];
    for (const code of [0xc0, 0xc1, 0xc2]) expect(problemOf(start, head(code), end)).toBeUndefined();
    for (const code of [0xc3, 0xc5, 0xc9, 0xca, 0xcf])
      expect(problemOf(start, head(code), end)).toBe("damaged");
    expect(problemOf(start, head(0xc2), head(0xc2), end)).toBe("damaged");
    expect(problemOf(start, [0xff, 0xc2, 0, 9])).toBe("damaged");
  });

  test("comes after a thousand segments at most, in all pictures of the file together", () => {
    const comments = (count: number) => Array.from({ length: count }, () => [0xff, 0xfe, 0, 2]).flat();
    expect(problemOf(start, comments(999), end)).toBeUndefined();
    expect(problemOf(start, comments(1_000), end)).toBe("damaged");
    const half = [...start, ...comments(499), ...end];
    expect(problemOf(half, half)).toBeUndefined();
    expect(problemOf(half, half, half)).toBe("damaged");
    expect(problemOf(Array.from({ length: 1_001 }, () => [...start, ...end]).flat())).toBe("damaged");
  });
});

describe("a moving WebP", () => {
  const chunk = (type: string, data: number[]) => {
    const head = Buffer.alloc(8);
    head.write(type, "latin1");
    head.writeUInt32LE(data.length, 4);
    return [...head, ...data, ...(data.length % 2 === 1 ? [0] : [])];
  };
  const webpOf = (...chunks: number[][]) => {
    const body = [...Buffer.from("WEBP"), ...chunks.flat()];
    const head = Buffer.alloc(8);
    head.write("RIFF", "latin1");
    head.writeUInt32LE(body.length, 4);
    return [...head, ...body];
  };

  test("has two hundred frames at most, all of which a decoder walks", () => {
    const frames = (count: number) => Array.from({ length: count }, () => chunk("ANMF", [1, 2, 3]));
    expect(problemOf(webpOf(chunk("VP8X", [0, 0]), ...frames(200)))).toBeUndefined();
    expect(problemOf(webpOf(chunk("VP8X", [0, 0]), ...frames(201)))).toBe("damaged");
  });

  test("and a thousand chunks at most", () => {
    const chunks = (count: number) => Array.from({ length: count }, () => chunk("EXIF", []));
    expect(problemOf(webpOf(...chunks(1_000)))).toBeUndefined();
    expect(problemOf(webpOf(...chunks(1_001)))).toBe("damaged");
  });
});

describe("what a decoder gets of a PNG", () => {
  const png = (...chunks: [string, Buffer][]) =>
    Buffer.concat([
      Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
      ...chunks.map(([type, data]) => pngChunk(type, data)),
    ]);
  const needed: [string, Buffer][] = [
    ["IHDR", Buffer.alloc(13)],
    ["eXIf", Buffer.alloc(4)],
    ["IDAT", Buffer.alloc(20)],
    ["IEND", Buffer.alloc(0)],
  ];

  test("has no texts, which can be bombs of their own, and nothing else that it does not need", () => {
    const bomb = deflateSync(Buffer.alloc(8_000_000));
    const file = png(
      ...needed.slice(0, 2),
      ["zTXt", Buffer.concat([Buffer.from("a\0\0"), bomb])],
      ["iTXt", Buffer.alloc(9)],
      ["tEXt", Buffer.alloc(9)],
      ["juNK", Buffer.alloc(9)],
      ...needed.slice(2),
    );
    expect(checkImageFile(file)).toEqual({ bytes: png(...needed) });
  });

  test.each(["IHDR", "PLTE", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "eXIf"])(
    "has %s once at most",
    (type) => {
      const others = needed.filter(([one]) => one !== type);
      const twice = (count: number) =>
        png(...Array.from({ length: count }, (): [string, Buffer] => [type, Buffer.alloc(4)]), ...others);
      expect(checkImageFile(twice(1))).toEqual({ bytes: twice(1) });
      expect(checkImageFile(twice(2))).toEqual({ problem: "damaged" });
    },
  );

  test.each(["IDAT", "tEXt"])("comes of twenty thousand chunks at most, also when they are %s", (type) => {
    const many = (count: number) =>
      png(
        needed[0]!,
        ...Array.from({ length: count }, (): [string, Buffer] => [type, Buffer.alloc(0)]),
        needed[3]!,
      );
    expect("bytes" in checkImageFile(many(19_998))).toBe(true);
    expect(checkImageFile(many(19_999))).toEqual({ problem: "damaged" });
  });
});
