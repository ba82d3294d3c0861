// What a bundler starts from. The page's settings come before it.
import { createSkyfoxClient, Decimal } from "@skyfox/sdk";
import { tryOut } from "./try-out.mjs";

globalThis.done = tryOut({ createSkyfoxClient, Decimal }, globalThis.settings);
