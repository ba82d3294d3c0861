import { bookingWindowDays } from "../contract/index.ts";
import type { Deps, Viewer } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

/** A date in a zone, from its first millisecond until just before the next date's, and the last date that customers see on it. */
interface Day {
  timeZone: string;
  fromMs: number;
  untilMs: number;
  date: string;
  lastDate: string;
}

// The day that was asked for last: almost every call asks for the same, and to find it takes as long as all else that a seat map does here.
let latest: Day | undefined;

function dayAt(timeZone: string, now: Date): Day {
  const nowMs = now.getTime();
  if (latest?.timeZone === timeZone && latest.fromMs <= nowMs && nowMs < latest.untilMs) return latest;
  const date = now.toTemporalInstant().toZonedDateTimeISO(timeZone).toPlainDate();
  const startOf = (day: Temporal.PlainDate) => day.toZonedDateTime(timeZone).epochMilliseconds;
  latest = {
    timeZone,
    fromMs: startOf(date),
    untilMs: startOf(date.add({ days: 1 })),
    date: date.toString(),
    lastDate: date.add({ days: bookingWindowDays - 1 }).toString(),
  };
  return latest;
}

/** Today in the cinema's zone, as `YYYY-MM-DD`. */
export function cinemaToday(deps: Pick<Deps, "clock" | "settings">, now = deps.clock.now()): string {
  return dayAt(deps.settings.cinemaTimeZone, now).date;
}

/** Throws `DATE_OUT_OF_RANGE` unless the caller may look at shows of this cinema date: customers and visitors see today and the six
 * days after. */
export function assertInWindow(
  deps: Pick<Deps, "clock" | "settings">,
  viewer: Viewer,
  date: string,
  now = deps.clock.now(),
): void {
  if (viewer.role === "staff" || viewer.role === "admin") return;
  const { date: from, lastDate: to } = dayAt(deps.settings.cinemaTimeZone, now);
  if (date < from || date > to) throw new DomainError({ code: "DATE_OUT_OF_RANGE", details: { from, to } });
}
