import { expect, test } from "vitest";
import { readJson } from "./bounded-json.ts";

const bodyOf = (...chunks: string[]) => ReadableStream.from(chunks.map((chunk) => Buffer.from(chunk)));

test.each([
  [['{"a"', ":1}"], { kind: "json", value: { a: 1 } }],
  [['"अ"'], { kind: "json", value: "अ" }],
  [["[1,", "2"], { kind: "not-json" }],
  [[], { kind: "not-json" }],
])("a body of %j is %j", async (chunks, expected) => {
  expect(await readJson(bodyOf(...chunks), 100)).toEqual(expected);
});

test("no body is no JSON", async () => {
  expect(await readJson(null, 100)).toEqual({ kind: "not-json" });
});

test("a body has its limit in bytes, over all its chunks", async () => {
  expect(await readJson(bodyOf('"ab', 'cd"'), 6)).toEqual({ kind: "json", value: "abcd" });
  expect(await readJson(bodyOf('"ab', 'cde"'), 6)).toEqual({ kind: "too-long" });
});

test("a body that never ends is read no further than its limit, and let go", async () => {
  let chunks = 0;
  let isCancelled = false;
  const endless = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        chunks += 1;
        controller.enqueue(new Uint8Array(10));
      },
      cancel: () => void (isCancelled = true),
    },
    { highWaterMark: 0 },
  );
  expect(await readJson(endless, 35)).toEqual({ kind: "too-long" });
  expect([chunks, isCancelled]).toEqual([4, true]);
});
