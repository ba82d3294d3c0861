import type { MovieDetails, ShowRow, SlotRow } from "@skyfox/db";
import type { Movie, Show, Slot } from "../contract/index.ts";

/** A film as the contract publishes it, known or adopted by its id alone. */
export function describeMovie(movie: DescribedFilm): Movie {
  return {
    movieId: movie.movieId,
    title: movie.title,
    runtimeMinutes: movie.runtimeMinutes ?? 0,
    plot: movie.plot ?? "",
    imdbRating: movie.imdbRating,
    posterUrl: movie.posterUrl ?? "",
    genres: movie.genres,
  };
}

type DescribedFilm = Pick<MovieDetails, "movieId" | "title" | "runtimeMinutes" | "imdbRating" | "genres"> & {
  plot: string | null;
  posterUrl: string | null;
};

/** A slot as the contract publishes it. */
export function describeSlot(slot: SlotRow): Slot {
  const { id, name, startTime, endTime } = slot;
  return { id, name, startTime: startTime.slice(0, 5), endTime: endTime.slice(0, 5) };
}

/** A show as the contract publishes it, of whose seats that many are taken. */
export function describeShow(row: ShowRow, taken: number): Show {
  return {
    id: row.id,
    screen: { id: row.screenId, name: row.screenName },
    movie: describeMovie(row),
    slot: describeSlot({
      id: row.slotId,
      name: row.slotName,
      startTime: row.slotStart,
      endTime: row.slotEnd,
    }),
    date: row.date,
    startsAt: row.startsAt,
    endsAt: row.endsAt,
    cost: row.cost,
    availableSeats: (row.capacity ?? 0) - taken,
    cancelledAt: row.cancelledAt,
  };
}
