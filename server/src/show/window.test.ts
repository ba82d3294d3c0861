import fc from "fast-check";
import { expect, test } from "vitest";
import { cinemaToday } from "./window.ts";

const zones = [
  "Asia/Kolkata",
  "America/New_York",
  "America/Havana",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "UTC",
];
const hourMs = 3_600_000;
// Two days, in each of which clocks change somewhere: in New York, and in Havana at midnight.
const changes = ["2026-03-08T05:00:00Z", "2026-11-01T05:00:00Z"].map((at) => new Date(at).getTime());

test("today is the date in the cinema's zone, whatever was asked before", () => {
  const instant = fc
    .tuple(fc.constantFrom(...changes), fc.integer({ min: -36 * hourMs, max: 36 * hourMs }))
    .map(([at, away]) => new Date(at + away));
  const asked = fc.array(fc.tuple(fc.constantFrom(...zones), instant), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(asked, (questions) => {
      for (const [timeZone, now] of questions) {
        const deps = { clock: { now: () => now }, settings: { cinemaTimeZone: timeZone } };
        const zoned = now.toTemporalInstant().toZonedDateTimeISO(timeZone);
        expect(cinemaToday(deps as never)).toBe(zoned.toPlainDate().toString());
      }
    }),
    { numRuns: 500, seed: 20_270_101 },
  );
});

test.each(zones)("a date in %s ends at midnight, to the millisecond", (timeZone) => {
  const deps = (now: Date) =>
    ({ clock: { now: () => now }, settings: { cinemaTimeZone: timeZone } }) as never;
  for (const day of ["2026-03-08", "2026-03-09", "2026-11-01", "2026-11-02"]) {
    const midnight = Temporal.PlainDate.from(day).toZonedDateTime(timeZone).epochMilliseconds;
    expect(cinemaToday(deps(new Date(midnight)))).toBe(day);
    expect(cinemaToday(deps(new Date(midnight - 1)))).not.toBe(day);
    expect(cinemaToday(deps(new Date(midnight)))).toBe(day);
  }
});
