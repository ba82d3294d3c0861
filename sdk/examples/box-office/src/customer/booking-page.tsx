import { endIntent, type Booking, type Cinema } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api, cache } from "../client.ts";
import { Countdown } from "../countdown.tsx";
import { count, dateInWords, money } from "../format.ts";
import { tabStorage } from "../tab-storage.ts";
import { Loaded, Notice, Page } from "../ui.tsx";
import { PayForm, type Method } from "./pay-form.tsx";
import { sayRefund } from "./booking-words.ts";
import { Ticket } from "./ticket.tsx";

const askAgainMs = 1_500;

// A payment changes the booking, the lists that have it, and the wallet.
async function refresh(): Promise<void> {
  await Promise.all([
    cache.invalidateQueries(api.booking.pathFilter()),
    cache.invalidateQueries(api.wallet.pathFilter()),
  ]);
}

// Another method is another intent; a repeated press, also after the page was loaded again, is the same one and pays once.
const intentName = (bookingId: number, method: Method) => `pay-${bookingId}-${method}`;

/** A booking in whatever state it is: to be paid for, being paid for, a ticket, or over. */
export function BookingPage({ cinema, bookingId }: { cinema: Cinema; bookingId: number }) {
  const [method, setMethod] = useState<Method>("Card");
  const pay = useMutation(
    api.booking.pay.mutationOptions({
      intent: { name: intentName(bookingId, method), storage: tabStorage },
      onSuccess: refresh,
      onError(failure, input) {
        // A card or none beside the wallet is another input. A booking is paid once at most, so a new key is safe.
        if (failure.code === "IDEMPOTENCY_MISMATCH")
          endIntent(intentName(bookingId, input.method), tabStorage);
        // Not awaited: the failure is shown at once.
        void refresh();
      },
    }),
  );
  const booking = useQuery(
    api.booking.byId.queryOptions(
      { bookingId },
      {
        staleTime: 0,
        // While the bank is asked, and while money is on its way back.
        refetchInterval: ({ state: { data } }) =>
          pay.isPending || data?.status === "Paying" || data?.refund?.state === "pending"
            ? askAgainMs
            : false,
      },
    ),
  );
  const status = booking.data?.status;
  const before = useRef(status);
  useEffect(() => {
    // A payment ended unpaid that this page has no answer of: what it kept for it is not for the next one.
    const isEnded = before.current === "Paying" && status === "Pending";
    before.current = status;
    if (!isEnded || pay.isPending || pay.error?.mayHaveHappened === false) return;
    for (const one of ["Card", "Wallet"] as const) endIntent(intentName(bookingId, one), tabStorage);
    pay.reset();
  }, [status]);
  return (
    <Loaded query={booking}>
      {(known) => (
        <Page title={known.movieTitle} aside={<Facts booking={known} cinema={cinema} />}>
          {(known.status === "Pending" || known.status === "Paying") && (
            <>
              <Clock booking={known} />
              {/* Stays while the payment goes on, so that a declined card is still in its fields. */}
              <div hidden={known.status === "Paying"}>
                <PayForm
                  booking={known}
                  cinema={cinema}
                  method={method}
                  onMethod={(next) => {
                    pay.reset();
                    setMethod(next);
                  }}
                  onPay={pay.mutate}
                  isPaying={pay.isPending}
                  failure={pay.error}
                />
                <GiveBack booking={known} isDisabled={pay.isPending} />
              </div>
            </>
          )}
          {(known.status === "Confirmed" || known.status === "CheckedIn") && (
            <Ticket booking={known} cinema={cinema} />
          )}
          {(known.status === "Expired" || known.status === "Cancelled" || known.status === "Refunded") && (
            <Over booking={known} cinema={cinema} />
          )}
        </Page>
      )}
    </Loaded>
  );
}

function Facts({ booking, cinema }: { booking: Booking; cinema: Cinema }) {
  const { showDate, showTime, screenName, seatNumbers, amountDue } = booking;
  return (
    <p>
      {dateInWords(showDate)}, {showTime} · {screenName} · {count(seatNumbers.length, "seat")}:{" "}
      {seatNumbers.join(", ")} · {money(amountDue, cinema.currency)}
    </p>
  );
}

function Clock({ booking }: { booking: Booking }) {
  if (booking.status === "Paying")
    return (
      <Notice kind="calm">
        Your payment is under way. You need not do anything: the ticket appears here as soon as the bank has
        answered, and your seats stay yours until then.
      </Notice>
    );
  return (
    <p className="clock">
      The seats are yours for{" "}
      <Countdown hold={booking} onOver={() => void cache.invalidateQueries(api.booking.pathFilter())} />
    </p>
  );
}

function GiveBack({ booking, isDisabled }: { booking: Booking; isDisabled: boolean }) {
  const cancel = useMutation(
    api.booking.cancel.mutationOptions({
      onSettled: () => cache.invalidateQueries(api.booking.pathFilter()),
    }),
  );
  return (
    <>
      {cancel.error !== null && <Notice kind="bad">{cancel.error.message}</Notice>}
      <p className="actions">
        <a href={`#/show/${booking.showId}`}>Change seats</a>
        <button
          type="button"
          className="plain"
          disabled={isDisabled || cancel.isPending}
          onClick={() => cancel.mutate({ bookingId: booking.bookingId })}
        >
          Give the seats back
        </button>
      </p>
    </>
  );
}

function Over({ booking, cinema }: { booking: Booking; cinema: Cinema }) {
  const words = {
    Expired: "Time ran out, and the seats went back on sale. Nothing was charged.",
    Cancelled: "This booking was cancelled, and the seats went back on sale.",
    Refunded: "This booking was given back.",
  };
  const status = booking.status as keyof typeof words;
  return (
    <>
      <Notice kind="calm">
        {words[status]} {booking.refund !== null && sayRefund(booking.refund, cinema)}
      </Notice>
      <p className="actions">
        <a className="button main" href={`#/show/${booking.showId}`}>
          Choose seats again
        </a>
      </p>
    </>
  );
}
