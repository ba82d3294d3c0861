import type { Cinema, Role } from "@skyfox/sdk";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, type ReactNode } from "react";
import { AccountPage } from "./account/account-page.tsx";
import { api } from "./client.ts";
import { BookingPage } from "./customer/booking-page.tsx";
import { BookingsPage } from "./customer/bookings-page.tsx";
import { RecoverPage } from "./customer/recover-page.tsx";
import { ShowPage } from "./customer/show-page.tsx";
import { ShowsPage } from "./customer/shows-page.tsx";
import { SignInPage } from "./customer/sign-in-page.tsx";
import { SignUpPage } from "./customer/sign-up-page.tsx";
import { WalletPage } from "./customer/wallet-page.tsx";
import { Header } from "./header.tsx";
import { usePlace, type Place } from "./router.ts";
import { useSession } from "./session.ts";
import { Loaded, Loading, Page } from "./ui.tsx";

// What customers never see is loaded apart.
const DoorPage = lazy(async () => ({ default: (await import("./staff/door-page.tsx")).DoorPage }));
const SchedulePage = lazy(async () => ({
  default: (await import("./admin/schedule-page.tsx")).SchedulePage,
}));
const CounterPage = lazy(async () => ({ default: (await import("./admin/counter-page.tsx")).CounterPage }));
const RevenuePage = lazy(async () => ({ default: (await import("./admin/revenue-page.tsx")).RevenuePage }));
const PaymentsPage = lazy(async () => ({
  default: (await import("./admin/payments-page.tsx")).PaymentsPage,
}));
const CancelPage = lazy(async () => ({ default: (await import("./admin/cancel-page.tsx")).CancelPage }));

/** A page, and who may see it; without roles everyone. */
interface Known {
  roles?: readonly Role[];
  draw: (at: { cinema: Cinema; id: string | undefined }) => ReactNode;
}

const pages: Record<string, Known> = {
  "": { draw: ({ cinema }) => <ShowsPage cinema={cinema} date={undefined} /> },
  shows: { draw: ({ cinema, id }) => <ShowsPage cinema={cinema} date={id} /> },
  show: { draw: ({ cinema, id }) => <ShowPage key={id} cinema={cinema} showId={Number(id)} /> },
  "sign-in": { draw: () => <SignInPage /> },
  "sign-up": { draw: () => <SignUpPage /> },
  recover: { draw: () => <RecoverPage /> },
  booking: {
    roles: ["customer"],
    draw: ({ cinema, id }) => <BookingPage key={id} cinema={cinema} bookingId={Number(id)} />,
  },
  bookings: { roles: ["customer"], draw: ({ cinema }) => <BookingsPage cinema={cinema} /> },
  wallet: { roles: ["customer"], draw: ({ cinema }) => <WalletPage cinema={cinema} /> },
  account: { roles: ["customer", "staff", "admin"], draw: () => <AccountPage /> },
  door: { roles: ["staff", "admin"], draw: ({ cinema }) => <DoorPage cinema={cinema} /> },
  schedule: {
    roles: ["admin"],
    draw: ({ cinema, id }) => <SchedulePage cinema={cinema} date={id ?? cinema.today} />,
  },
  counter: {
    roles: ["admin"],
    draw: ({ cinema, id }) => <CounterPage key={id} cinema={cinema} showId={Number(id)} />,
  },
  revenue: { roles: ["admin"], draw: ({ cinema }) => <RevenuePage cinema={cinema} /> },
  payments: { roles: ["admin"], draw: ({ cinema }) => <PaymentsPage cinema={cinema} /> },
  cancel: { roles: ["admin"], draw: ({ id }) => <CancelPage key={id} showId={Number(id)} /> },
};

/** The box office: a header, and the page of the place. */
export function App() {
  const cinema = useQuery(api.show.cinema.queryOptions());
  const place = usePlace();
  return (
    <>
      <Header name={cinema.data?.name} place={place} />
      <main id="main">
        <Suspense fallback={<Loading />}>
          <Loaded query={cinema}>{(known) => <Content cinema={known} place={place} />}</Loaded>
        </Suspense>
      </main>
    </>
  );
}

function Content({ cinema, place }: { cinema: Cinema; place: Place }) {
  const role = useSession()?.role;
  const known = pages[place.page];
  if (known === undefined)
    return (
      <Page title="Nothing here">
        <a href="#/">See what is on</a>
      </Page>
    );
  if (known.roles !== undefined && (role === undefined || !known.roles.includes(role))) return <SignInPage />;
  return known.draw({ cinema, id: place.id });
}
