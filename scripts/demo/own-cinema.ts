import { doorsOpenMinutes } from "@skyfox/sdk";
import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

// When the shows of a cinema begin, in minutes of its day.
const slotStarts = ["08:30", "12:30", "16:30", "20:30"].map((time) => {
  const { hour, minute } = Temporal.PlainTime.from(time);
  return hour * 60 + minute;
});

// What comes before the door takes a while.
const aheadMinutes = 2;

const cities = [
  "Asia/Kolkata",
  "Pacific/Honolulu",
  "America/Anchorage",
  "America/Los_Angeles",
  "America/Denver",
  "America/Chicago",
  "America/New_York",
  "America/Halifax",
  "America/Sao_Paulo",
  "Atlantic/South_Georgia",
  "Atlantic/Azores",
  "Atlantic/Reykjavik",
  "Europe/Paris",
  "Europe/Athens",
  "Europe/Istanbul",
  "Asia/Dubai",
  "Asia/Karachi",
  "Asia/Dhaka",
  "Asia/Bangkok",
  "Asia/Singapore",
  "Asia/Tokyo",
  "Australia/Brisbane",
  "Pacific/Noumea",
  "Pacific/Tarawa",
  "Pacific/Tongatapu",
  "America/St_Johns",
  "Asia/Tehran",
  "Asia/Kabul",
  "Asia/Yangon",
  "Australia/Darwin",
  "Pacific/Marquesas",
];

/** The zone of a city where at this moment a ticket can still be bought for a show whose door is open already. */
export function findDoorTime(now: Date): string | undefined {
  return cities.find((city) => {
    const { hour, minute } = now.toTemporalInstant().toZonedDateTimeISO(city);
    const toStart = slotStarts.map((start) => start - (hour * 60 + minute));
    return toStart.some((minutes) => minutes >= aheadMinutes && minutes <= doorsOpenMinutes);
  });
}

/** A folder for the state of a cinema that is there for the demo only. */
export async function makeStateFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(await realpath(tmpdir()), "skyfox-demo-"));
  // Started by root, Postgres runs as another user, who has to get in.
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
