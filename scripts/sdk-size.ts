import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/**
 * The most that a page may have to load, in bytes, with all that the SDK needs. Of a client decimal.js is 13,000, tRPC 7,600, and ours
 * 12,000. Of tRPC's, 1,000 are its WebSocket client, which nothing calls: esbuild keeps it, since the package does not declare itself free of effects.
 * Everything would be under 34,000 without it.
 */
const budgets = [
  { name: "a client", code: 'export { createSkyfoxClient } from "./index.js";', most: 32_900 },
  { name: "everything of the main entry", code: 'export * from "./index.js";', most: 35_200 },
  { name: "a constant", code: 'export { maxSeatsPerBooking } from "./index.js";', most: 100 },
];

/** Holds the packed SDK to its budgets, and says what it weighs. Throws when something has become too heavy. */
export async function assertSmall(packageFolder: string): Promise<string> {
  const weights: string[] = [];
  for (const { name, code, most } of budgets) {
    const { outputFiles } = await build({
      stdin: { contents: code, resolveDir: packageFolder },
      bundle: true,
      minify: true,
      format: "esm",
      write: false,
      logLevel: "error",
    });
    const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
    if (bytes > most)
      throw new Error(
        `${name} takes ${bytes} bytes, and may take ${most}: see what has come in with esbuild --analyze, or move the budget in scripts/sdk-size.ts.`,
      );
    weights.push(`${name} ${bytes} bytes`);
  }
  return weights.join(", ");
}
