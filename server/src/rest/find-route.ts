import { TrieRouter } from "hono/router/trie-router";
import { restEndpoint, restRoutes, type ProcedurePath, type RestRoute } from "../contract/index.ts";

/** The procedure that a request asks for. */
export interface FoundRoute {
  procedurePath: ProcedurePath;
  route: RestRoute;
  /** The fields of the input that are in the path, decoded. */
  parameters: Record<string, string>;
}

const routes = Object.entries<RestRoute>(restRoutes) as [ProcedurePath, RestRoute][];
const methods = [...new Set(routes.map(([, { method }]) => method))];

const router = new TrieRouter<{ procedurePath: ProcedurePath; route: RestRoute }>();
// Of two that fit, /bookings/latest and /bookings/{bookingId}, the router finds the one first that was added first.
const fixedFirst = routes.toSorted(([, one], [, other]) => parametersOf(one.path) - parametersOf(other.path));
for (const [procedurePath, route] of fixedFirst)
  router.add(route.method, restEndpoint + route.path.replaceAll(/\{(\w+)\}/g, ":$1"), {
    procedurePath,
    route,
  });

/** The procedure that has this route; HEAD asks what GET would answer. */
export function findRoute({ method, path }: { method: string; path: string }): FoundRoute | undefined {
  if (!isRestPath(path)) return undefined;
  const [[found] = []] = router.match(method === "HEAD" ? "GET" : method, path);
  if (found === undefined) return undefined;
  const [{ procedurePath, route }, matched] = found;
  const parameters = Object.entries(matched).map(([name, text]) => [name, decode(String(text))] as const);
  return { procedurePath, route, parameters: Object.fromEntries(parameters) };
}

/** The methods that a path can be asked by; none where there is no such path. */
export function methodsOf(path: string): RestRoute["method"][] {
  return methods.filter((method) => findRoute({ method, path }) !== undefined);
}

/** Whether a path is below `restEndpoint`. */
export function isRestPath(path: string): boolean {
  return path.startsWith(`${restEndpoint}/`);
}

function parametersOf(path: string): number {
  return path.split("{").length;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
