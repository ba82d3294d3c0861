import { hasScreen, listFreeSlotIds, listSlots } from "@skyfox/db";
import type { FreeSlotsInput, Slot } from "../contract/index.ts";
import type { Deps } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { describeSlot } from "../show/describe-show.ts";
import { showTimes } from "../show/show-times.ts";
import { cinemaToday } from "../show/window.ts";

/** All slots by start. */
export async function listAllSlots(deps: Pick<Deps, "db">): Promise<Slot[]> {
  const slots = await listSlots(deps.db);
  return slots.map(describeSlot);
}

/** The slots of a day and a screen in which a show can still be scheduled, by start. Throws `INVALID_SCREEN`. */
export async function listFreeSlots(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  input: FreeSlotsInput,
): Promise<Slot[]> {
  const { screenId, date = cinemaToday(deps) } = input;
  if (!(await hasScreen(deps.db, screenId))) throw new DomainError({ code: "INVALID_SCREEN" });
  const all = await listSlots(deps.db);
  const toCome = all
    .map((slot) => ({ slotId: slot.id, ...showTimes(date, slot, deps.settings.cinemaTimeZone) }))
    .filter((slot) => !isPast(deps, slot.startsAt));
  const free = await listFreeSlotIds(deps.db, { screenId, date, slots: toCome });
  return all.filter(({ id }) => free.includes(id)).map(describeSlot);
}

/** Whether a show that starts then would have begun by now; one that starts at this very moment can still be scheduled. */
export function isPast(deps: Pick<Deps, "clock">, startsAt: Date): boolean {
  return startsAt < deps.clock.now();
}
