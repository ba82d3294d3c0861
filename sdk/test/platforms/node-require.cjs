const { readFileSync } = require("node:fs");
const sdk = require("@skyfox/sdk");
const { parseCard } = require("@skyfox/sdk/forms");
const { verifyTicket } = require("@skyfox/sdk/tickets");

async function run() {
  const { tryOut } = await import("./try-out.mjs");
  await tryOut(sdk, JSON.parse(readFileSync("settings.json", "utf8")));
  if (typeof parseCard !== "function" || typeof verifyTicket !== "function")
    throw new Error("An entry is empty.");
}

void run();
