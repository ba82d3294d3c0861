import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createAdmission, type Arrival, type Lane } from "./admission.ts";

const atOnce: Record<Lane, number> = { queries: 2, mutations: 2, outside: 3 };
const overloaded = { problem: { code: "OVERLOADED", details: { retryAfterSeconds: 1 } } };

/** A server that works on two queries at once, each until the test ends it, on a clock that the test moves. */
function givenServer({ maxCalls = 1_000 } = {}) {
  let now = 0;
  const admission = createAdmission({ maxCalls, atOnce, now: () => now });
  const begun: { name: string; end: () => void }[] = [];
  const call = (name: string, arrival: Partial<Arrival> = {}) => {
    const whole: Arrival = {
      lane: "queries",
      weight: 1,
      isUrgent: false,
      owner: undefined,
      waitedMs: 0,
      ...arrival,
    };
    return admission.run(whole, () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      begun.push({ name, end: () => resolve(name) });
      return promise;
    });
  };
  return {
    admission,
    call,
    pass: (ms: number) => void (now += ms),
    names: () => begun.map(({ name }) => name),
    async end(name: string) {
      await setImmediate();
      begun.find((one) => one.name === name)?.end();
      await setImmediate();
    },
  };
}

/** What became of calls so far. */
function watch(calls: Promise<unknown>[]) {
  const outcomes = calls.map(() => "waits");
  calls.forEach((call, index) => {
    call.then(
      () => (outcomes[index] = "answered"),
      () => (outcomes[index] = "refused"),
    );
  });
  return outcomes;
}

