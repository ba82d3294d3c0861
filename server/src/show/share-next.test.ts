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

/** Makes each call in an event of its own, all in one turn of the event loop: so requests are handled that have arrived together. */
async function inOneTurn<Result>(calls: (() => Promise<Result>)[]): Promise<{ answer: Promise<Result> }[]> {
  return await Promise.all(
    calls.map(
      (call) =>
        new Promise<{ answer: Promise<Result> }>((resolve) => {
          setImmediate(() => resolve({ answer: call() }));
        }),
    ),
  );
}

test("those whose requests arrive together share a reading, each of its own thing", async () => {
  const { begun, read, hasBegun } = createReader();
  const calls = await inOneTurn(["a", "b", "a"].map((key) => () => read(key)));
  await hasBegun(1);
  expect(begun[0]!.keys).toEqual(["a", "b"]);
  begun[0]!.end(1);
  expect(await Promise.all(calls.map(({ answer }) => answer))).toEqual(["a1", "b1", "a1"]);
});

test("those who ask while a reading is under way share the next one, which begins after they asked and when it is over", async () => {
  const { begun, read, hasBegun } = createReader();
  const first = read("a");
  await hasBegun(1);
  const later = await inOneTurn([() => read("a"), () => read("a")]);
  await inOneTurn([() => Promise.resolve()]);
  expect(begun).toHaveLength(1);
  begun[0]!.end(1);
  expect(await first).toBe("a1");
  await hasBegun(2);
  const fourth = read("a");
  begun[1]!.end(2);
  expect(await Promise.all(later.map(({ answer }) => answer))).toEqual(["a2", "a2"]);
  await hasBegun(3);
  begun[2]!.end(3);
  expect(await fourth).toBe("a3");
});

test("a thing that is being read keeps no other waiting, and an ended reading is not kept", async () => {
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

test("a reading that fails fails for all who share it, and the next one is read again", async () => {
  const { begun, read, hasBegun } = createReader();
  const [first, other] = [read("a"), read("b")];
  await hasBegun(1);
  const second = read("a");
  begun[0]!.fail(new Error("gone"));
  const [ofFirst, ofOther] = await Promise.allSettled([first, other]);
  expect([ofFirst, ofOther]).toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
  await hasBegun(2);
  begun[1]!.end(2);
  expect(await second).toBe("a2");
});
