import type { CheckInOutput, Cinema } from "@skyfox/sdk";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useState, type FormEvent } from "react";
import { api, cache } from "../client.ts";
import { statusWords } from "../customer/booking-words.ts";
import { More } from "../more.tsx";
import { Field, Loaded, Notice, Page, Select, textsOf } from "../ui.tsx";
import { ticketKeys } from "./check-ticket.ts";
import { loadDecoder } from "./read-code.ts";
import { reasonWords } from "./reason-words.ts";
import { Scan } from "./scan.tsx";

const refreshMs = 5_000;

const refresh = () => void cache.invalidateQueries(api.admin.doorList.infiniteQueryFilter());

/** Who comes today, and their check-in by number or by code. */
export function DoorPage({ cinema }: { cinema: Cinema }) {
  const [showId, setShowId] = useState<number>();
  const shows = useQuery(api.show.list.queryOptions({ date: cinema.today }));
  // While there still is a network.
  useEffect(() => void Promise.allSettled([ticketKeys(), loadDecoder()]), []);
  const checkIn = useMutation(api.admin.checkIn.mutationOptions({ onSettled: refresh }));

  return (
    <Page title="At the door">
      <Select
        label="Show"
        value={showId ?? ""}
        onChange={({ target }) => setShowId(target.value === "" ? undefined : Number(target.value))}
      >
        <option value="">All shows of today</option>
        {shows.data?.map(({ id, slot, movie, screen }) => (
          <option key={id} value={id}>
            {slot.startTime} {movie.title}, {screen.name}
          </option>
        ))}
      </Select>
      <div className="show-columns door">
        <DoorList
          showId={showId}
          today={cinema.today}
          onCheckIn={(bookingId) => checkIn.mutate({ bookingIds: [bookingId] })}
        />
        <div className="side">
          <section className="panel" aria-label="Check in by number">
            <h2>By number</h2>
            <ByNumber onCheckIn={(bookingId) => checkIn.mutate({ bookingIds: [bookingId] })} />
            {checkIn.error !== null && <Notice kind="bad">{checkIn.error.message}</Notice>}
            {checkIn.data !== undefined && <Result result={checkIn.data} />}
          </section>
          <Scan cinema={cinema} showId={showId} onCheckedIn={refresh} />
        </div>
      </div>
    </Page>
  );
}

function ByNumber({ onCheckIn }: { onCheckIn: (bookingId: number) => void }) {
  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const bookingId = Number(textsOf(event.currentTarget)["bookingId"]);
    event.currentTarget.reset();
    if (Number.isSafeInteger(bookingId) && bookingId > 0) onCheckIn(bookingId);
  }
  return (
    <form onSubmit={submit}>
      <Field
        label="Booking number"
        name="bookingId"
        inputMode="numeric"
        autoComplete="off"
        hint="Type it, and press Enter"
      />
    </form>
  );
}

function Result({ result: { checkedIn, alreadyDone, invalid } }: { result: CheckInOutput }) {
  return (
    <>
      {checkedIn.length > 0 && <Notice kind="good">Checked in: booking {checkedIn.join(", ")}</Notice>}
      {alreadyDone.map(({ bookingId, by }) => (
        <Notice key={bookingId} kind="bad">
          Booking {bookingId} was checked in already, by {by}.
        </Notice>
      ))}
      {invalid.map(({ bookingId, reason }) => (
        <Notice key={bookingId} kind="bad">
          Booking {bookingId}: {reasonWords[reason]}
        </Notice>
      ))}
    </>
  );
}

interface DoorListProps {
  showId: number | undefined;
  today: string;
  onCheckIn: (bookingId: number) => void;
}

function DoorList({ showId, today, onCheckIn }: DoorListProps) {
  const asked = showId === undefined ? { date: today } : { showId };
  const list = useInfiniteQuery(
    api.admin.doorList.infiniteQueryOptions(asked, { refetchInterval: refreshMs, staleTime: 0 }),
  );
  return (
    <div>
      <Loaded query={list}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length === 0) return <p>There are no bookings yet.</p>;
          return (
            <ul className="list">
              {items.map(({ bookingId, customerName, seatNumbers, status, movieTitle, showTime }) => (
                <li key={bookingId}>
                  <div>
                    <b>{customerName}</b> · {bookingId}
                    <p className="facts">
                      {showTime} {movieTitle} · {seatNumbers.join(", ")}
                    </p>
                  </div>
                  <div className="end">
                    {status === "Confirmed" ? (
                      <button
                        type="button"
                        aria-label={`Check in booking ${bookingId}`}
                        onClick={() => onCheckIn(bookingId)}
                      >
                        Check in
                      </button>
                    ) : (
                      <span className={`status ${status}`}>{statusWords[status]}</span>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
      <More query={list} />
    </div>
  );
}
