import { build } from "esbuild";

await build({
  entryPoints: ["page.mjs"],
  outfile: "built/esbuild.js",
  bundle: true,
  minify: true,
  format: "iife",
});
