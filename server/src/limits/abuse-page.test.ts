import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { limitTable, type Limit } from "./limit-table.ts";

const page = await readFile(new URL("../../docs/abuse.md", import.meta.url), "utf8");
// The cells of each line of a table.
const rows = page.split("\n").map((line) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim()),
);

test.each(Object.entries<Limit>(limitTable))(
  "the page on abuse has the bounds of %s as they are",
  (name, limit) => {
    const setting = `LIMIT_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
    const row = rows.find((cells) => cells.at(-1) === `\`${setting}\``);
    const bounds = [limit.perDevice, limit.perAccount, limit.perAddress].map((bound) => String(bound ?? ""));
    expect(row?.slice(1, 4)).toEqual(bounds);
    const window =
      limit.windowSeconds % 3_600 === 0
        ? `${limit.windowSeconds / 3_600} h`
        : `${limit.windowSeconds / 60} min`;
    expect(row?.[4]).toBe(window);
  },
);

test.each([
  "LIMIT_HELD_SEATS_PER_ACCOUNT",
  "LIMIT_HELD_SEATS_PER_ADDRESS",
  "LIMIT_ABANDONED_HOLDS_PER_ACCOUNT",
  "MAX_CONNECTIONS",
  "MAX_CALLS",
  "MAX_STREAMS",
  "MAX_STREAMS_PER_ADDRESS",
  "KEEP_ALIVE_SECONDS",
])("the page on abuse tells of %s", (setting) => {
  expect(page).toContain(`\`${setting}\``);
});
