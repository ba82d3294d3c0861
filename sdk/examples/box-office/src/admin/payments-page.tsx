import type { Cinema, PaymentsInDoubtPage } from "@skyfox/sdk";
import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, cache } from "../client.ts";
import { count, money, wait } from "../format.ts";
import { More } from "../more.tsx";
import { Loaded, Notice, Page } from "../ui.tsx";
import { outcomeWords, settledWords } from "./outcome-words.ts";
import { SettleForm } from "./settle-form.tsx";

const refreshMs = 5_000;

/** Payments whose outcome the bank has not told, and refunds that it has not made. */
export function PaymentsPage({ cinema }: { cinema: Cinema }) {
  const payments = useInfiniteQuery(
    api.admin.paymentsInDoubt.infiniteQueryOptions({}, { refetchInterval: refreshMs, staleTime: 0 }),
  );
  // Above the list, from which what is settled goes.
  const [told, setTold] = useState<string>();
  return (
    <Page title="Payments in doubt">
      {told !== undefined && <Notice kind="calm">{told}</Notice>}
      <Loaded query={payments}>
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          if (items.length === 0) return <Notice kind="good">There are none.</Notice>;
          return (
            <ul className="list">
              {items.map((payment) => (
                <InDoubt
                  key={payment.paymentId}
                  payment={payment}
                  cinema={cinema}
                  onTold={(words) => setTold(`${nameOf(payment)}: ${words}`)}
                />
              ))}
            </ul>
          );
        }}
      </Loaded>
      <More query={payments} />
    </Page>
  );
}

type Payment = PaymentsInDoubtPage["items"][number];

const nameOf = ({ username, bookingId }: Payment) =>
  `${username}, ${bookingId === null ? "wallet" : `booking ${bookingId}`}`;

const refresh = () => cache.invalidateQueries(api.admin.paymentsInDoubt.infiniteQueryFilter());

interface InDoubtProps {
  payment: Payment;
  cinema: Cinema;
  onTold: (words: string) => void;
}

function InDoubt({ payment, cinema, onTold }: InDoubtProps) {
  const { paymentId, amount, ageSeconds, attempts, lastError } = payment;
  const ask = useMutation(
    api.admin.resolvePayment.mutationOptions({
      onSuccess: ({ outcome }) => onTold(outcomeWords[outcome]),
      onSettled: refresh,
    }),
  );
  return (
    <li>
      <div>
        <b>{money(amount, cinema.currency)}</b> · {nameOf(payment)}
        <p className="facts">
          For {wait(ageSeconds)}, asked {count(attempts, "time")}
          {lastError !== null && `: ${lastError}`}
        </p>
        {ask.error !== null && <Notice kind="bad">{ask.error.message}</Notice>}
      </div>
      <div className="end">
        <button type="button" disabled={ask.isPending} onClick={() => ask.mutate({ paymentId })}>
          Ask the bank
        </button>
      </div>
      <details>
        <summary>Settle by hand</summary>
        <SettleForm
          paymentId={paymentId}
          onSettled={(outcome) => {
            onTold(settledWords[outcome]);
            void refresh();
          }}
        />
      </details>
    </li>
  );
}
