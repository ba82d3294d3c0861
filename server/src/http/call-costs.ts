import { restEndpoint, restRoutes, type ProcedurePath } from "../contract/index.ts";

/** Where the router is. */
export const rpcEndpoint = "/trpc";

/** Calls that mostly wait, for another service or for long work elsewhere; they must not keep a turn from those that do not. */
export const callsThatWait: ReadonlySet<string> = new Set<ProcedurePath>([
  "booking.pay",
  "wallet.addFunds",
  "booking.ticketPdf",
  "admin.movies",
  "admin.createShow",
  "admin.refundBooking",
  "admin.cancelShow",
  "admin.resolvePayment",
  "admin.settlePayment",
  "admin.integrity",
  "admin.revenue",
]);

/** Calls about seats that are held already: they are admitted before new ones. */
export const urgentCalls: ReadonlySet<string> = new Set<ProcedurePath>(["booking.pay", "booking.cancel"]);

/** The paths of calls that may bring a picture, and so a large body. */
export const uploadPaths: readonly string[] = (["auth.signup", "auth.updateProfileImage"] as const).flatMap(
  (path) => [`${rpcEndpoint}/${path}`, restEndpoint + restRoutes[path].path],
);

// Twenty times what a call has, and room for 200 check-ins.
const usualMaxValues = 300;
const maxValues: Partial<Record<string, number>> = {
  // A thousand seats in 52 rows, each seat with a number and a type.
  "admin.createScreen": 3_300,
} satisfies Partial<Record<ProcedurePath, number>>;

/** How many values the input of a call may have, its type information counted. */
export function maxValuesOf(path: string): number {
  return maxValues[path] ?? usualMaxValues;
}
