import type { Role } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, cache } from "./client.ts";
import { Countdown } from "./countdown.tsx";
import { go, leadingBack, type Place } from "./router.ts";
import { setSession, useSession } from "./session.ts";

const links: Record<Role | "visitor", [path: string, name: string][]> = {
  visitor: [["/", "Shows"]],
  customer: [
    ["/", "Shows"],
    ["/bookings", "My bookings"],
    ["/wallet", "Wallet"],
  ],
  staff: [
    ["/door", "Door"],
    ["/", "Shows"],
  ],
  admin: [
    ["/door", "Door"],
    ["/schedule", "Schedule"],
    ["/revenue", "Revenue"],
    ["/payments", "Payments"],
    ["/", "Shows"],
  ],
};

/** The name of the cinema, where one may go, who is signed in, and what they hold. */
export function Header({ name = "SkyFox", place }: { name: string | undefined; place: Place }) {
  const session = useSession();
  const logOut = useMutation({
    ...api.auth.logout.mutationOptions(),
    // Signed out here in any case.
    onSettled() {
      setSession(null);
      go("/");
    },
  });
  return (
    <header className="top">
      <a className="skip" href="#main" onClick={skip}>
        Skip to the page
      </a>
      <a className="brand" href="#/">
        {name}
      </a>
      <nav aria-label="Pages">
        {links[session?.role ?? "visitor"].map(([path, text]) => (
          <a key={path} href={`#${path}`} aria-current={place.path === path ? "page" : undefined}>
            {text}
          </a>
        ))}
      </nav>
      <div className="account">
        {session === null ? (
          place.page !== "sign-in" && <a href={`#${leadingBack("/sign-in")}`}>Sign in</a>
        ) : (
          <>
            <a
              className="who"
              href="#/account"
              aria-label={`${session.name}: my account`}
              aria-current={place.page === "account" ? "page" : undefined}
            >
              {session.name}
            </a>
            <button
              type="button"
              className="plain"
              disabled={logOut.isPending}
              onClick={() => logOut.mutate({})}
            >
              Sign out
            </button>
          </>
        )}
      </div>
      {session?.role === "customer" && place.page !== "booking" && <OpenHold />}
    </header>
  );
}

/** Reminds of seats that wait to be paid for. */
function OpenHold() {
  const holds = useQuery(api.booking.list.queryOptions({ status: "Pending" }, { staleTime: 0 }));
  const hold = holds.data?.items[0];
  if (hold === undefined) return null;
  return (
    <a className="open-hold" href={`#/booking/${hold.bookingId}`}>
      {hold.movieTitle}: {hold.seatNumbers.join(", ")} ·{" "}
      <Countdown hold={hold} onOver={() => void cache.invalidateQueries(api.booking.pathFilter())} /> · Pay
    </a>
  );
}

// The address after `#` is a place of ours.
function skip(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main h1")?.focus();
}