describe("a turn", () => {
  test("is for as many calls as are at work at once; the others begin in the order in which they came", async () => {
    const { call, names, end } = givenServer();
    const calls = ["a", "b", "c", "d"].map((name) => call(name));
    await setImmediate();
    expect(names()).toEqual(["a", "b"]);
    await end("b");
    expect(names()).toEqual(["a", "b", "c"]);
    await end("a");
    await end("c");
    await end("d");
    expect(await Promise.all(calls)).toEqual(["a", "b", "c", "d"]);
  });

  test("of a mutation is not taken by queries, nor by calls that wait for another service", async () => {
    const { call, names } = givenServer();
    for (const name of ["a", "b", "c"]) void call(name);
    for (const name of ["x", "y", "z"]) void call(name, { lane: "outside" });
    void call("hold", { lane: "mutations" });
    await setImmediate();
    expect(names()).toEqual(["a", "b", "x", "y", "z", "hold"]);
  });

  test("of a batch is as many as its calls", async () => {
    const { call, names, end } = givenServer();
    void call("batch", { weight: 5 });
    void call("a");
    await setImmediate();
    expect(names()).toEqual(["batch"]);
    await end("batch");
    expect(names()).toEqual(["batch", "a"]);
  });

  test("comes first for what is urgent", async () => {
    const { call, names, end } = givenServer();
    for (const name of ["a", "b", "c"]) void call(name, { lane: "mutations" });
    void call("pay", { lane: "mutations", isUrgent: true });
    await end("a");
    await end("b");
    expect(names()).toEqual(["a", "b", "pay", "c"]);
  });

  test("is for another call after three urgent ones, so that these keep none waiting for ever", async () => {
    const { call, names, end } = givenServer();
    for (const name of ["a", "b", "c"]) void call(name, { lane: "mutations" });
    for (let number = 1; number <= 8; number += 1)
      void call(`urgent ${number}`, { lane: "mutations", isUrgent: true });
    await end("a");
    await end("b");
    for (let number = 1; number <= 3; number += 1) await end(`urgent ${number}`);
    expect(names().slice(2)).toEqual(["urgent 1", "urgent 2", "urgent 3", "c", "urgent 4"]);
  });

  test("is free again after a call that fails", async () => {
    const { admission, call, names } = givenServer();
    const arrival: Arrival = { lane: "queries", weight: 2, isUrgent: false, owner: undefined, waitedMs: 0 };
    await expect(admission.run(arrival, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    void call("a");
    await setImmediate();
    expect(names()).toEqual(["a"]);
  });
});

describe("overload", () => {
  test("is not a burst that is worked off: a hundred calls at once are all answered", async () => {
    const { call, names, end, pass } = givenServer();
    const calls = Array.from({ length: 100 }, (_, index) => call(String(index)));
    for (let index = 0; index < 100; index += 1) {
      pass(4);
      await end(String(index));
    }
    expect(names()).toHaveLength(100);
    expect(await Promise.all(calls)).toHaveLength(100);
  });

  test("is not a queue in which calls wait shortly, however long it stands", async () => {
    const { call, end, pass } = givenServer();
    const calls = Array.from({ length: 12 }, (_, index) => call(String(index)));
    // Each caller asks again once it is answered: ten calls are always waiting, for 200 ms each.
    for (let index = 0; index < 300; index += 1) {
      pass(20);
      await end(String(index));
      calls.push(call(String(index + 12)));
    }
    expect(await Promise.all(calls.slice(0, 300))).toHaveLength(300);
  });

  test("is not a call of half a second, after which the others begin", async () => {
    const { call, end, pass } = givenServer();
    pass(10_000);
    const first = watch([call("slow", { weight: 2 })]);
    pass(400);
    const others = watch([call("a"), call("b")]);
    pass(200);
    await end("slow");
    expect([...first, ...others]).toEqual(["answered", "waits", "waits"]);
    await end("a");
    await end("b");
    expect(others).toEqual(["answered", "answered"]);
  });

  test("is a queue that stands: who has waited too long is refused, and so is who comes", async () => {
    const { call, end, pass } = givenServer();
    const outcomes = watch(["a", "b", "c", "d"].map((name) => call(name)));
    pass(501);
    await expect(call("late")).rejects.toMatchObject(overloaded);
    await end("a");
    expect(outcomes).toEqual(["answered", "waits", "refused", "refused"]);
    // With the queue gone there is room again.
    const next = watch([call("e")]);
    await end("e");
    expect(next).toEqual(["answered"]);
  });

  test("is a queue that is longer than a burst, at once", async () => {
    const { call } = givenServer();
    const outcomes = watch(Array.from({ length: 300 }, (_, index) => call(String(index))));
    await setImmediate();
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(300 - 2 - 256);
  });

  test("once seen is believed for a second: the target holds from the first call on", async () => {
    const { call, end, pass } = givenServer();
    const first = watch(["a", "b", "c"].map((name) => call(name)));
    pass(501);
    await end("a");
    expect(first[2]).toBe("refused");
    const second = watch(["d", "e"].map((name) => call(name)));
    pass(11);
    await expect(call("late")).rejects.toMatchObject(overloaded);
    // What waited before it was read has waited, too.
    await expect(call("stale", { waitedMs: 11 })).rejects.toMatchObject(overloaded);
    await end("b");
    await end("d");
    expect(second).toEqual(["answered", "refused"]);

    pass(1_001);
    const third = watch(["f", "g", "h"].map((name) => call(name)));
    pass(11);
    third.push(...watch([call("i", { waitedMs: 11 })]));
    await setImmediate();
    expect(third).toEqual(["waits", "waits", "waits", "waits"]);
  });

  test("is over after a second, though callers go on to wait shortly", async () => {
    const { call, end, pass } = givenServer();
    watch(["a", "b", "c"].map((name) => call(name)));
    pass(501);
    await end("a");
    await end("b");
    pass(900);
    // Two are at work, and one waits for 50 ms: too long for now.
    const early = watch(["d", "e", "f"].map((name) => call(name)));
    pass(50);
    await end("d");
    expect(early).toEqual(["answered", "waits", "refused"]);
    pass(52);
    const late = watch([call("g"), call("h")]);
    pass(50);
    await end("e");
    await end("g");
    expect(late).toEqual(["answered", "waits"]);
    await end("h");
    expect(late).toEqual(["answered", "answered"]);
  });

  test("goes on while calls are read late", async () => {
    const { call, end, pass } = givenServer();
    watch(["a", "b", "c"].map((name) => call(name)));
    pass(501);
    await end("a");
    await end("b");
    pass(900);
    await expect(call("late", { waitedMs: 51 })).rejects.toMatchObject(overloaded);
    pass(900);
    await expect(call("stale", { waitedMs: 11 })).rejects.toMatchObject(overloaded);
  });

  test("never refuses what is urgent while there is room", async () => {
    const { call, end, pass } = givenServer();
    for (const name of ["a", "b"]) void call(name, { lane: "mutations" });
    const urgent = watch([call("pay", { lane: "mutations", isUrgent: true })]);
    pass(60_000);
    const [later] = [watch([call("cancel", { lane: "mutations", isUrgent: true })])];
    await end("a");
    await end("pay");
    await end("cancel");
    expect([urgent, later]).toEqual([["answered"], ["answered"]]);
  });
});

describe("all calls together", () => {
  test("are so many, those counted that stand in a line of their own; the last tenth is for urgent ones", async () => {
    const { call } = givenServer({ maxCalls: 10 });
    const outcomes = watch(
      Array.from({ length: 12 }, (_, index) => call(String(index), { lane: undefined })),
    );
    await setImmediate();
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(3);
    const urgent = watch(["pay", "cancel"].map((name) => call(name, { lane: "outside", isUrgent: true })));
    await setImmediate();
    expect(urgent).toEqual(["waits", "refused"]);
  });

  test("of one account that are urgent or wait outside are a tenth of all, and leave the others theirs", async () => {
    const { call } = givenServer({ maxCalls: 100 });
    const own = (name: string) => call(name, { lane: "outside", isUrgent: true, owner: "anna" });
    const outcomes = watch(Array.from({ length: 12 }, (_, index) => own(String(index))));
    await setImmediate();
    expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(2);
    const other = watch([call("other", { lane: "outside", isUrgent: true, owner: "ben" })]);
    await setImmediate();
    expect(other).toEqual(["waits"]);
  });
});
