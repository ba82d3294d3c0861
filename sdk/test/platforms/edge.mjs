import { readFileSync } from "node:fs";
import { EdgeVM } from "@edge-runtime/vm";

const edge = new EdgeVM();
edge.context.settings = JSON.parse(readFileSync("settings.json", "utf8"));
edge.evaluate(readFileSync("built/esbuild.js", "utf8"));
await edge.evaluate("done");
