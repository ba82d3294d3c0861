// Runs what a bundler has built, as a page would.
import { readFileSync } from "node:fs";

globalThis.settings = JSON.parse(readFileSync("settings.json", "utf8"));
await import(`./built/${process.argv[2]}.js`);
await globalThis.done;
