import { readFile } from "node:fs/promises";
import { bookingTransitions, paymentTransitions } from "@skyfox/db";
import { expect, test } from "vitest";
import { readConfig } from "../server/src/config.ts";

const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
const diagrams = Array.from(readme.matchAll(/^```mermaid\n(stateDiagram-v2\n[^]*?)^```$/gm), ([, text]) =>
  readDiagram(text ?? ""),
);

/** The arrows of a diagram; throws at a line that is none, so that no arrow is overlooked. */
function readDiagram(text: string): { from: string; to: string }[] {
  const [, ...lines] = text.trimEnd().split("\n");
  return lines.map((line) => {
    const [, from, to] = /^ {2}(\w+|\[\*\]) --> (\w+|\[\*\])(?:: .+)?$/.exec(line) ?? [];
    if (from === undefined || to === undefined) throw new Error(`This is no arrow: ${line}`);
    return { from, to };
  });
}

// What the diagrams ought to show: every way on, and the end of every state without one.
function listArrows(table: Record<string, readonly string[]>): string[] {
  return Object.entries(table).flatMap(([from, next]) =>
    (next.length === 0 ? ["[*]"] : next).map((to) => `${from} --> ${to}`),
  );
}

test.each([
  ["booking", 0, bookingTransitions, ["Confirmed", "Pending"]],
  ["payment", 1, paymentTransitions, ["Completed", "Started"]],
] as const)("the README draws the states of a %s as they are", (_, index, table, beginnings) => {
  expect(diagrams).toHaveLength(2);
  const arrows = diagrams[index] ?? [];
  const drawn = arrows.filter(({ from }) => from !== "[*]").map(({ from, to }) => `${from} --> ${to}`);
  expect(drawn.toSorted()).toEqual(listArrows(table).toSorted());
  const begun = arrows.filter(({ from }) => from === "[*]").map(({ to }) => to);
  expect(begun.toSorted()).toEqual(beginnings);
});

test("the README lists the settings that the server reads, and no others; the limits have a page of their own", () => {
  const read = new Set<string>();
  const values: Record<string, string> = { S3_BUCKET: "pictures" };
  const environment = new Proxy<Record<string, string | undefined>>(
    {},
    {
      get(_, name) {
        read.add(String(name));
        return values[String(name)];
      },
    },
  );
  expect(() => readConfig(environment)).toThrow("AWS_REGION is not set");
  const rows = readme.slice(readme.indexOf("## Configuration")).matchAll(/^\| (`[A-Z].*?) \|/gm);
  const listed = [...rows].flatMap(([, names = ""]) =>
    Array.from(names.matchAll(/`(\w+)`/g), ([, name]) => name),
  );
  const settings = [...read].filter((name) => !name.startsWith("LIMIT_"));
  const ofScripts = ["SKYFOX_STATE_DIRECTORY", "SKYFOX_URL"];
  expect(new Set(listed)).toEqual(new Set([...settings, ...ofScripts]));
});
