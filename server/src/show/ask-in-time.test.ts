import { expect, test } from "vitest";
import { askInTime } from "./ask-in-time.ts";

/** Questions whose answers the test gives. */
function createQuestions() {
  const asked: PromiseWithResolvers<string>[] = [];
  const ask = () => {
    const question = Promise.withResolvers<string>();
    asked.push(question);
    return question.promise;
  };
  return { asked, ask };
}

test("an answer in time is the only one that is asked for, and so is an error", async () => {
  const { asked, ask } = createQuestions();
  const answered = askInTime(ask, 60_000);
  asked[0]!.resolve("yes");
  expect(await answered).toBe("yes");
  const failed = askInTime(ask, 60_000);
  asked[1]!.reject(new Error("away"));
  await expect(failed).rejects.toThrow("away");
  expect(asked).toHaveLength(2);
});

test.each(["first", "second"] as const)(
  "once it is late, the %s answer counts whatever becomes of the other",
  async (which) => {
    for (const other of ["fails", "is silent"]) {
      const { asked, ask } = createQuestions();
      const answered = askInTime(ask, 0);
      await expect.poll(() => asked.length).toBe(2);
      const [one, two] = which === "first" ? asked : asked.toReversed();
      if (other === "fails") two!.reject(new Error("cut"));
      one!.resolve(which);
      expect(await answered).toBe(which);
    }
  },
);

test("where none is answered, the error is that of the first", async () => {
  const { asked, ask } = createQuestions();
  const answered = askInTime(ask, 0);
  await expect.poll(() => asked.length).toBe(2);
  asked[1]!.reject(new Error("second"));
  asked[0]!.reject(new Error("first"));
  await expect(answered).rejects.toThrow("first");
});
