/** The instants of a show: its slot's times of day on a cinema date; a slot that ends at or before its start ends the next day. */
export function showTimes(
  date: string,
  slot: { startTime: string; endTime: string },
  cinemaTimeZone: string,
): { startsAt: Date; endsAt: Date } {
  const day = Temporal.PlainDate.from(date);
  const instant = (on: Temporal.PlainDate, time: string) =>
    new Date(on.toZonedDateTime({ timeZone: cinemaTimeZone, plainTime: time }).epochMilliseconds);
  const endsOn = slot.endTime <= slot.startTime ? day.add({ days: 1 }) : day;
  return { startsAt: instant(day, slot.startTime), endsAt: instant(endsOn, slot.endTime) };
}
