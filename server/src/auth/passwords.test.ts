import { hash as bcryptHash } from "@node-rs/bcrypt";
import { expect, test } from "vitest";
import { codeOf, outcomesOf, together } from "../../test/together.ts";
import { createPasswordHasher } from "./passwords.ts";

test("what the gate has no place for is refused with a time to come back", async () => {
  const passwords = createPasswordHasher({ atOnce: 2, waiting: 3 });
  const settled = await together(Array.from({ length: 8 }, () => () => passwords.hash("Seven-Seas-7")));
  const { won, lost } = outcomesOf(settled);
  expect(won).toHaveLength(5);
  expect(lost).toEqual(["RATE_LIMITED", "RATE_LIMITED", "RATE_LIMITED"]);
  expect(await passwords.fits(won[0], "Seven-Seas-7")).toBe(true);
});

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
