import type { Cinema, PaymentOutcome, PaymentsInDoubtPage } from "@skyfox/sdk";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { api, cache } from "../client.ts";
import { money, wait } from "../format.ts";
import { More } from "../more.tsx";
import { Loaded, Notice, Page } from "../ui.tsx";

const refreshMs = 5_000;

const outcomeWords: Record<PaymentOutcome, string> = {
  completed: "It was charged.",
  failed: "It was not charged.",
  refunded: "It was given back.",
  unknown: "The bank does not tell yet. It is asked again by itself.",
};

/** Payments whose outcome the bank has not told, and refunds that it has not made. */
export function PaymentsPage({ cinema }: { cinema: Cinema }) {
  const payments = useInfiniteQuery(
    api.admin.paymentsInDoubt.infiniteQueryOptions({}, { refetchInterval: refreshMs, staleTime: 0 }),
  );
  return (
    <Page title="Payments in doubt">
      <Loaded query={payments}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length === 0) return <Notice kind="good">There are none.</Notice>;
          return (
            <ul className="list">
              {items.map((payment) => (
                <InDoubt key={payment.paymentId} payment={payment} cinema={cinema} />
              ))}
            </ul>
          );
        }}
      </Loaded>
      <More query={payments} />
    </Page>
  );
}

function InDoubt({ payment, cinema }: { payment: PaymentsInDoubtPage["items"][number]; cinema: Cinema }) {
  const { paymentId, bookingId, username, amount, ageSeconds, attempts, lastError } = payment;
  const ask = useMutation(
    api.admin.resolvePayment.mutationOptions({
      onSettled: () => cache.invalidateQueries(api.admin.paymentsInDoubt.infiniteQueryFilter()),
    }),
  );
  return (
    <li>
      <div>
        <b>{money(amount, cinema.currency)}</b> · {username} ·{" "}
        {bookingId === null ? "wallet" : `booking ${bookingId}`}
        <p className="facts">
          For {wait(ageSeconds)}, asked {attempts} times. {lastError}
        </p>
        {ask.error !== null && <Notice kind="bad">{ask.error.message}</Notice>}
        {ask.isSuccess && <Notice kind="calm">{outcomeWords[ask.data.outcome]}</Notice>}
      </div>
      <div className="end">
        <button type="button" disabled={ask.isPending} onClick={() => ask.mutate({ paymentId })}>
          Ask the bank
        </button>
      </div>
    </li>
  );
}
