import { stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { hash as bcryptHash } from "@node-rs/bcrypt";
import { describe, expect, test } from "vitest";
import { codeOf, outcomesOf, refusalOf, together } from "../../test/together.ts";
import { createHashQueue, createPasswordHasher } from "./passwords.ts";

describe("the hash queue", () => {
  const secret = "Seven-Seas-7";

  test("refuses calls that it has no place for, with a time to come back", async () => {
    const queue = createHashQueue({ atOnce: 2, waiting: 3 });
    const call = () => queue.run(({ passwords }) => passwords.hash(secret));
    const { won, lost } = outcomesOf(await together(Array.from({ length: 8 }, () => call)));
    expect(won).toHaveLength(5);
    expect(lost).toEqual(["RATE_LIMITED", "RATE_LIMITED", "RATE_LIMITED"]);
    expect(await createPasswordHasher().fits(won[0], secret)).toBe(true);
    expect(queue.refusal()).toBeUndefined();
  });

  test("has 204 places: eight calls are at work, and the others have not begun", async () => {
    const queue = createHashQueue();
    const ending = Promise.withResolvers<void>();
    let begun = 0;
    const calls = Array.from({ length: 204 }, () =>
      queue.run(async () => {
        begun += 1;
        await ending.promise;
      }),
    );
    expect(queue.refusal()?.problem).toEqual({ code: "RATE_LIMITED", details: { retryAfterSeconds: 2 } });
    expect(await refusalOf(queue.run(() => Promise.resolve()))).toBe("RATE_LIMITED");
    expect(begun).toBe(8);
    ending.resolve();
    await Promise.all(calls);
    expect(begun).toBe(204);
    expect(queue.refusal()).toBeUndefined();
  });

  test("keeps its permit until its call ends, however it ends, or releases its permit", async () => {
    const queue = createHashQueue({ atOnce: 1, waiting: 0 });
    const ending = Promise.withResolvers<string>();
    let leave = () => {};
    const slow = queue.run(({ releasePermit }) => {
      leave = releasePermit;
      return ending.promise;
    });
    expect(await refusalOf(queue.run(() => Promise.resolve()))).toBe("RATE_LIMITED");
    leave();
    await until(() => queue.refusal() === undefined);
    expect(codeOf(await refusalOf(queue.run(() => Promise.reject(new Error("broken")))))).toEqual(
      new Error("broken"),
    );
    await until(() => queue.refusal() === undefined);
    expect(await queue.run(() => Promise.resolve("done"))).toBe("done");
    ending.resolve("slowly done");
    expect(await slow).toBe("slowly done");
  });
});

test("whatever else Node's pool of threads has to do waits for four hashes at most", async () => {
  const queue = createHashQueue();
  let hashed = 0;
  const calls = Array.from({ length: 8 }, () =>
    queue.run(async ({ passwords }) => {
      await passwords.hash("Seven-Seas-7");
      hashed += 1;
    }),
  );
  await setImmediate();
  await stat(".");
  expect(hashed).toBeLessThanOrEqual(4);
  await Promise.all(calls);
});

/** Lets other work go on until it is so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await setImmediate();
}

test("a bcrypt hash fits its password and no other", async () => {
  const passwords = createPasswordHasher();
  const stored = await bcryptHash("Password@1", { cost: 4 });
  expect(await passwords.fits(stored, "Password@1")).toBe(true);
  expect(await passwords.fits(stored, "Password@2")).toBe(false);
});

test("bcrypt's cut after 72 bytes lets no longer password pass", async () => {
  const passwords = createPasswordHasher();
  const stored = await bcryptHash("p".repeat(72), { cost: 4 });
  expect(await passwords.fits(stored, "p".repeat(72))).toBe(true);
  expect(await passwords.fits(stored, "p".repeat(73))).toBe(false);
});

test("a stored bcrypt hash that would take minutes is not checked", async () => {
  const passwords = createPasswordHasher();
  const stored = (await bcryptHash("Password@1", { cost: 4 })).replace("$04$", "$31$");
  expect(await passwords.fits(stored, "Password@1").catch(codeOf)).toBe(false);
});
