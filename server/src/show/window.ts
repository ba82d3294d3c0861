import { bookingWindowDays } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";

/** Today in the cinema's zone, as `YYYY-MM-DD`. */
export function cinemaToday(deps: Pick<Deps, "clock" | "settings">, now = deps.clock.now()): string {
  return now.toTemporalInstant().toZonedDateTimeISO(deps.settings.cinemaTimeZone).toPlainDate().toString();
}

/** Throws `DATE_OUT_OF_RANGE` unless the person may look at shows of this cinema date: customers see today and the six days after. */
export function assertInWindow(
  deps: Pick<Deps, "clock" | "settings">,
  user: User,
  date: string,
  now?: Date,
): void {
  if (user.role !== "customer") return;
  const from = cinemaToday(deps, now);
  const to = Temporal.PlainDate.from(from)
    .add({ days: bookingWindowDays - 1 })
    .toString();
  if (date < from || date > to) throw new DomainError({ code: "DATE_OUT_OF_RANGE", details: { from, to } });
}
