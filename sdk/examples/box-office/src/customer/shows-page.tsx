import { bookingWindowDays, type Cinema, type Show } from "@skyfox/sdk";
import { useQuery } from "@tanstack/react-query";
import { api, cache } from "../client.ts";
import { count, dateInWords, dateParts, daysAfter, money } from "../format.ts";
import { Loaded, Page } from "../ui.tsx";
import { Poster } from "./poster.tsx";

/** The week's shows, a day at a time. */
export function ShowsPage({ cinema, date }: { cinema: Cinema; date: string | undefined }) {
  const today = useQuery(api.show.list.queryOptions({ date: cinema.today }, { enabled: date === undefined }));
  const isTodayOver = today.data?.every((show) => !isOpen(show, cinema)) === true;
  const day = date ?? (isTodayOver ? daysAfter(cinema.today, 1) : cinema.today);
  const shows = useQuery(api.show.list.queryOptions({ date: day }));
  const days = Array.from({ length: bookingWindowDays }, (_, index) => daysAfter(cinema.today, index));
  return (
    <Page title="What is on">
      <nav aria-label="Days" className="days">
        {days.map((one) => {
          const { weekday, day: number, month } = dateParts(one);
          return (
            <a
              key={one}
              href={`#/shows/${one}`}
              aria-current={one === day ? "date" : undefined}
              onPointerEnter={() => void cache.prefetchQuery(api.show.list.queryOptions({ date: one }))}
            >
              <small>{one === cinema.today ? "Today" : weekday}</small> <b>{number}</b> <small>{month}</small>
            </a>
          );
        })}
      </nav>
      <Loaded query={shows}>
        {(list) =>
          list.length === 0 ? (
            <p>There are no shows on {dateInWords(day)}.</p>
          ) : (
            <ul className="shows">
              {list.map((show) => (
                <ShowCard key={show.id} show={show} cinema={cinema} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Page>
  );
}

function ShowCard({ show, cinema }: { show: Show; cinema: Cinema }) {
  const { movie, slot, screen, availableSeats } = show;
  const free = isOpen(show, cinema);
  return (
    <li className={free ? "show-card" : "show-card over"}>
      <Poster movie={movie} />
      <div className="show-text">
        <h2>{free ? <a href={`#/show/${show.id}`}>{movie.title}</a> : movie.title}</h2>
        <p className="when">
          <time dateTime={show.startsAt.toISOString()}>{slot.startTime}</time> <span>{screen.name}</span>
        </p>
        <p className="facts">
          {[...movie.genres, runtime(movie.runtimeMinutes)].filter(Boolean).join(" · ")}
        </p>
        <p className="facts">
          {stateOf(show, cinema) ??
            `${count(availableSeats, "seat")} free · from ${money(show.cost, cinema.currency)}`}
        </p>
      </div>
    </li>
  );
}

function runtime(minutes: number): string {
  return minutes === 0 ? "" : `${Math.floor(minutes / 60)}\u00a0h\u00a0${minutes % 60}\u00a0min`;
}

function stateOf(show: Show, { now }: Cinema): string | undefined {
  if (show.cancelledAt !== null) return "Cancelled";
  if (show.startsAt <= now) return "Started";
  return show.availableSeats === 0 ? "Sold out" : undefined;
}

function isOpen(show: Show, cinema: Cinema): boolean {
  const state = stateOf(show, cinema);
  return state === undefined || state === "Sold out";
}
