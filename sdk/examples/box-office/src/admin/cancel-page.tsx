import type { Show, ShowCancellation } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api, cache } from "../client.ts";
import { dateInWords } from "../format.ts";
import { Field, Loaded, Notice, Page, textsOf } from "../ui.tsx";
import { fieldsOf } from "../words.ts";

const lookEveryMs = 1_000;

/** Cancels a show, and follows how its bookings are refunded. */
export function CancelPage({ showId }: { showId: number }) {
  const show = useQuery(api.show.byId.queryOptions({ showId }));
  return (
    <Loaded query={show}>
      {(known) => (
        <Page
          title={`Cancel ${known.movie.title}`}
          aside={
            <p>
              {dateInWords(known.date)}, {known.slot.startTime} · {known.screen.name}
            </p>
          }
        >
          {known.cancelledAt === null ? <CancelForm show={known} /> : <Progress showId={showId} />}
        </Page>
      )}
    </Loaded>
  );
}

function CancelForm({ show }: { show: Show }) {
  const cancel = useMutation(
    api.admin.cancelShow.mutationOptions({ onSettled: () => cache.invalidateQueries(api.show.pathFilter()) }),
  );
  const errors = cancel.error === null ? {} : fieldsOf(cancel.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    cancel.mutate({ showId: show.id, reason: textsOf(event.currentTarget)["reason"] ?? "" });
  }

  return (
    <form className="narrow" onSubmit={submit} noValidate>
      <p>Its seats are sold no more, and all who have paid get their money back.</p>
      <Field
        label="Reason"
        name="reason"
        hint="Customers read it"
        autoComplete="off"
        error={errors["reason"]}
      />
      {cancel.error !== null && Object.keys(errors).length === 0 && (
        <Notice kind="bad">{cancel.error.message}</Notice>
      )}
      <button type="submit" className="main" disabled={cancel.isPending}>
        Cancel the show
      </button>
    </form>
  );
}

function Progress({ showId }: { showId: number }) {
  const cancellation = useQuery(
    api.admin.showCancellation.queryOptions(
      { showId },
      {
        staleTime: 0,
        refetchInterval: ({ state: { data } }) => (data?.status === "done" ? false : lookEveryMs),
      },
    ),
  );
  return <Loaded query={cancellation}>{(known) => <Refunds cancellation={known} />}</Loaded>;
}

function Refunds({
  cancellation: { status, reason, total, refunded, failed },
}: {
  cancellation: ShowCancellation;
}) {
  return (
    <div className="narrow">
      <p>Cancelled: {reason}</p>
      <label>
        {refunded} of {total} bookings have their money back
        <progress max={Math.max(total, 1)} value={total === 0 ? 1 : refunded} />
      </label>
      {status === "done" ? (
        <Notice kind="good">All is done.</Notice>
      ) : (
        <Notice kind="calm">The refunds go on by themselves, also without this page.</Notice>
      )}
      {failed.map(({ bookingId, error }) => (
        <Notice key={bookingId} kind="bad">
          Booking {bookingId} is tried again: {error}
        </Notice>
      ))}
    </div>
  );
}
