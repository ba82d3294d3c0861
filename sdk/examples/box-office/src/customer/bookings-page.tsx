import type { Cinema } from "@skyfox/sdk";
import { useInfiniteQuery } from "@tanstack/react-query";
import { api } from "../client.ts";
import { dateInWords, money } from "../format.ts";
import { More } from "../more.tsx";
import { Loaded, Page } from "../ui.tsx";
import { statusWords } from "./booking-words.ts";

/** The customer's bookings, newest first. */
export function BookingsPage({ cinema }: { cinema: Cinema }) {
  const bookings = useInfiniteQuery(api.booking.list.infiniteQueryOptions({}, { staleTime: 0 }));
  return (
    <Page title="My bookings">
      <Loaded query={bookings}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length === 0) return <p>You have no bookings yet.</p>;
          return (
            <ul className="list">
              {items.map(({ bookingId, movieTitle, showDate, showTime, seatNumbers, status, amountDue }) => (
                <li key={bookingId}>
                  <div>
                    <a href={`#/booking/${bookingId}`}>{movieTitle}</a>
                    <p className="facts">
                      {dateInWords(showDate)}, {showTime} · {seatNumbers.join(", ")}
                    </p>
                  </div>
                  <div className="end">
                    <span className={`status ${status}`}>{statusWords[status]}</span>
                    <p className="facts">{money(amountDue, cinema.currency)}</p>
                  </div>
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
      <More query={bookings} />
    </Page>
  );
}
