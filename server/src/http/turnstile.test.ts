import { expect, test } from "vitest";
import { createTurnstile } from "./turnstile.ts";

test("callers go on in their order, so many in each turn, and no turn is taken for nobody", async () => {
  const turns: (() => void)[] = [];
  const pass = createTurnstile({ perTurn: () => 2, nextTurn: (open) => turns.push(open) });
  const passed: number[] = [];
  const callers = [1, 2, 3, 4, 5].map(async (caller) => {
    await pass();
    passed.push(caller);
  });
  const afterTurns: number[][] = [];
  for (let open = turns.shift(); open !== undefined; open = turns.shift()) {
    open();
    await Promise.resolve();
    await Promise.resolve();
    afterTurns.push([...passed]);
  }
  expect(afterTurns).toEqual([
    [1, 2],
    [1, 2, 3, 4],
    [1, 2, 3, 4, 5],
  ]);
  await Promise.all(callers);
  const next = pass();
  expect(turns).toHaveLength(1);
  turns.shift()?.();
  await next;
});
