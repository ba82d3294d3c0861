import type { ShowRow } from "@skyfox/db";
import type { Show } from "../contract/index.ts";

/** A show as the contract publishes it. */
export function describeShow(row: ShowRow): Show {
  return {
    id: row.id,
    screen: { id: row.screenId, name: row.screenName },
    movie: {
      movieId: row.movieId,
      title: row.title,
      runtimeMinutes: row.runtimeMinutes ?? 0,
      plot: row.plot ?? "",
      imdbRating: row.imdbRating,
      posterUrl: row.posterUrl ?? "",
      genres: row.genres,
    },
    slot: {
      id: row.slotId,
      name: row.slotName,
      startTime: row.slotStart.slice(0, 5),
      endTime: row.slotEnd.slice(0, 5),
    },
    date: row.date,
    startsAt: row.startsAt,
    endsAt: row.endsAt,
    cost: row.cost,
    availableSeats: (row.capacity ?? 0) - (row.taken ?? 0),
    cancelledAt: row.cancelledAt,
  };
}
