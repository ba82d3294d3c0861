import { expect, onTestFinished, test, vi } from "vitest";

test("the forms make no code at run time, which a strict content security policy would report", async () => {
  const made: unknown[] = [];
  const construct = (target: FunctionConstructor, args: string[]) => {
    made.push(args);
    return Reflect.construct(target, args) as object;
  };
  vi.stubGlobal("Function", new Proxy(Function, { construct }));
  onTestFinished(() => void vi.unstubAllGlobals());
  const { payBookingInput, signUpInput } = await import("./forms.ts");
  expect(signUpInput.safeParse({ username: "no" }).success).toBe(false);
  expect(payBookingInput.safeParse({ bookingId: 1, method: "Wallet" }).success).toBe(true);
  expect(made).toEqual([]);
});
