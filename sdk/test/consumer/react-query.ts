import {
  createCustomerClient,
  createSkyfoxClient,
  type AmbientFailure,
  type Card,
  type Decimal,
  type RouterOutputs,
} from "@skyfox/sdk";
import { createSkyfoxQuery, queryClientDefaults, type QueryError } from "@skyfox/sdk/react-query";
import {
  QueryClient,
  skipToken,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useSuspenseQuery,
} from "@tanstack/react-query";

const skyfox = createSkyfoxClient({ url: "http://localhost:8080", apiKey: "key" });
const skyfoxQuery = createSkyfoxQuery(skyfox);
export const queryClient = new QueryClient({ defaultOptions: queryClientDefaults });

type Shows = RouterOutputs["show"]["list"];

/** As a component does. */
export function useShows(date: string | undefined): [Shows | undefined, number | undefined, Shows, string] {
  const shows = useQuery(skyfoxQuery.show.list.queryOptions(date === undefined ? skipToken : { date }));
  const count = useQuery(
    skyfoxQuery.show.list.queryOptions({}, { select: (all) => all.length, staleTime: 1_000 }),
  );
  const surely = useSuspenseQuery(skyfoxQuery.show.list.queryOptions());
  const cinema = useQuery(skyfoxQuery.show.cinema.queryOptions());
  return [shows.data, count.data, surely.data, cinema.data?.timeZone ?? ""];
}

export function useBookings(): string[] {
  const { data, fetchNextPage, hasNextPage } = useInfiniteQuery(
    skyfoxQuery.booking.list.infiniteQueryOptions({ limit: 10 }),
  );
  if (hasNextPage) void fetchNextPage();
  return data?.pages.flatMap(({ items }) => items.map(({ amountDue }) => amountDue.toFixed(2))) ?? [];
}

/** A failure has the codes of this procedure. */
export function useHold(showId: number): string {
  const hold = useMutation(
    skyfoxQuery.booking.initialize.mutationOptions({
      retry: 2,
      onSuccess: async () => {
        await queryClient.invalidateQueries(skyfoxQuery.show.seatMap.queryFilter({ showId }));
        await queryClient.invalidateQueries(skyfoxQuery.booking.pathFilter());
      },
    }),
  );
  if (hold.error === null) {
    hold.mutate({ showId, seatNumbers: ["A1"] });
    return hold.data?.amountDue.toFixed(2) ?? "";
  }
  return explain(hold.error);
}

function explain(error: QueryError<"booking.initialize">): string {
  switch (error.code) {
    case "SEATS_UNAVAILABLE":
    case "INVALID_SEAT":
      return error.details.seatNumbers.join();
    case "TOO_MANY_SEATS":
    case "TOO_MANY_HOLDS":
      return error.details.max.toFixed();
    // @ts-expect-error -- Seats are not held with a password.
    case "PASSWORD_REUSE":
      return "";
    default:
      return error.message;
  }
}

export function useTopUp(card: Card): (amount: Decimal) => void {
  const intent = { name: "top-up", storage: sessionStorage };
  const { mutate, error } = useMutation(skyfoxQuery.wallet.addFunds.mutationOptions({ intent }));
  if (error?.code === "NETWORK" && error.retryable) return () => {};
  return (amount) => mutate({ amount, card });
}

export function useLatest(): AmbientFailure["code"] | null {
  const { error } = useQuery(skyfoxQuery.booking.latest.queryOptions());
  queryClient.setQueryData(skyfoxQuery.booking.latest.queryKey(), null);
  // @ts-expect-error -- A booking is no text.
  queryClient.setQueryData(skyfoxQuery.booking.latest.queryKey(), "");
  return error === null ? null : error.code;
}

export type Refused = [
  // @ts-expect-error -- This list does not come in pages.
  typeof skyfoxQuery.show.list.infiniteQueryOptions,
  // @ts-expect-error -- A query is no mutation.
  typeof skyfoxQuery.show.list.mutationOptions,
  // @ts-expect-error -- Events are no query.
  typeof skyfoxQuery.show.watchSeatMap,
];

export function misuse(): object[] {
  const intent = { name: "log-in", storage: sessionStorage };
  return [
    // @ts-expect-error -- Ids are numbers.
    skyfoxQuery.show.byId.queryOptions({ showId: "1" }),
    // @ts-expect-error -- The input is needed.
    skyfoxQuery.show.byId.queryOptions(),
    // @ts-expect-error -- A login has no key, and no intent.
    skyfoxQuery.auth.login.mutationOptions({ intent }),
    // @ts-expect-error -- Misspelt.
    skyfoxQuery.booking.pay.mutationOptions({ intend: intent }),
  ];
}

/** A client of one role gives the options of that role. */
const customerQuery = createSkyfoxQuery(
  createCustomerClient({ url: "http://localhost:8080", apiKey: "key" }),
);
export const paying = customerQuery.booking.pay.mutationOptions();
export type OfOtherRoles = [
  // @ts-expect-error -- Customers have nothing to do with what admins may.
  typeof customerQuery.admin,
];
