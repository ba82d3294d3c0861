import { glob, readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { bookingTransitions, paymentTransitions } from "@skyfox/db";
import { describe, expect, test } from "vitest";
import { readConfig } from "../server/src/config.ts";

const root = join(import.meta.dirname, "..");
const folders = [
  "*.md",
  ".github/**/*.md",
  "sdk/*.md",
  "sdk/examples/*/*.md",
  "{db,server}/docs/**/*.md",
  "server/test/*.md",
];
const pages = await Array.fromAsync(glob(folders, { cwd: root }), async (path) => {
  return { path, text: await readFile(join(root, path), "utf8") };
});

function pageAt(path: string): string {
  const page = pages.find((one) => one.path === path);
  if (page === undefined) throw new Error(`There is no page ${path}.`);
  return page.text;
}

describe("the README", () => {
  const readme = pageAt("README.md");

  test("has at most 1,000 words", () => {
    expect(readme.trim().split(/\s+/).length).toBeLessThanOrEqual(1_000);
  });

  test("has every room of the server in its map, and no others", async () => {
    const entries = await readdir(join(root, "server/src"), { withFileTypes: true });
    const rooms = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const map = /^server\/src\/\n((?: {2}.+\n)+)/m.exec(readme)?.[1] ?? "";
    const drawn = map.split("\n").flatMap((line) => {
      const [names = ""] = /^ {2}(?:[\w.-]+\/? )+/.exec(line) ?? [];
      return Array.from(names.matchAll(/([\w-]+)\//g), ([, name = ""]) => name);
    });
    expect(drawn.toSorted()).toEqual(rooms.toSorted());
  });
});

test("every link of a page leads somewhere, and every page can be reached from the README", async () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) {
    for (const link of linksOf(path)) {
      expect(await isThere(link), `${path} links to ${link}`).toBe(true);
      if (link.endsWith(".md")) reached.add(link);
    }
  }
  // Templates are found by GitHub.
  const written = pages.map(({ path }) => path).filter((path) => !path.includes("TEMPLATE"));
  expect([...reached].toSorted()).toEqual(written.toSorted());
});

test("every link within a page leads to a heading or an anchor of it", () => {
  const dead = pages.flatMap(({ path, text }) => {
    const headings = Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\s-]/g, "")
        .replaceAll(" ", "-"),
    );
    const anchors = Array.from(text.matchAll(/<a id="([^"]+)">/g), ([, id = ""]) => id);
    const there = new Set([...headings, ...anchors]);
    return Array.from(text.matchAll(/\]\(#([^)\s]+)\)/g), ([, target = ""]) => target)
      .filter((target) => !there.has(target))
      .map((target) => `${path}#${target}`);
  });
  expect(dead).toEqual([]);
});

/** The files that a page links to, from the root. */
function linksOf(path: string): string[] {
  const targets = Array.from(pageAt(path).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target);
  return targets
    .filter((target) => !/^(https?:|#)/.test(target))
    .map((target) => relative(root, join(root, path, "..", target.replace(/#.*/, ""))));
}

async function isThere(path: string): Promise<boolean> {
  return await readFile(join(root, path)).then(
    () => true,
    () => false,
  );
}

test("every command of the workspace is on a page", async () => {
  const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { scripts: object };
  const described = ["README.md", ".github/CONTRIBUTING.md", "server/docs/operations.md"].map(pageAt).join();
  // The parts of `check` are its own words.
  const names = Object.keys(scripts).filter((name) => !name.startsWith("check:"));
  const missing = names.filter((name) => !new RegExp(`\`?npm (run )?${name}(?![\\w:])`).test(described));
  expect(missing).toEqual([]);
});

test("the page on the schema names every table", async () => {
  const types = await readFile(join(root, "db/src/schema.ts"), "utf8");
  const body = /export interface DB \{\n([^}]*)\}/.exec(types)?.[1] ?? "";
  const tables = Array.from(body.matchAll(/^ {2}(\w+):/gm), ([, name]) => name ?? "");
  expect(tables).toContain("seat_claim");
  const schema = pageAt("db/docs/schema.md");
  expect(tables.filter((name) => !schema.includes(`\`${name}\``))).toEqual([]);
});

const diagrams = Array.from(
  pageAt("server/docs/payments.md").matchAll(/^```mermaid\n(stateDiagram-v2\n[^]*?)^```$/gm),
  ([, text]) => readDiagram(text ?? ""),
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
  ["payment", 1, paymentTransitions, ["Started"]],
] as const)("the page on payments draws the states of a %s as they are", (_, index, table, beginnings) => {
  expect(diagrams).toHaveLength(2);
  const arrows = diagrams[index] ?? [];
  const drawn = arrows.filter(({ from }) => from !== "[*]").map(({ from, to }) => `${from} --> ${to}`);
  expect(drawn.toSorted()).toEqual(listArrows(table).toSorted());
  const begun = arrows.filter(({ from }) => from === "[*]").map(({ to }) => to);
  expect(begun.toSorted()).toEqual(beginnings);
});

test("the page on configuration lists the settings that the server reads, and no others; the limits have a page of their own", () => {
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
  const rows = pageAt("server/docs/configuration.md").matchAll(/^\| (`[A-Z].*?) \|/gm);
  const listed = [...rows].flatMap(([, names = ""]) =>
    Array.from(names.matchAll(/`(\w+)`/g), ([, name]) => name),
  );
  const settings = [...read].filter((name) => !name.startsWith("LIMIT_"));
  const ofScripts = ["SKYFOX_STATE_DIRECTORY", "SKYFOX_URL"];
  expect(new Set(listed)).toEqual(new Set([...settings, ...ofScripts]));
});
