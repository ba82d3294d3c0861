import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { ConsoleMessage, Page } from "playwright-core";
import type { Office, Person } from "./office.ts";

const sizes = [
  { width: 390, colorScheme: "light" },
  { width: 1_280, colorScheme: "dark" },
] as const;

// To look at: nothing compares them.
const pictures = join(import.meta.dirname, "..", "dist", "pictures");
await mkdir(pictures, { recursive: true });
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A page to look at once it is `ready`. */
export interface View {
  name: string;
  path: string;
  person?: Person;
  ready: (page: Page) => Promise<unknown>;
}

/**
 * Opens a page on a phone and on a desk, takes a picture of each, and says what is wrong: what axe finds serious or critical, a page that scrolls
 * sideways, and what the browser complains of.
 */
export async function findBarriers(office: Office, { name, path, person, ready }: View): Promise<string[]> {
  const found: string[] = [];
  for (const { width, colorScheme } of sizes) {
    const options = { viewport: { width, height: 800 }, colorScheme, reducedMotion: "reduce" } as const;
    const page = await office.visit(path, person, options);
    page.on("console", (message) => {
      if (isFault(message)) found.push(`${name} at ${width}: ${message.text()}`);
    });
    await ready(page);
    await page.screenshot({ path: join(pictures, `${name}-${width}.png`), fullPage: true });
    for (const barrier of await askAxe(page)) found.push(`${name} at ${width}: ${barrier}`);
    const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    if (scrolls) found.push(`${name} at ${width} scrolls sideways`);
    await page.context().close();
  }
  return found;
}

async function askAxe(page: Page): Promise<string[]> {
  // By the browser's protocol: the page's own policy lets no such script in.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(
    async () => await (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" ")}`);
}

// The browser also says so of each call that SkyFox refuses.
function isFault(message: ConsoleMessage): boolean {
  return message.type() === "error" && !message.location().url.includes("/trpc/");
}
