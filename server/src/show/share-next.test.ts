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
  const hasBegun = async (count: number) => await expect.poll(() => begun.length).toBe(count);
  return { begun, read, hasBegun };
}

/** Ends the handling of one event, as that of one request ends before that of the next that has arrived with it. */
const nextEvent = () => Promise.resolve();

test("those who ask in one turn of the event loop share a reading", async () => {
  const { begun, read, hasBegun } = createReader();
  const first = read("a");
  await nextEvent();
  const second = read("a");
  expect(begun).toEqual([]);
  await hasBegun(1);
  begun[0]!.end(1);
  expect(await Promise.all([first, second])).toEqual([1, 1]);
  expect(begun).toHaveLength(1);
});

test("those who ask while a reading is under way share the next one, which begins after they asked and when it is over", async () => {
  const { begun, read, hasBegun } = createReader();
  const first = read("a");
  await hasBegun(1);
  const second = read("a");
  await nextEvent();
  const third = read("a");
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(begun).toHaveLength(1);
  begun[0]!.end(1);
  expect(await first).toBe(1);
  await hasBegun(2);
  const fourth = read("a");
  begun[1]!.end(2);
  expect([await second, await third]).toEqual([2, 2]);
  await hasBegun(3);
  begun[2]!.end(3);
  expect(await fourth).toBe(3);
});

test("other things are read at the same time, and an ended reading is not kept", async () => {
  const { begun, read, hasBegun } = createReader();
  const [one, other] = [read("a"), read("b")];
  await hasBegun(2);
  expect(begun.map(({ key }) => key)).toEqual(["a", "b"]);
  for (const reading of begun) reading.end(1);
  await Promise.all([one, other]);
  void read("a");
  await hasBegun(3);
});

test("a reading that fails fails for those who share it, and the next one is read again", async () => {
  const { begun, read, hasBegun } = createReader();
  const first = read("a");
  await hasBegun(1);
  const second = read("a");
  begun[0]!.fail(new Error("gone"));
  await expect(first).rejects.toThrow("gone");
  await hasBegun(2);
  begun[1]!.end(2);
  expect(await second).toBe(2);
});
