const { readFileSync } = require("node:fs");
const { join } = require("node:path");

test("the SDK works in Jest", async () => {
  const sdk = require("@skyfox/sdk");
  const { tryOut } = await import("./try-out.mjs");
  await tryOut(sdk, JSON.parse(readFileSync(join(__dirname, "settings.json"), "utf8")));
});
