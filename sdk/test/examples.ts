import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

const sdk = join(import.meta.dirname, "..");

/** The examples of the README and of the SDK's README, as files below the SDK, so that their imports resolve as a reader's would. */
export interface WrittenExamples {
  folder: string;
  /** That of the README, which has no name there. */
  first: string;
  remove(): Promise<void>;
}

export async function writeExamples(): Promise<WrittenExamples> {
  const [first = ""] = fencesIn(await readFile(join(sdk, "..", "README.md"), "utf8"), "ts");
  const examples = { "first.ts": first, ...examplesIn(await readFile(join(sdk, "README.md"), "utf8")) };
  const folder = await mkdtemp(join(sdk, "test", "readme-"));
  const files = Object.entries({ ...examples, ...platform });
  for (const [name, text] of files) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    const isModule = /\.tsx?$/.test(name) && !name.endsWith(".d.ts");
    await writeFile(join(folder, name), isModule ? `${text}\nexport {};\n` : text);
  }
  return { folder, first, remove: () => rm(folder, { recursive: true }) };
}

// The first line of each is a comment with the name of its file, such as `// buy.ts`.
function examplesIn(page: string): Record<string, string> {
  const fences = [...fencesIn(page, "tsx?"), ...fencesIn(page, "python")];
  return Object.fromEntries(
    fences.map((text) => {
      const name = /^(?:\/\/|#) ([\w./-]+\.\w+)\n/.exec(text)?.[1];
      if (name === undefined)
        throw new Error(`An example names no file in its first line: ${text.slice(0, 60)}`);
      return [name, text];
    }),
  );
}

function fencesIn(page: string, language: string): string[] {
  return Array.from(
    page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g")),
    ([, text = ""]) => text,
  );
}

/** What a phone has, as far as the example uses it. */
const platform = {
  "node_modules/expo/package.json": '{ "type": "module", "exports": { "./fetch": "./fetch.js" } }',
  "node_modules/expo/fetch.js": "export const fetch = (url, init) => globalThis.fetch(url, init);",
  "node_modules/expo/fetch.d.ts": `export interface FetchResponse { status: number }
export interface FetchRequestInit { signal?: AbortSignal }
export declare function fetch(url: string, init?: FetchRequestInit): Promise<FetchResponse>;`,
  "node_modules/expo-secure-store/package.json": '{ "type": "module", "exports": "./index.js" }',
  "node_modules/expo-secure-store/index.js": `const items = new Map();
export const getItemAsync = async (key) => items.get(key) ?? null;
export const setItemAsync = async (key, value) => void items.set(key, value);`,
  "node_modules/expo-secure-store/index.d.ts": `export declare function getItemAsync(key: string): Promise<string | null>;
export declare function setItemAsync(key: string, value: string): Promise<void>;`,
};
