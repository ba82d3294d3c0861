import { build } from "vite";

await build({
  configFile: false,
  logLevel: "warn",
  build: {
    outDir: "built",
    emptyOutDir: false,
    rollupOptions: { input: "page.mjs", output: { entryFileNames: "vite.js" } },
  },
});
