import { findShow, hasBookingOfShow } from "@skyfox/db";
import type { Show, ShowIdInput } from "../contract/index.ts";
import type { Deps, Viewer } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { describeShow } from "./describe-show.ts";
import { assertInWindow } from "./window.ts";

/** One show; outside the seven days also for customers who have or had a booking of it. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`. */
export async function getShow(
  deps: Pick<Deps, "clock" | "db" | "settings">,
  viewer: Viewer,
  { showId }: ShowIdInput,
): Promise<Show> {
  const row = await findShow(deps.db, showId, deps.clock.now());
  if (row === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
  const isOwn = viewer.role === "customer" && (await hasBookingOfShow(deps.db, viewer.username, showId));
  if (!isOwn) assertInWindow(deps, viewer, row.date);
  return describeShow(row, row.taken);
}
