import { useSyncExternalStore } from "react";

/** Where the page is: `#/booking/42` is the page "booking" with the id "42". */
export interface Place {
  path: string;
  page: string;
  id: string | undefined;
}

/** The place of now. All places are below `#`, so that none is an address of the API. */
export function usePlace(): Place {
  const path = useSyncExternalStore(onHashChange, readPath);
  const [page = "", id] = path.split("/").slice(1);
  return { path, page, id };
}

/** Goes to a path such as `/wallet`; with `replace`, Back does not lead here again. */
export function go(path: string, { replace = false } = {}): void {
  if (replace) location.replace(`#${path}`);
  else location.hash = path;
}

// They lead back to where the person came from.
const toSignIn = new Set(["/sign-in", "/sign-up", "/recover"]);

/** The path to come back to after signing in: the page that asked for it, or `#/sign-in?back=…` says; the first page without one. */
export function pathBack(): string {
  const path = readPath();
  if (!toSignIn.has(path)) return path;
  const [, query] = location.hash.split("?");
  const back = new URLSearchParams(query).get("back");
  return back?.startsWith("/") === true ? back : "/";
}

/** The path of a page that leads back to where this one is, or would lead itself. */
export function leadingBack(path: "/sign-in" | "/sign-up" | "/recover"): string {
  return `${path}?back=${encodeURIComponent(pathBack())}`;
}

function readPath(): string {
  const [path = ""] = location.hash.slice(1).split("?");
  return path === "" ? "/" : path;
}

function onHashChange(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}
