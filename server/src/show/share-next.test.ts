import { expect, test } from "vitest";
import { shareNext } from "./share-next.ts";

/** A reading that the test ends, or lets fail. */
function createReader() {
  const begun: { key: string; end: (value: number) => void; fail: (error: Error) => void }[] = [];
  const read = shareNext(
    (key: string) =>
      new Promise<number>((end, fail) => {
        begun.push({ key, end, fail });
      }),
  );
  return { begun, read };
}

test("those who ask while a reading is under way share the next one, which begins after they asked", async () => {
  const { begun, read } = createReader();
  const first = read("a");
  const [second, third] = [read("a"), read("a")];
  expect(begun).toHaveLength(1);
  begun[0]!.end(1);
  expect(await first).toBe(1);
  await expect.poll(() => begun.length).toBe(2);
  const fourth = read("a");
  begun[1]!.end(2);
  expect([await second, await third]).toEqual([2, 2]);
  await expect.poll(() => begun.length).toBe(3);
  begun[2]!.end(3);
  expect(await fourth).toBe(3);
});

test("other things are read at the same time, and an ended reading is not kept", async () => {
  const { begun, read } = createReader();
  const [one, other] = [read("a"), read("b")];
  expect(begun.map(({ key }) => key)).toEqual(["a", "b"]);
  for (const reading of begun) reading.end(1);
  await Promise.all([one, other]);
  void read("a");
  expect(begun).toHaveLength(3);
});

test("a reading that fails fails for those who share it, and the next one is read again", async () => {
  const { begun, read } = createReader();
  const first = read("a");
  const second = read("a");
  begun[0]!.fail(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  await expect.poll(() => begun.length).toBe(2);
  begun[1]!.end(2);
  expect(await second).toBe(2);
});
