import { sumRevenue, type LabelSource, type Period } from "@skyfox/db";
import { labelParts, type LabelPart, type Revenue, type RevenueInput } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { cinemaToday } from "../show/window.ts";
import { findPeriods, findYears, periodsOf } from "./periods.ts";

const monthNames = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

/**
 * What Confirmed and CheckedIn bookings have brought, by the time at which they were made, all together and in groups. A group's label
 * has a part for the timeframe and for each filter; without any there is one group, `All`. Groups without bookings are left out.
 */
export async function reportRevenue(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  input: RevenueInput,
): Promise<Revenue> {
  const { movieId, slotId, genre } = input;
  const periods = await listPeriods(deps, input);
  return await sumRevenue(deps.db, { periods, movieId, slotId, genre }, labelOf(input));
}

async function listPeriods(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  input: RevenueInput,
): Promise<Period[] | undefined> {
  const { timeframe } = input;
  if (timeframe === undefined) return await findPeriods(deps, input);
  const today = Temporal.PlainDate.from(cinemaToday(deps));
  const years = timeframe === "yearly" ? await findYears(deps) : { first: today.year, last: today.year };
  return periodsOf(timeframe, today, years, deps.settings.cinemaTimeZone);
}

function labelOf(input: RevenueInput): LabelSource[] {
  const { timeframe, month, year, movieId, slotId, genre, labelOrder = [] } = input;
  const sources: { [Part in LabelPart]: LabelSource[] } = {
    timeframe: timeframe === undefined ? [] : ["period"],
    month: month === undefined ? [] : [{ text: monthNames[month - 1] ?? "" }],
    year: year === undefined ? [] : [{ text: String(year) }],
    movie: movieId === undefined ? [] : ["movie"],
    slot: slotId === undefined ? [] : ["slot"],
    genre: genre === undefined ? [] : ["genre"],
  };
  const order = new Set([...labelOrder, ...labelParts]);
  const label = [...order].flatMap((part) => sources[part]);
  return label.length > 0 ? label : [{ text: "All" }];
}
