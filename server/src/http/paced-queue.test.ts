import { expect, test } from "vitest";
import { createPacedQueue } from "./paced-queue.ts";

test("callers go on in their order, so many in each round, and no round is begun for no caller", async () => {
  const rounds: (() => void)[] = [];
  const pass = createPacedQueue({ perRound: () => 2, nextRound: (begin) => rounds.push(begin) });
  const passed: number[] = [];
  const callers = [1, 2, 3, 4, 5].map(async (caller) => {
    await pass();
    passed.push(caller);
  });
  const afterRounds: number[][] = [];
  for (let begin = rounds.shift(); begin !== undefined; begin = rounds.shift()) {
    begin();
    await Promise.resolve();
    await Promise.resolve();
    afterRounds.push([...passed]);
  }
  expect(afterRounds).toEqual([
    [1, 2],
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5],
  ]);
  await Promise.all(callers);
  const next = pass();
  expect(rounds).toHaveLength(1);
  rounds.shift()?.();
  await next;
});
