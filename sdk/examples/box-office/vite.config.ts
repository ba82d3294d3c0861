import { join } from "node:path";
import { defineConfig } from "vite";

// In this repository @skyfox/sdk is its sources. The page is built with what is published: `npm run build` in the root makes it.
const packed = join(import.meta.dirname, "../../dist/package");

export default defineConfig({
  resolve: {
    alias: [
      { find: /^@skyfox\/sdk$/, replacement: join(packed, "index.js") },
      { find: /^@skyfox\/sdk\/(.+)$/, replacement: join(packed, "$1.js") },
    ],
  },
  build: { target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  // `npm run dev` while `npm start` runs in the root.
  server: { proxy: { "/trpc": "http://localhost:8080", "/tickets": "http://localhost:8080" } },
});
