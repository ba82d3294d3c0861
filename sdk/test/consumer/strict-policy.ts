// Under a strict content security policy no code is made of text, and a browser reports each attempt, also one that is caught: zod makes one with its
// first schema, unless it was told before.
import { readFile } from "node:fs/promises";

const attempts: unknown[] = [];
const note = (_target: unknown, ...rest: unknown[]): never => {
  attempts.push(rest);
  throw new EvalError("Code is made of text.");
};
const watched = new Proxy(Function, { apply: note, construct: note });
Object.assign(globalThis, { Function: watched, eval: note });

const manifest = await readFile("node_modules/@skyfox/sdk/package.json", "utf8");
const { exports } = JSON.parse(manifest) as { exports: object };
for (const entry of Object.keys(exports).filter((name) => !name.endsWith(".json")))
  await import(`@skyfox/sdk${entry.slice(1)}`);
const { createSkyfoxClient } = await import("@skyfox/sdk");
const { payBookingInput } = await import("@skyfox/sdk/forms");
createSkyfoxClient({ url: "http://localhost:8080", apiKey: "key" });
if (!payBookingInput.safeParse({ bookingId: 1, method: "Wallet" }).success)
  throw new Error("The form was not read.");
if (attempts.length > 0) throw new Error("An entry makes code of text, which a strict policy forbids.");
