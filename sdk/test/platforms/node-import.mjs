import { readFileSync } from "node:fs";
import * as sdk from "@skyfox/sdk";
import { parseCard } from "@skyfox/sdk/forms";
import { verifyTicket } from "@skyfox/sdk/tickets";
import { tryOut } from "./try-out.mjs";

await tryOut(sdk, JSON.parse(readFileSync("settings.json", "utf8")));
if (typeof parseCard !== "function" || typeof verifyTicket !== "function")
  throw new Error("An entry is empty.");
