import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const forms = new URL("forms.ts", import.meta.url).href;

// In a process of its own: what is set before the first schema is made holds for the whole process.
const script = `
  const made = [];
  globalThis.Function = new Proxy(Function, {
    construct(target, args) {
      made.push(args);
      return Reflect.construct(target, args);
    },
  });
  const { payBookingInput, signUpInput } = await import(${JSON.stringify(forms)});
  const signsUp = signUpInput.safeParse({ username: "no" }).success;
  const pays = payBookingInput.safeParse({ bookingId: 1, method: "Wallet" }).success;
  console.log(JSON.stringify({ signsUp, pays, made }));
`;

test("the forms make no code at run time, which a strict content security policy would report", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
  expect(JSON.parse(stdout)).toEqual({ signsUp: false, pays: true, made: [] });
});
