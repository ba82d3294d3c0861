import { firstScreenId, maxShowCost, type Cinema, type Failure } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, cache } from "../client.ts";
import { money } from "../format.ts";
import { go } from "../router.ts";
import { Field, Loaded, Notice, Page, Select, textsOf } from "../ui.tsx";
import { fieldsOf, say } from "../words.ts";

/** A day's shows, and a form that schedules another one. */
export function SchedulePage({ cinema, date }: { cinema: Cinema; date: string }) {
  return (
    <Page title="Schedule">
      <div className="show-columns">
        <DayList cinema={cinema} date={date} />
        <NewShow date={date} />
      </div>
    </Page>
  );
}

function DayList({ cinema, date }: { cinema: Cinema; date: string }) {
  const shows = useQuery(api.show.list.queryOptions({ date }));
  return (
    <Loaded query={shows}>
      {(list) => (
        <ul className="list" aria-label={`Shows on ${date}`}>
          {list.map(({ id, slot, movie, screen, cost, availableSeats, cancelledAt }) => (
            <li key={id}>
              <div>
                <b>
                  {slot.startTime} {movie.title}
                </b>
                <p className="facts">
                  {screen.name} · {money(cost, cinema.currency)} · {availableSeats} free
                </p>
              </div>
              <div className="end">
                {cancelledAt === null && (
                  <a href={`#/counter/${id}`} aria-label={`Sell ${movie.title}, ${slot.startTime}`}>
                    Sell
                  </a>
                )}{" "}
                <a href={`#/cancel/${id}`} aria-label={`Cancel ${movie.title}, ${slot.startTime}`}>
                  {cancelledAt === null ? "Cancel" : "Cancelled"}
                </a>
              </div>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

function NewShow({ date }: { date: string }) {
  const [screenId, setScreenId] = useState<number>(firstScreenId);
  const movies = useQuery(api.admin.movies.queryOptions());
  const screens = useQuery(api.admin.screens.queryOptions());
  const slots = useQuery(api.admin.slots.queryOptions({ date, screenId }));
  const create = useMutation(
    api.admin.createShow.mutationOptions({
      onSettled: () =>
        Promise.all([
          cache.invalidateQueries(api.show.pathFilter()),
          cache.invalidateQueries(api.admin.slots.queryFilter()),
        ]),
    }),
  );
  const errors = create.error === null ? {} : errorsOf(create.error);
  const problem = create.error === null || Object.keys(errors).length > 0 ? undefined : sayRest(create.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { movieId = "", slotId, cost = "" } = textsOf(event.currentTarget);
    create.mutate({ movieId, date, slotId: Number(slotId), screenId, cost });
  }

  return (
    <form className="panel" onSubmit={submit} aria-label="New show" noValidate>
      <h2>New show</h2>
      <Field
        label="Date"
        type="date"
        value={date}
        onChange={({ target }) => target.value !== "" && go(`/schedule/${target.value}`, { replace: true })}
      />
      <Select label="Screen" value={screenId} onChange={({ target }) => setScreenId(Number(target.value))}>
        {screens.data?.map(({ id, name, capacity }) => (
          <option key={id} value={id}>
            {name} ({capacity} seats)
          </option>
        ))}
      </Select>
      <Select label="Slot" name="slotId" error={errors["slotId"]}>
        {slots.data?.length === 0 && <option value="">All are taken</option>}
        {slots.data?.map(({ id, name, startTime }) => (
          <option key={id} value={id}>
            {startTime} {name}
          </option>
        ))}
      </Select>
      <Select label="Film" name="movieId" error={errors["movieId"]}>
        {movies.data?.map(({ movieId, title }) => (
          <option key={movieId} value={movieId}>
            {title}
          </option>
        ))}
      </Select>
      <Field
        label="Cost"
        name="cost"
        inputMode="decimal"
        defaultValue="200"
        hint={`At most ${maxShowCost}`}
        error={errors["cost"]}
      />
      {movies.error !== null && <Notice kind="bad">{movies.error.message}</Notice>}
      {problem !== undefined && <Notice kind="bad">{problem}</Notice>}
      {create.isSuccess && (
        <Notice kind="good">
          {create.data.movie.title} is scheduled. {create.data.warnings.join(" ")}
        </Notice>
      )}
      <button type="submit" className="main" disabled={create.isPending || slots.data?.length === 0}>
        Schedule
      </button>
    </form>
  );
}

function errorsOf(failure: Failure<"admin.createShow">): Record<string, string> {
  switch (failure.code) {
    case "INVALID_COST":
      return { cost: failure.message };
    case "INVALID_MOVIE":
      return { movieId: failure.message };
    case "INVALID_SLOT":
    case "SLOT_NOT_AVAILABLE":
    case "PAST_DATETIME":
      return { slotId: failure.message };
    default:
      return fieldsOf(failure);
  }
}

function sayRest(failure: Failure<"admin.createShow">): string {
  switch (failure.code) {
    case "INVALID_COST":
    case "INVALID_MOVIE":
    case "INVALID_SLOT":
    case "SLOT_NOT_AVAILABLE":
    case "PAST_DATETIME":
    case "INVALID_SCREEN":
    case "MOVIE_SERVICE_UNAVAILABLE":
      return failure.message;
    default:
      return say(failure);
  }
}
