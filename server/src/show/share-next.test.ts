import { expect, test } from "vitest";
import { shareNext } from "./share-next.ts";

/** Readings that the test ends, or lets fail. */
function createReader() {
  const begun: { keys: readonly string[]; end: (value: number) => void; fail: (error: Error) => void }[] = [];
  const read = shareNext(
    (keys: readonly string[]) =>
      new Promise<string[]>((resolve, fail) => {
        begun.push({ keys, end: (value) => resolve(keys.map((key) => `${key}${value}`)), fail });
      }),
  );
  const hasBegun = async (count: number) => await expect.poll(() => begun.length).toBe(count);
  return { begun, read, hasBegun };
}

/** Ends the handling of one event, as that of one request ends before that of the next that has arrived with it. */
const nextEvent = () => Promise.resolve();

const laterTurn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("those who ask in one turn of the event loop share a reading, each of its own thing", async () => {
  const { begun, read, hasBegun } = createReader();
  const [one, other] = [read("a"), read("b")];
  await nextEvent();
  const late = read("a");
  expect(begun).toEqual([]);
  await hasBegun(1);
  expect(begun[0]!.keys).toEqual(["a", "b"]);
  begun[0]!.end(1);
  expect(await Promise.all([one, other, late])).toEqual(["a1", "b1", "a1"]);
});

test("those who ask while a reading is under way share the next one, which begins after they asked and when it is over", async () => {
  const { begun, read, hasBegun } = createReader();
  const first = read("a");
  await hasBegun(1);
  const second = read("a");
  await nextEvent();
  const third = read("a");
  await laterTurn();
  expect(begun).toHaveLength(1);
  begun[0]!.end(1);
  expect(await first).toBe("a1");
  await hasBegun(2);
  const fourth = read("a");
  begun[1]!.end(2);
  expect([await second, await third]).toEqual(["a2", "a2"]);
  await hasBegun(3);
  begun[2]!.end(3);
  expect(await fourth).toBe("a3");
});

test("what is read already waits alone: other things are read at the same time, and an ended reading is not kept", async () => {
  const { begun, read, hasBegun } = createReader();
  const one = read("a");
  await hasBegun(1);
  const [again, other] = [read("a"), read("b")];
  await hasBegun(2);
  expect(begun[1]!.keys).toEqual(["b"]);
  begun[1]!.end(1);
  expect(await other).toBe("b1");
  begun[0]!.end(1);
  expect(await one).toBe("a1");
  await hasBegun(3);
  begun[2]!.end(2);
  expect(await again).toBe("a2");
  void read("a");
  await hasBegun(4);
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
  expect(await second).toBe("a2");
});
