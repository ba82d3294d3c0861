import { expect, test } from "vitest";
import { createKnown } from "./known.ts";

/** Values whose readings the test ends; a key that begins with "no" has none. */
function createReading(max = 100) {
  const begun: { keys: readonly string[]; end: (value: number) => void }[] = [];
  const known = createKnown<string, { value: number }>({ max }, async (keys) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    begun.push({ keys, end: resolve });
    const value = await promise;
    return keys.filter((key) => !key.startsWith("no")).map((key) => [key, { value }] as const);
  });
  return { begun, known };
}

test("what is known is read once, and what is not there each time", async () => {
  const { begun, known } = createReading();
  const first = known.get(["a", "none", "b"]);
  begun[0]!.end(1);
  expect(await first).toEqual([{ value: 1 }, undefined, { value: 1 }]);
  const second = known.get(["b", "c", "none", "a"]);
  expect(begun[1]!.keys).toEqual(["c", "none"]);
  begun[1]!.end(2);
  expect(await second).toEqual([{ value: 1 }, { value: 2 }, undefined, { value: 1 }]);
  expect([known.peek("a"), known.peek("none")]).toEqual([{ value: 1 }, undefined]);
});

test("what was forgotten is read again, and the rest is not", async () => {
  const { begun, known } = createReading();
  const first = known.get(["a", "b"]);
  begun[0]!.end(1);
  await first;
  known.forget("a");
  expect([known.peek("a"), known.peek("b")]).toEqual([undefined, { value: 1 }]);
  known.forgetAll();
  expect(known.peek("b")).toBeUndefined();
});

test.each(["forget", "forgetAll"] as const)(
  "what is forgotten by %s while it is being read is given to those who asked, and not kept",
  async (how) => {
    const { begun, known } = createReading();
    const first = known.get(["a", "b"]);
    if (how === "forget") known.forget("a");
    else known.forgetAll();
    begun[0]!.end(1);
    expect(await first).toEqual([{ value: 1 }, { value: 1 }]);
    expect([known.peek("a"), known.peek("b")]).toEqual([
      undefined,
      how === "forget" ? { value: 1 } : undefined,
    ]);
  },
);

test("a later reading keeps what an earlier one may not", async () => {
  const { begun, known } = createReading();
  const first = known.get(["a"]);
  known.forget("a");
  const second = known.get(["a"]);
  begun[1]!.end(2);
  await second;
  begun[0]!.end(1);
  await first;
  expect(known.peek("a")).toEqual({ value: 2 });
});

test("a failed reading leaves nothing", async () => {
  const known = createKnown<string, object>({ max: 9 }, () => Promise.reject(new Error("away")));
  await expect(known.get(["a"])).rejects.toThrow("away");
  known.forget("a");
  expect(known.peek("a")).toBeUndefined();
});
