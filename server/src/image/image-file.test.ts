import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { pngChunk } from "../../../scripts/demo/png.ts";
import { checkImageFile } from "./image-file.ts";

const start = [0xff, 0xd8];
const end = [0xff, 0xd9];
const scanHead = [0xff, 0xda, 0, 2];
const problemOf = (...parts: number[][]) => {
  const file = checkImageFile(Buffer.from(parts.flat()));
  return "problem" in file ? file.problem : undefined;
};

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
    const hidden = Array.from({ length: 101 }, () => [...scanHead, 1]).flat();
    expect(problemOf(start, scanHead, [0xff, 0xff, 0x00, 0xff, 0xf0], hidden, end)).toBe("damaged");
    // Nothing is introduced by a zero.
    expect(problemOf(start, [0xff, 0x00, 0, 2], end)).toBe("damaged");
  });

  test("comes after a hundred scans at most, each of which costs a pass over the picture", () => {
    const scans = (count: number) => Array.from({ length: count }, () => [...scanHead, 1]).flat();
    expect(problemOf(start, scans(100), end)).toBeUndefined();
    expect(problemOf(start, scans(101), end)).toBe("damaged");
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
});
