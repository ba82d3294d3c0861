/**
 * The instants of a show: its slot's times of day on a cinema date; a slot that ends at or before its start ends the next day. Where the clocks
 * go forward, a time that is skipped is an hour later; where they go back, a time that comes twice is the first one.
 */
export function showTimes(
  date: string,
  slot: { startTime: string; endTime: string },
  cinemaTimeZone: string,
): { startsAt: Date; endsAt: Date } {
  const day = Temporal.PlainDate.from(date);
  const instant = (on: Temporal.PlainDate, time: string) =>
    new Date(on.toZonedDateTime({ timeZone: cinemaTimeZone, plainTime: time }).epochMilliseconds);
  const endsOn = slot.endTime <= slot.startTime ? day.add({ days: 1 }) : day;
  const [startsAt, endsAt] = [instant(day, slot.startTime), instant(endsOn, slot.endTime)];
  if (endsAt > startsAt) return { startsAt, endsAt };
  // It starts in the skipped hour and ends just after it: the whole of it is later.
  const length = Temporal.PlainTime.from(slot.startTime).until(slot.endTime).total("milliseconds");
  return { startsAt, endsAt: new Date(startsAt.getTime() + length) };
}
