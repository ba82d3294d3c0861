import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

// What takes most memory, and what few calls need.
const onlyWhenNeeded = ["sharp", "pdfkit", "fontkit", "harfbuzzjs", "hucre", "@aws-sdk/client-s3"];

/** The packages that a process loads when it only imports this file. */
async function packagesLoadedBy(path: string): Promise<Set<string>> {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
    await import(${JSON.stringify(new URL(path, import.meta.url).href)});
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  const found = stdout.matchAll(/\/node_modules\/((?:@[^/\s]+\/)?[^/\s]+)/g);
  return new Set(Array.from(found, ([, name = ""]) => name));
}

test("a server that starts loads nothing of pictures, tickets, workbooks and buckets", async () => {
  const loaded = await packagesLoadedBy("./serve.ts");
  expect(loaded).toContain("hono");
  expect(onlyWhenNeeded.filter((name) => loaded.has(name))).toEqual([]);
});

test("a page of a ticket has its parts loaded", async () => {
  const loaded = await packagesLoadedBy("./ticket/draw-ticket.ts");
  expect(["pdfkit", "fontkit", "harfbuzzjs"].filter((name) => !loaded.has(name))).toEqual([]);
});

test("the plain part of the contract loads no zod", async () => {
  const loaded = await packagesLoadedBy("./contract/plain.ts");
  expect(loaded).toContain("decimal.js");
  expect(loaded).not.toContain("zod");
});
