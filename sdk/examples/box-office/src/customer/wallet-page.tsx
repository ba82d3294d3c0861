import { maxTopUp, type Cinema, type Failure } from "@skyfox/sdk";
import { useInfiniteQuery, useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, cache } from "../client.ts";
import { dayAndTime, money } from "../format.ts";
import { More } from "../more.tsx";
import { useSession } from "../session.ts";
import { tabStorage } from "../tab-storage.ts";
import { Field, Loaded, Notice, Page } from "../ui.tsx";
import { say } from "../words.ts";
import { cardProblems } from "./booking-words.ts";
import { CardFields, useCardForm } from "./card-fields.tsx";

/** What the wallet has, money to add, and what came and went. */
export function WalletPage({ cinema }: { cinema: Cinema }) {
  const wallet = useQuery(api.wallet.balance.queryOptions(undefined, { staleTime: 0 }));
  return (
    <Page title="Wallet">
      <Loaded query={wallet}>
        {({ balance, available }) => (
          <p className="balance">
            {money(available, cinema.currency)}
            {!available.equals(balance) && (
              <small>
                {" "}
                {money(balance.minus(available), cinema.currency)} more is promised to a payment under way
              </small>
            )}
          </p>
        )}
      </Loaded>
      <TopUp cinema={cinema} />
      <Transactions cinema={cinema} />
    </Page>
  );
}

function TopUp({ cinema }: { cinema: Cinema }) {
  const [amount, setAmount] = useState("500");
  const username = useSession()?.username ?? "";
  const card = useCardForm();
  const add = useMutation(
    api.wallet.addFunds.mutationOptions({
      // One amount of one account is one intent, also when the page is loaded again before the answer.
      intent: { name: `top-up-${username}-${amount}`, storage: tabStorage },
      onMutate: listedTransactions,
      onSuccess({ transactionId }, _input, listed) {
        if (!listed.has(transactionId)) card.set({ number: "", expiry: "", cvv: "", name: "" });
      },
      onSettled: () => cache.invalidateQueries(api.wallet.pathFilter()),
    }),
  );
  const refused = add.error === null ? {} : cardProblems(add.error);
  const problem = add.error === null ? undefined : sayTopUpFailure(add.error);

  function submit(event: FormEvent): void {
    event.preventDefault();
    const read = card.read();
    if (read !== undefined) add.mutate({ amount, card: read });
  }

  return (
    <form className="panel pay" onSubmit={submit} noValidate>
      <h2>Add money</h2>
      <fieldset disabled={add.isPending}>
        <Field
          label="Amount"
          inputMode="decimal"
          value={amount}
          onChange={({ target }) => setAmount(target.value)}
          hint={`At most ${maxTopUp} at once`}
          error={refused["amount"]}
        />
        <CardFields card={card} refused={refused} />
      </fieldset>
      {problem !== undefined && <Notice kind="bad">{problem}</Notice>}
      {add.isSuccess && (
        <Notice kind="good">
          {add.context?.has(add.data.transactionId) === true
            ? "That was your earlier payment, which has arrived. Press again to add as much once more."
            : `Added. Your wallet has ${money(add.data.available, cinema.currency)}.`}
        </Notice>
      )}
      <button type="submit" className="main" disabled={add.isPending}>
        {add.isPending ? "Adding …" : "Add to the wallet"}
      </button>
    </form>
  );
}

// Before a press: a top-up that is among them already is the answer to an earlier press.
function listedTransactions(): Set<string> {
  const listed = cache.getQueryData(api.wallet.transactions.infiniteQueryKey({}));
  return new Set(listed?.pages.flatMap(({ items }) => items.map(({ transactionId }) => transactionId)));
}

function sayTopUpFailure(failure: Failure<"wallet.addFunds">): string | undefined {
  switch (failure.code) {
    case "PAYMENT_DECLINED":
      return "The bank declined this card, and nothing was charged. Try another card.";
    case "PAYMENT_OUTCOME_UNKNOWN":
    case "IDEMPOTENCY_IN_FLIGHT":
      return "The bank takes its time. Once it has answered, the money appears below. Do not pay again.";
    case "PAYMENT_GATEWAY_UNAVAILABLE":
      return "The bank cannot be reached just now. Nothing was charged. Try again in a moment.";
    case "PAYMENT_VALIDATION_FAILED":
    case "VALIDATION_ERROR":
      return undefined;
    case "INVALID_AMOUNT":
    case "AMOUNT_TOO_LARGE":
      return failure.message;
    default:
      return say(failure);
  }
}

function Transactions({ cinema }: { cinema: Cinema }) {
  const transactions = useInfiniteQuery(api.wallet.transactions.infiniteQueryOptions({}, { staleTime: 0 }));
  return (
    <section>
      <h2>In and out</h2>
      <Loaded query={transactions}>
        {({ pages }) => (
          <ul className="list">
            {pages
              .flatMap((page) => page.items)
              .map(({ id, type, amount, balanceAfter, bookingId, timestamp }) => (
                <li key={id}>
                  <div>
                    {bookingId === null ? (
                      "Added"
                    ) : (
                      <a href={`#/booking/${bookingId}`}>Booking {bookingId}</a>
                    )}
                    <p className="facts">{dayAndTime(timestamp, cinema)}</p>
                  </div>
                  <div className="end">
                    <b>
                      {type === "ADD" ? "+" : "−"}
                      {money(amount, cinema.currency)}
                    </b>
                    <p className="facts">{money(balanceAfter, cinema.currency)}</p>
                  </div>
                </li>
              ))}
          </ul>
        )}
      </Loaded>
      <More query={transactions} />
    </section>
  );
}
