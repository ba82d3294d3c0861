import {
  findShow,
  hasScreen,
  insertShowsWhereFree,
  listFreeSlotIds,
  listSlots,
  saveMovies,
  type MovieDetails,
  type SlotRow,
} from "@skyfox/db";
import { recordAudit } from "../audit/record-audit.ts";
import type { CreateShowInput, ScheduledShow, Show } from "../contract/index.ts";
import type { Deps, User } from "../deps.ts";
import { DomainError } from "../errors/domain-error.ts";
import { callWithoutKey, type Call } from "../idempotency/call.ts";
import { describeShow } from "../show/describe-show.ts";
import { showTimes } from "../show/show-times.ts";
import { isPast } from "./list-slots.ts";

const minuteMs = 60_000;

/**
 * Schedules a show and copies its film, so that nothing needs the movie service afterwards. What may be wrong but is for the cinema to decide,
 * such as a film longer than the slot, is a warning in the answer. Throws `INVALID_SCREEN`, `INVALID_SLOT`, `PAST_DATETIME`, `INVALID_MOVIE`,
 * `MOVIE_SERVICE_UNAVAILABLE`, or `SLOT_NOT_AVAILABLE` when another show has the slot, or the screen at any moment of it.
 */
export async function scheduleShow(
  deps: Pick<Deps, "db" | "clock" | "movies" | "settings">,
  admin: User,
  input: CreateShowInput,
  call: Call = callWithoutKey(deps),
): Promise<ScheduledShow> {
  const { movieId, date, slotId, cost, screenId } = input;
  if (!(await hasScreen(deps.db, screenId))) throw new DomainError({ code: "INVALID_SCREEN" });
  const times = showTimes(date, await getSlot(deps, slotId), deps.settings.cinemaTimeZone);
  const assertToCome = () => {
    if (isPast(deps, times.startsAt)) throw new DomainError({ code: "PAST_DATETIME" });
  };
  assertToCome();
  const movie = await getMovie(deps, movieId);

  return await call.commit(async (tx) => {
    // The movie service may have taken its time.
    assertToCome();
    await saveMovies(tx, [movie]);
    // Constraints decide between those who come at once. Shows that an older system let overlap are outside of one of them; they are all here.
    const [isFree] = await listFreeSlotIds(tx, { screenId, date, slots: [{ slotId, ...times }] });
    const [showId] =
      isFree === undefined
        ? []
        : await insertShowsWhereFree(tx, [{ movieId, date, slotId, screenId, cost, ...times }]);
    const row = showId === undefined ? undefined : await findShow(tx, showId, deps.clock.now());
    if (row === undefined) throw new DomainError({ code: "SLOT_NOT_AVAILABLE" });
    await recordAudit(tx, deps.clock, admin, {
      action: "show-scheduled",
      subject: null,
      details: { showId: row.id },
    });
    const show = describeShow(row, row.taken);
    return { ...show, warnings: warningsAbout(show) };
  });
}

async function getSlot(deps: Pick<Deps, "db">, slotId: number): Promise<SlotRow> {
  const slot = (await listSlots(deps.db)).find(({ id }) => id === slotId);
  if (slot === undefined) throw new DomainError({ code: "INVALID_SLOT" });
  return slot;
}

async function getMovie(deps: Pick<Deps, "movies">, movieId: string): Promise<MovieDetails> {
  const found = await deps.movies.find(movieId);
  if (found.kind === "unavailable") throw new DomainError({ code: "MOVIE_SERVICE_UNAVAILABLE" });
  if (found.kind === "unknown") throw new DomainError({ code: "INVALID_MOVIE" });
  return found.movie;
}

// Counted between the instants: where the clocks change, a slot is longer or shorter than it looks.
function warningsAbout({ movie, startsAt, endsAt }: Show): string[] {
  const minutes = Math.round((endsAt.getTime() - startsAt.getTime()) / minuteMs);
  if (movie.runtimeMinutes === 0)
    return [`The running time of ${movie.title} is unknown; make sure that ${minutes} minutes are enough.`];
  if (movie.runtimeMinutes <= minutes) return [];
  return [`${movie.title} runs for ${movie.runtimeMinutes} minutes, but this slot has only ${minutes}.`];
}
