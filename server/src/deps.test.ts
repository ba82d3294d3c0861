import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

// They make all the parts, or hand them from the composition to the procedures.
const composition = new Set([
  "compose.ts",
  "deps.ts",
  "http/app.ts",
  "http/turns.ts",
  "rpc/context.ts",
  "serve.ts",
]);

/** Uses of all ports at once; `Pick<Deps, …>` is what a verb takes. */
const allPorts = /(?:[:=&|<,(] *)(?:Deps|HashingDeps)\b(?! *\[)/;

test("only the composition takes all ports; a verb takes those that it uses", () => {
  const folder = new URL("./", import.meta.url);
  const takers = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !composition.has(file))
    .filter((file) =>
      readFileSync(new URL(file, folder), "utf8")
        .split("\n")
        .some(
          (line) =>
            !line.startsWith("import ") && allPorts.test(line.replaceAll(/Pick<(Hashing)?Deps,/g, "")),
        ),
    );
  expect(takers).toEqual([]);
});
