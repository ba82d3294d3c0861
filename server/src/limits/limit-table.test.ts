import { expect, test } from "vitest";
import { readConfig } from "../config.ts";
import { limitTable, widenAddressLimits, type Limit } from "./limit-table.ts";

const table = Object.entries<Limit>(limitTable);

/** The name of a setting as an operator writes it. */
const upper = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

test.each(table)(
  "the limit %s is a setting in each of its bounds, and has none that it lacks",
  (name, limit) => {
    for (const bound of ["perDevice", "perAccount", "perAddress"] as const) {
      const settings = { [`LIMIT_${upper(name)}_${upper(bound)}`]: "7" };
      const read: Limit = readConfig(settings).limits[name as keyof typeof limitTable];
      expect(read[bound]).toBe(limit[bound] === undefined ? undefined : 7);
      expect(read.windowSeconds).toBe(limit.windowSeconds);
    }
  },
);

test("wider limits per address leave the others as they are, and none where there was none", () => {
  const wider = widenAddressLimits(limitTable, 100);
  expect(wider.wrongPasswords).toEqual({ ...limitTable.wrongPasswords, perAddress: 10_000 });
  expect(wider.wrongAnswersADay).toEqual(limitTable.wrongAnswersADay);
  expect(wider.wrongPasswordsOfDevices).toEqual(limitTable.wrongPasswordsOfDevices);
});
