import type { SeatMap, ShowIdInput } from "../contract/index.ts";
import type { Deps, Viewer } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import type { ReadyAnswer } from "../rpc/ready-answer.ts";
import type { SeatMapReading } from "./ports.ts";
import { assertInWindow } from "./window.ts";

type ReadingDeps = Pick<Deps, "clock" | "settings" | "shows">;

/** Every seat of a show as free, held or sold; an overdue hold reads as free. Throws `SHOW_NOT_FOUND`, `DATE_OUT_OF_RANGE`. */
export async function getSeatMap(
  deps: ReadingDeps,
  viewer: Viewer,
  { showId }: ShowIdInput,
): Promise<SeatMap> {
  return (await read(deps, viewer, showId)).seatMap();
}

/** As `getSeatMap`, written for the wire. */
export async function getWrittenSeatMap(
  deps: ReadingDeps,
  viewer: Viewer,
  { showId }: ShowIdInput,
): Promise<ReadyAnswer<SeatMap>> {
  return (await read(deps, viewer, showId)).written();
}

async function read(deps: ReadingDeps, viewer: Viewer, showId: number): Promise<SeatMapReading> {
  const reading = await deps.shows.readSeatMap(showId);
  if (reading === undefined) throw new DomainError({ code: "SHOW_NOT_FOUND" });
  assertInWindow(deps, viewer, reading.date);
  return reading;
}
