import { findBookingSpan, type Period } from "@skyfox/db";
import type { Timeframe } from "../contract/index.ts";
import type { Deps } from "../deps.ts";

type Day = Temporal.PlainDate;

/** Calendar years, both included. */
export interface Years {
  first: number;
  last: number;
}

// How many of each timeframe's periods are reported, the current one included; of years all.
const dayCount = 30;
const weekCount = 16;
const monthCount = 12;

/** The whole periods of a timeframe in the zone's calendar, oldest first and the one of `today` last; of years those that are named. */
export function periodsOf(timeframe: Timeframe, today: Day, years: Years, timeZone: string): Period[] {
  switch (timeframe) {
    case "daily":
      return periodsUpTo(today, "days", dayCount, (day) => day.toString(), timeZone);
    case "weekly":
      return periodsUpTo(
        today.subtract({ days: today.dayOfWeek - 1 }),
        "weeks",
        weekCount,
        labelOfWeek,
        timeZone,
      );
    case "monthly":
      return periodsUpTo(today.with({ day: 1 }), "months", monthCount, labelOfMonth, timeZone);
    case "yearly":
      return periodsUpTo(newYear(years.last), "years", countOf(years), labelOfYear, timeZone);
  }
}

/**
 * The months or years of the cinema's calendar that a filter names, oldest first; a month without a year is that month of every year with
 * bookings. Undefined is all time. Revenue and exports go by these instants, and Postgres only compares them.
 */
export async function findPeriods(
  deps: Pick<Deps, "db" | "clock" | "settings">,
  { month, year }: { month?: number | undefined; year?: number | undefined },
): Promise<Period[] | undefined> {
  if (month === undefined && year === undefined) return undefined;
  const years = year === undefined ? await findYears(deps) : { first: year, last: year };
  return monthOfYears(month, years, deps.settings.cinemaTimeZone);
}

/** The cinema's years from the first booking to the last; without any, this year. */
export async function findYears({
  db,
  clock,
  settings,
}: Pick<Deps, "db" | "clock" | "settings">): Promise<Years> {
  const now = clock.now();
  const { first, last } = (await findBookingSpan(db)) ?? { first: now, last: now };
  const yearOf = (at: Date) => at.toTemporalInstant().toZonedDateTimeISO(settings.cinemaTimeZone).year;
  return { first: yearOf(first), last: yearOf(last) };
}

// The same month of each year, or each whole year where no month is named.
function monthOfYears(month: number | undefined, years: Years, timeZone: string): Period[] {
  const length = month === undefined ? { years: 1 } : { months: 1 };
  return Array.from({ length: countOf(years) }, (_, index) => {
    const from = newYear(years.first + index).with({ month: month ?? 1 });
    return { label: labelOfMonth(from), ...between(from, from.add(length), timeZone) };
  });
}

function periodsUpTo(
  last: Day,
  unit: "days" | "weeks" | "months" | "years",
  count: number,
  labelOf: (day: Day) => string,
  timeZone: string,
): Period[] {
  return Array.from({ length: count }, (_, index) => {
    const from = last.subtract({ [unit]: count - 1 - index });
    return { label: labelOf(from), ...between(from, from.add({ [unit]: 1 }), timeZone) };
  });
}

// A day begins at its first instant, also where clocks go forward at midnight.
function between(from: Day, to: Day, timeZone: string): { from: Date; to: Date } {
  const beginOf = (day: Day) => new Date(day.toZonedDateTime(timeZone).epochMilliseconds);
  return { from: beginOf(from), to: beginOf(to) };
}

function countOf(years: Years): number {
  return years.last - years.first + 1;
}

function newYear(year: number): Day {
  return Temporal.PlainDate.from({ year, month: 1, day: 1 });
}

// The first days of January can be in the last week of the year before, and the last ones of December in the first of the next.
function labelOfWeek(monday: Day): string {
  return `${padYear(monday.yearOfWeek ?? monday.year)}-W${String(monday.weekOfYear).padStart(2, "0")}`;
}

function labelOfMonth(day: Day): string {
  return day.toPlainYearMonth().toString();
}

function labelOfYear(day: Day): string {
  return padYear(day.year);
}

function padYear(year: number): string {
  return String(year).padStart(4, "0");
}
