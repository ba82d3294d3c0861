import { endIntent, type Booking, type Cinema, type Failure, type Show } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api } from "../client.ts";
import { useChoice } from "../customer/choice.ts";
import { count, dateInWords, money } from "../format.ts";
import { BestSeats } from "../seats/best-seats.tsx";
import { LiveNote } from "../seats/live-note.tsx";
import { priceOf } from "../seats/price-of.ts";
import { SeatMapGrid } from "../seats/seat-map.tsx";
import { useLiveSeatMap } from "../seats/use-live-seat-map.ts";
import { tabStorage } from "../tab-storage.ts";
import { Field, Loaded, Notice, Page, textsOf } from "../ui.tsx";
import { fieldsOf } from "../words.ts";

const noSeats: string[] = [];

/** Sells seats at the counter, for cash. */
export function CounterPage({ cinema, showId }: { cinema: Cinema; showId: number }) {
  const show = useQuery(api.show.byId.queryOptions({ showId }));
  return <Loaded query={show}>{(known) => <Sale cinema={cinema} show={known} />}</Loaded>;
}

function Sale({ cinema, show }: { cinema: Cinema; show: Show }) {
  const { seatMap, status, end } = useLiveSeatMap(show.id);
  // From the press until its answer. Without one the seats on the map may be this sale's own.
  const [isOpen, setOpen] = useState(false);
  const choice = useChoice(show.id, seatMap, noSeats, isOpen);
  const { chosen, lost } = choice;
  // The same seats, pressed again after a lost answer, are the same sale.
  const nameOf = (seatNumbers: string[]) => `sale-${show.id}-${seatNumbers.join()}`;
  const sell = useMutation(
    api.admin.createBooking.mutationOptions({
      intent: { name: nameOf(chosen), storage: tabStorage },
      onMutate: () => setOpen(true),
      onSuccess: () => choice.choose(noSeats),
      onError(failure, { seatNumbers }) {
        if (failure.code === "SEATS_UNAVAILABLE") choice.lose(failure.details.seatNumbers);
        if (failure.code !== "IDEMPOTENCY_MISMATCH") return;
        endIntent(nameOf(seatNumbers), tabStorage);
        choice.choose(noSeats);
      },
      onSettled: (_sold, failure) =>
        setOpen(failure?.mayHaveHappened === true && failure.code !== "IDEMPOTENCY_MISMATCH"),
    }),
  );
  const errors = sell.error === null ? {} : fieldsOf(sell.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { customerName = "", phoneNumber = "" } = textsOf(event.currentTarget);
    sell.mutate({ showId: show.id, customerName, phoneNumber, seatNumbers: chosen });
  }

  return (
    <Page
      title={`Counter: ${show.movie.title}`}
      aside={
        <p>
          {dateInWords(show.date)}, {show.slot.startTime} · {show.screen.name}
        </p>
      }
    >
      <LiveNote status={status} end={end} />
      {seatMap !== undefined && (
        <div className="show-columns">
          <SeatMapGrid
            seatMap={seatMap}
            currency={cinema.currency}
            chosen={chosen}
            onToggle={choice.toggle}
          />
          <div className="side">
            <section className="panel" aria-label="Best seats">
              <BestSeats seatMap={seatMap} onChoose={choice.choose} />
            </section>
            <form className="panel" aria-label="Sale" onSubmit={submit} noValidate>
              <div aria-live="polite">
                {lost.length > 0 && <p className="lost">{lost.join(", ")} went to another buyer.</p>}
                <p>
                  {chosen.length === 0
                    ? "Choose seats on the map."
                    : `${count(chosen.length, "seat")}: ${chosen.join(", ")}`}
                </p>
                <p className="total">{money(priceOf(seatMap, chosen), cinema.currency)}</p>
              </div>
              <Field
                label="Customer's name"
                name="customerName"
                autoComplete="off"
                error={errors["customerName"]}
              />
              <Field
                label="Phone number"
                name="phoneNumber"
                inputMode="tel"
                autoComplete="off"
                error={errors["phoneNumber"]}
              />
              {sell.error !== null && Object.keys(errors).length === 0 && (
                <Notice kind="bad">{saySaleFailure(sell.error)}</Notice>
              )}
              {sell.isSuccess && <Sold booking={sell.data} cinema={cinema} />}
              <button type="submit" className="main" disabled={chosen.length === 0 || sell.isPending}>
                Sell for cash
              </button>
            </form>
          </div>
        </div>
      )}
    </Page>
  );
}

function saySaleFailure(failure: Failure<"admin.createBooking">): string {
  switch (failure.code) {
    case "NETWORK":
    case "TIMEOUT":
      return "We did not hear back. Press again: the seats are sold once, however often you press.";
    case "IDEMPOTENCY_MISMATCH":
      return "These seats were sold with your first press, to the customer who was typed in then.";
    default:
      return failure.message;
  }
}

function Sold({ booking, cinema }: { booking: Booking; cinema: Cinema }) {
  return (
    <Notice kind="good">
      Sold: booking {booking.bookingId}, {booking.seatNumbers.join(", ")},{" "}
      {money(booking.amountPaid, cinema.currency)}
    </Notice>
  );
}
