import { createSkyfoxClient } from "@skyfox/sdk";
import { createSkyfoxQuery, queryClientDefaults } from "@skyfox/sdk/react-query";
import { QueryClient } from "@tanstack/react-query";
import { currentSession, onSessionChange, setSession } from "./session.ts";

// Published: every development server knows it. For a server of your own, build with VITE_SKYFOX_API_KEY.
const developmentKey = "skyfox-development-key";

/** The cinema that served this page. */
export const skyfox = createSkyfoxClient({
  url: location.origin,
  apiKey: String(import.meta.env["VITE_SKYFOX_API_KEY"] ?? developmentKey),
  token: () => currentSession()?.token ?? null,
  onSessionEnd: () => setSession(null),
});

/** The same for TanStack Query. */
export const api = createSkyfoxQuery(skyfox);

/** What the page remembers of the cinema. A page that is shown again, also out of the back-forward cache, asks anew. */
export const cache = new QueryClient({
  defaultOptions: { ...queryClientDefaults, queries: { ...queryClientDefaults.queries, staleTime: 5_000 } },
});

let username = currentSession()?.username;
onSessionChange(() => {
  if (currentSession()?.username === username) return;
  username = currentSession()?.username;
  // What one person has seen is not for the next one.
  void cache.resetQueries();
});
