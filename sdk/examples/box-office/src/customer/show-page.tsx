import type { Booking, Cinema, Show } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, cache } from "../client.ts";
import { count, dateInWords, money } from "../format.ts";
import { go, leadingBack } from "../router.ts";
import { BestSeats } from "../seats/best-seats.tsx";
import { LiveNote } from "../seats/live-note.tsx";
import { priceOf } from "../seats/price-of.ts";
import { SeatMapGrid } from "../seats/seat-map.tsx";
import { useLiveSeatMap } from "../seats/use-live-seat-map.ts";
import { useSession } from "../session.ts";
import { Loaded, Notice, Page } from "../ui.tsx";
import { forgetChoice, useChoice } from "./choice.ts";
import { sayHoldFailure } from "./hold-words.ts";

/** A show with its live seat map, where seats are chosen and held. */
export function ShowPage({ cinema, showId }: { cinema: Cinema; showId: number }) {
  const isCustomer = useSession()?.role === "customer";
  const show = useQuery(api.show.byId.queryOptions({ showId }));
  const holds = useQuery(
    api.booking.list.queryOptions({ status: "Pending" }, { enabled: isCustomer, staleTime: 0 }),
  );
  if (isCustomer && holds.isPending) return <Loaded query={holds}>{() => null}</Loaded>;
  const hold = holds.data?.items.find((one) => one.showId === showId);
  return (
    <Loaded query={show}>
      {(known) => <Seats key={hold?.bookingId} cinema={cinema} show={known} hold={hold} />}
    </Loaded>
  );
}

const noSeats: string[] = [];

function Seats({ cinema, show, hold }: { cinema: Cinema; show: Show; hold: Booking | undefined }) {
  const session = useSession();
  const { seatMap, status, end } = useLiveSeatMap(show.id);
  const mine = hold?.seatNumbers ?? noSeats;
  const taken = (error: { code: string; details: unknown; mayHaveHappened: boolean }) => {
    if (error.code === "SEATS_UNAVAILABLE")
      choice.lose((error.details as { seatNumbers: string[] }).seatNumbers);
    // If the seats are held, the bookings have them.
    if (error.mayHaveHappened) void cache.invalidateQueries(api.booking.pathFilter());
  };
  const settled = {
    onError: taken,
    onSuccess: async ({ bookingId }: { bookingId: number }) => {
      forgetChoice(show.id);
      await cache.invalidateQueries(api.booking.pathFilter());
      go(`/booking/${bookingId}`);
    },
  };
  const take = useMutation(api.booking.initialize.mutationOptions(settled));
  const change = useMutation(api.booking.changeSeats.mutationOptions(settled));
  const { isPending, isSuccess, error } = hold === undefined ? take : change;
  // Without an answer the seats on the map may be this person's own.
  const isOpen = isPending || isSuccess || error?.mayHaveHappened === true;
  const choice = useChoice(show.id, seatMap, mine, isOpen);
  const { chosen, lost } = choice;

  function holdChosen(): void {
    if (session === null) go(leadingBack("/sign-in"));
    else if (hold === undefined) take.mutate({ showId: show.id, seatNumbers: chosen });
    else change.mutate({ bookingId: hold.bookingId, seatNumbers: chosen });
  }

  return (
    <Page
      title={show.movie.title}
      aside={
        <p>
          {dateInWords(show.date)}, {show.slot.startTime} · {show.screen.name}
        </p>
      }
    >
      <LiveNote status={status} end={end} />
      {seatMap === undefined ? (
        <div className="hall empty" role="status">
          {end === undefined && "Loading the seats …"}
        </div>
      ) : (
        <div className="show-columns">
          <SeatMapGrid
            seatMap={seatMap}
            currency={cinema.currency}
            chosen={chosen}
            mine={mine}
            onToggle={choice.toggle}
          />
          <section className="panel" aria-label="Your seats">
            <BestSeats seatMap={seatMap} onChoose={choice.choose} />
            <div aria-live="polite">
              {lost.length > 0 && (
                <p className="lost">
                  Another buyer was faster with {lost.join(", ")}. Choose{" "}
                  {lost.length === 1 ? "another seat" : "other seats"}.
                </p>
              )}
              <p className="chosen">
                {chosen.length === 0
                  ? "Choose seats on the map."
                  : `${count(chosen.length, "seat")}: ${chosen.join(", ")}`}
                {chosen.length === cinema.maxSeatsPerBooking && " (a booking has no more)"}
              </p>
              <p className="total">{money(priceOf(seatMap, chosen), cinema.currency)}</p>
            </div>
            {error !== null && error.code !== "SEATS_UNAVAILABLE" && (
              <Notice kind="bad">{sayHoldFailure(error)}</Notice>
            )}
            {session === null || session.role === "customer" ? (
              <button
                type="button"
                className="main"
                disabled={chosen.length === 0 || isPending || status === "ended"}
                onClick={holdChosen}
              >
                {isPending
                  ? "Holding …"
                  : hold === undefined
                    ? `Hold for ${Math.round(cinema.holdSeconds / 60)} minutes`
                    : "Change to these seats"}
              </button>
            ) : (
              session.role === "admin" && <a href={`#/counter/${show.id}`}>Sell at the counter</a>
            )}
            {hold !== undefined && (
              <a href={`#/booking/${hold.bookingId}`}>Pay for {hold.seatNumbers.join(", ")}</a>
            )}
          </section>
        </div>
      )}
    </Page>
  );
}
