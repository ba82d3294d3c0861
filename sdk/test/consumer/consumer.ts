import {
  bestSeats,
  createSkyfoxClient,
  Decimal,
  domainErrorOf,
  failureOf,
  fileToProfileImage,
  isSkyfoxError,
  keyedProcedures,
  maxSeatsPerBooking,
  outcome,
  profileImageTypes,
  type AmbientFailure,
  type BestSeats,
  type Booking,
  type BookingsCsv,
  type ExportFile,
  type Failure,
  type Card,
  type DeviceTokens,
  type ProfileImage,
  type RouterInputs,
  type RouterOutputs,
  type SeatMap,
  type SeatMapEnd,
  type SeatMapStatus,
  type SkyfoxDomainError,
  type TicketKeys,
} from "@skyfox/sdk";
import { parseCard, signUpInput } from "@skyfox/sdk/forms";
import { verifyTicket } from "@skyfox/sdk/tickets";

const client = createSkyfoxClient({
  url: "http://localhost:8080",
  apiKey: "key",
  token: () => null,
  retries: 5,
});

type Show = RouterOutputs["show"]["list"][number];

export async function book(show: Show, seatNumbers: string[]): Promise<Date> {
  const input: RouterInputs["booking"]["initialize"] = { showId: show.id, seatNumbers };
  const hold = await client.booking.initialize.mutate(input);
  const total: Decimal = hold.amountDue.plus(show.cost);
  return total.isZero() ? show.startsAt : hold.expiresAt;
}

/** Seats side by side, found in a seat map without another call. */
export async function suggest(showId: number, count: number): Promise<string> {
  const best: BestSeats | null = bestSeats(await client.show.seatMap.query({ showId }), count, "Deluxe");
  return best === null ? "No such seats." : `${best.seatNumbers.join()}: ${best.amountDue.toFixed(2)}`;
}

/** Draws the seats of a show as they are, until the page gives up. */
export function follow(showId: number, draw: (text: string) => void, signal: AbortSignal): void {
  client.watchSeatMap(showId, {
    onChange: (seatMap: SeatMap) =>
      draw(`${seatMap.rows.length} rows, from ${seatMap.prices.Standard.toFixed(2)}`),
    onStatus(status: SeatMapStatus, end?: SeatMapEnd) {
      if (end === undefined) return draw(status);
      switch (end.why) {
        case "show-over":
          return draw("The show is over.");
        case "show-cancelled":
          return draw(end.reason);
        case "refused":
          return draw(describe(end.error));
        default:
          end satisfies never;
      }
    },
    signal,
  });
  // @ts-expect-error -- A watch without a signal would never end.
  client.watchSeatMap(showId, { onChange() {} });
}

/** The events themselves. */
export function listen(showId: number, log: (line: string) => void): () => void {
  const subscription = client.show.watchSeatMap.subscribe(
    { showId },
    { onData: ({ id, data }) => log(data.type === "changed" ? `${id}: ${data.seats.length}` : data.type) },
  );
  return () => subscription.unsubscribe();
}

const tokens = new Map<string, string>();
const tokensOfThisDevice: DeviceTokens = {
  get: async (username) => tokens.get(username) ?? null,
  set: (username, token) => void tokens.set(username, token),
};
const onThisDevice = createSkyfoxClient({
  url: "http://localhost:8080",
  apiKey: "key",
  deviceTokens: tokensOfThisDevice,
});

/** What the owner should know: another person may have tried to get in. */
export async function comeBack(username: string, password: string): Promise<string[]> {
  const { notices } = await onThisDevice.auth.login.mutate({ username, password });
  return notices.map(({ kind, at }) => `${kind} at ${at.toISOString()}`);
}

export async function misuse(show: Show, card: Card): Promise<number> {
  // @ts-expect-error -- Ids are numbers.
  await client.show.byId.query({ showId: "1" });
  // @ts-expect-error -- The input has no such field.
  await client.show.byId.query({ showId: 1, screenId: 1 });
  // @ts-expect-error -- There is no thirteenth month.
  await client.exports.bookingsCsv({ month: 13 });
  await client.wallet.addFunds.mutate({ amount: "100.00", card });
  // @ts-expect-error -- An amount that is sent is a Decimal or text, never a number.
  await client.wallet.addFunds.mutate({ amount: 100, card });
  // @ts-expect-error -- An amount is a Decimal, never a number.
  return show.cost;
}

export type Refused = [
  // @ts-expect-error -- There is no such procedure.
  typeof client.show.buy,
  // @ts-expect-error -- A mutation is not a query.
  typeof client.booking.initialize.query,
  // @ts-expect-error -- Staff have no e-mail address: ask for the role first.
  RouterOutputs["auth"]["me"]["email"],
];

export async function greet(): Promise<string> {
  const me = await client.auth.me.query();
  return me.role === "customer" ? `${me.name} <${me.email}>` : `${me.name} at counter ${me.counterNo ?? "?"}`;
}

/** `key` is kept with the form, so that it is the same after the page was loaded again. */
export async function topUp(amount: Decimal, card: Card, key: string): Promise<Decimal> {
  const { available } = await client.wallet.addFunds.mutate({ amount, card }, { idempotencyKey: key });
  return available;
}

export async function refund(bookingId: number): Promise<string | undefined> {
  const input = { bookingId, to: "source", reason: "The projector is broken." } as const;
  const booking = await client.admin.refundBooking.mutate(input);
  return booking.refund?.amount.toFixed(2);
}

export async function scan(ticket: string, showId: number): Promise<string> {
  const {
    outcome: said,
    reason,
    booking,
    at,
    by,
  } = await client.admin.checkInTicket.mutate({ ticket, showId });
  if (said === "checkedIn") return `Welcome, ${booking?.customerName ?? "whoever you are"}.`;
  if (said === "alreadyDone") return `Used at ${at?.toISOString() ?? "?"}, seen by ${by ?? "?"}.`;
  return reason === "WRONG_SHOW"
    ? `This is for ${booking?.movieTitle ?? "another show"}.`
    : `Refused: ${reason}`;
}

/** What each month has brought, for a table. */
export async function takings(): Promise<Record<string, string>> {
  const { groups } = await client.admin.revenue.query({ timeframe: "monthly", labelOrder: ["timeframe"] });
  return Object.fromEntries(groups.map(({ label, totalRevenue }) => [label, totalRevenue.toFixed(2)]));
}

export async function showFace(file: File, securityAnswer: string): Promise<string> {
  const accepted: readonly string[] = profileImageTypes;
  if (!accepted.includes(file.type)) throw new Error("Choose a JPEG, PNG or WebP file.");
  const image: ProfileImage = await fileToProfileImage(file);
  const { url } = await client.auth.updateProfileImage.mutate({ securityAnswer, image });
  return url;
}

/** At a door without a network: `keys` were fetched in the morning. */
export async function admit(token: string, keys: TicketKeys): Promise<string> {
  const found = await verifyTicket(token, keys);
  if (found.valid) return `Booking ${found.ticket.bookingId.toFixed()}: ${found.ticket.seatNumbers.join()}`;
  // @ts-expect-error -- There is no ticket where there is none.
  void found.ticket;
  return found.reason === "unknown-key" ? "Fetch the keys anew." : "This is no ticket.";
}

export async function printTicket(bookingId: number): Promise<Blob> {
  const { mimeType, data } = await client.booking.ticketPdf.query({ bookingId });
  return new Blob([Uint8Array.from(atob(data), (byte) => byte.charCodeAt(0))], { type: mimeType });
}

export async function download(year: number): Promise<File> {
  const { filename, stream }: BookingsCsv = await client.exports.bookingsCsv({ month: 4, year });
  return new File([await new Response(stream).blob()], filename, { type: "text/csv" });
}

export async function downloadWorkbook(year: number): Promise<File> {
  const { filename, stream }: ExportFile = await client.exports.bookingsXlsx({ year });
  return new File([await new Response(stream).blob()], filename);
}

/** Every code of the union has its case, and each case its own details. */
export function explain(problem: SkyfoxDomainError): string {
  const { code } = problem;
  switch (problem.code) {
    case "VALIDATION_ERROR":
      return (problem.fields ?? []).map(({ field, message }) => `${field}: ${message}`).join();
    case "DATE_OUT_OF_RANGE":
      return `${problem.details.from} to ${problem.details.to}`;
    case "INVALID_SEAT":
    case "SEATS_UNAVAILABLE":
      return problem.details.seatNumbers.join();
    case "INVALID_PARAMS":
      return problem.details.reason;
    case "NO_ADJACENT_SEATS":
      return `At most ${problem.details.longest.toFixed()} together.`;
    case "TOO_MANY_SEATS":
    case "TOO_MANY_HOLDS":
      return problem.details.max.toFixed();
    case "INVALID_AMOUNT":
      return problem.details.expected?.toFixed(2) ?? problem.message;
    case "AMOUNT_TOO_LARGE":
      return `At most ${problem.details.max.toFixed(2)} can be added.`;
    case "INVALID_COST":
      return `At most ${problem.details.max.toFixed(2)}.`;
    case "INSUFFICIENT_BALANCE":
      return problem.details.required.minus(problem.details.available).toFixed(2);
    case "PAYMENT_VALIDATION_FAILED":
      return problem.details.errors.map(({ message }) => message).join();
    case "PAYMENT_DECLINED":
      return problem.details.retryUntil?.toISOString() ?? "The hold is cancelled.";
    case "FORBIDDEN":
      return problem.details.requiredRoles.join();
    case "SHOW_CANCELLED":
      return problem.details.reason;
    case "INVALID_BOOKING_STATUS":
    case "TICKET_NOT_AVAILABLE":
      return problem.details.status;
    case "PAYMENT_NOT_IN_DOUBT":
      return `It is ${problem.details.outcome} already.`;
    case "INVALID_IMAGE":
      return problem.details.reason === "too-large" ? "Choose a smaller file." : problem.message;
    case "RATE_LIMITED":
    case "OVERLOADED":
    case "DATABASE_UNAVAILABLE":
      return `Try again in ${problem.details.retryAfterSeconds.toFixed()} seconds.`;
    case "INVALID_SLOT":
    case "INVALID_SCREEN":
    case "INVALID_MOVIE":
    case "PAST_DATETIME":
    case "SLOT_NOT_AVAILABLE":
    case "SCREEN_NAME_EXISTS":
    case "MOVIE_SERVICE_UNAVAILABLE":
    case "INVALID_SECURITY_QUESTION":
    case "INVALID_SECURITY_ANSWER":
    case "INVALID_RESET_TOKEN":
    case "INCORRECT_PASSWORD":
    case "PASSWORD_REUSE":
    case "INVALID_IMAGE_HASH":
    case "PROFILE_IMAGE_NOT_FOUND":
    case "STORAGE_UNAVAILABLE":
    case "INVALID_CREDENTIALS":
    case "MISSING_TOKEN":
    case "INVALID_TOKEN":
    case "SESSION_ENDED":
    case "INVALID_API_KEY":
    case "SHOW_NOT_FOUND":
    case "BOOKING_NOT_FOUND":
    case "SHOW_ALREADY_STARTED":
    case "BOOKING_EXPIRED":
    case "PAYMENT_IN_PROGRESS":
    case "PAYMENT_OUTCOME_UNKNOWN":
    case "PAYMENT_NOT_FOUND":
    case "IDEMPOTENCY_IN_FLIGHT":
    case "IDEMPOTENCY_MISMATCH":
    case "STAFF_NOT_FOUND":
    case "LAST_ADMIN":
    case "USERNAME_EXISTS":
    case "EMAIL_EXISTS":
    case "PHONE_NUMBER_EXISTS":
    case "PAYMENT_GATEWAY_UNAVAILABLE":
    case "BACKGROUND_OFF":
      problem.details satisfies null;
      return problem.message;
    default:
      problem satisfies never;
      return code;
  }
}

/** What any call can fail with, in one place of the app. */
function ambient(error: AmbientFailure): string {
  if (error.code === "FORBIDDEN") return `For ${error.details.requiredRoles.join()}.`;
  if (error.code === "UNEXPECTED") return `${error.message} (${error.rawCode ?? "?"})`;
  return error.retryable ? `${error.message} Try again.` : error.message;
}

/** Exhaustive over the codes of cancelling, the rest left to the app's one place. */
export async function giveUp(bookingId: number): Promise<Booking | string> {
  const cancelled = await client.booking.cancel.safe(
    { bookingId },
    { idempotencyKey: "k", timeoutMs: 5_000 },
  );
  if (cancelled.ok) return cancelled.data;
  switch (cancelled.error.code) {
    case "BOOKING_NOT_FOUND":
    case "PAYMENT_IN_PROGRESS":
      return cancelled.error.message;
    case "INVALID_BOOKING_STATUS":
      return cancelled.error.details.status;
    default:
      return ambient(cancelled.error);
  }
}

/** A code that was forgotten is no ambient one. */
export async function forget(bookingId: number): Promise<string> {
  const cancelled = await outcome(client.booking.cancel.mutate({ bookingId }));
  if (cancelled.ok) return cancelled.data.status;
  switch (cancelled.error.code) {
    case "BOOKING_NOT_FOUND":
    case "INVALID_BOOKING_STATUS":
      return cancelled.error.message;
    default:
      // @ts-expect-error -- PAYMENT_IN_PROGRESS was forgotten.
      return ambient(cancelled.error);
  }
}

/** Pressed again with the key of its error, one intent has one effect. */
export async function payOnce(bookingId: number, card: Card): Promise<string> {
  const payment = { bookingId, method: "Card", card } as const;
  const first = await client.booking.pay.safe(payment);
  if (first.ok || !first.error.mayHaveHappened) return "Done.";
  const { idempotencyKey } = first.error;
  const again = await client.booking.pay.safe(payment, { idempotencyKey, retries: 5 });
  return again.ok ? "Paid." : explainPayment(again.error);
}

function explainPayment(error: Failure<"booking.pay">): string {
  // @ts-expect-error -- A payment cannot be refused with another procedure's code.
  if (error.code === "PASSWORD_REUSE") return "";
  return error.code === "PAYMENT_DECLINED" ? String(error.details.retryUntil) : error.message;
}

/** The same in a `catch`. */
export function explainThrown(error: unknown): string {
  const problem = domainErrorOf(error, "booking.pay");
  if (problem?.code === "INSUFFICIENT_BALANCE") return problem.details.available.toFixed(2);
  // @ts-expect-error -- Seats are not taken by a payment.
  if (problem?.code === "SEATS_UNAVAILABLE") return "";
  const failure = failureOf(error, "wallet.addFunds");
  return failure.code === "NETWORK" ? failure.message : failure.code;
}

/** Every page of a list, one after the other. */
export async function sumUp(): Promise<Decimal> {
  let sum = new Decimal(0);
  for await (const { amountPaid } of client.booking.list.all({ status: "Confirmed", limit: 100 }))
    sum = sum.plus(amountPaid);
  const exported = await client.exports.bookingsXlsx.safe({ year: 2026 });
  // @ts-expect-error -- An export has no seats to take.
  if (!exported.ok && exported.error.code === "SEATS_UNAVAILABLE") return sum;
  return sum;
}

export function misuseOptions(bookingId: number, card: Card): unknown[] {
  const payment = { bookingId, method: "Card", card } as const;
  return [
    // @ts-expect-error -- Misspelt.
    client.booking.pay.mutate(payment, { idempotencykey: "order-1" }),
    // @ts-expect-error -- A number is no key.
    client.booking.pay.mutate(payment, { idempotencyKey: 42 }),
    // @ts-expect-error -- A login is not repeated.
    client.auth.login.mutate({ username: "a", password: "b" }, { idempotencyKey: "x" }),
    // @ts-expect-error -- A query has no key.
    client.show.list.safe({}, { idempotencyKey: "x" }),
    // @ts-expect-error -- A number is no money.
    client.wallet.addFunds.mutate({ amount: 100, card }),
    // @ts-expect-error -- This is no list of pages.
    client.booking.latest.all,
  ];
}

export function describe(error: unknown): string {
  if (!isSkyfoxError(error)) return "SkyFox did not answer.";
  const problem = domainErrorOf(error);
  return problem === undefined ? `${error.message} (${error.data.requestId})` : explain(problem);
}

// What follows also runs: the bundle loads, forms are checked, and an answer's amounts arrive as Decimal.
const form = signUpInput.safeParse({ username: "no" });
const typed = parseCard({ number: "4242 4242 4242 4242", expiry: "12 / 2030", cvv: "123", name: "Asha" });
if (!typed.ok || typed.brand !== "visa") throw new Error("The card was not read.");
if (form.success || maxSeatsPerBooking !== 10) throw new Error("The form was not checked.");
if (!keyedProcedures.includes("booking.pay")) throw new Error("A payment has no key.");

const { base64, sha256 } = await fileToProfileImage(new Blob(["SkyFox"]));
if (base64 !== "U2t5Rm94" || sha256.length !== 64) throw new Error("The file was not read.");

const answering = createSkyfoxClient({
  url: "http://localhost:8080/",
  apiKey: "key",
  fetch: async () => {
    const prices = { json: { Standard: "200.00" }, meta: { values: { Standard: [["custom", "Decimal"]] } } };
    return Response.json([{ result: { data: prices } }]);
  },
});
const { Standard } = (await answering.show.seatMap.query({ showId: 1 })) as unknown as { Standard: unknown };
if (!Decimal.isDecimal(Standard)) throw new Error("The amount did not arrive as a Decimal.");

// A ticket and the key that signed it, as a server gives them.
const ticketKeys: TicketKeys = {
  keys: [
    {
      kty: "OKP",
      crv: "Ed25519",
      x: "52B8haDdZq9EPGbTY6Zjkl-oglQCTYugfJ1fO_I7U5E",
      kid: "a4F1JPGR1YsRwGXNrlZ7165bXgblyu0TvhHEINQ3OY8",
      alg: "EdDSA",
      use: "sig",
    },
  ],
};
const ticketToken =
  "eyJhbGciOiJFZERTQSIsImtpZCI6ImE0RjFKUEdSMVlzUndHWE5ybFo3MTY1YlhnYmx5dTBUdmhIRUlOUTNPWTgiLCJ0eXAiOiJza3lmb3gtdGlja2V0K2p3dCJ9.eyJib29raW5nSWQiOjcsInNob3dJZCI6Mywic2VhdE51bWJlcnMiOlsiQTEiLCJBMiJdfQ.wj3wwSoBa9iHtMEjS2lAUwgCTIbPi9AmafMordRPUApNjcrPseTSH_31uEnJFTzypOdeOGHc4skfHqP82bShBA";
const verified = await verifyTicket(ticketToken, ticketKeys);
if (!verified.valid || verified.ticket.seatNumbers.join() !== "A1,A2")
  throw new Error("The ticket was not verified.");
const forged = await verifyTicket(ticketToken.replace(/.{10}$/, "AAAAAAAAAA"), ticketKeys);
if (forged.valid || forged.reason !== "forged") throw new Error("A forged ticket was taken for a good one.");
const exporting = createSkyfoxClient({
  url: "http://localhost:8080",
  apiKey: "key",
  fetch: async (url) =>
    new Response(url, { headers: { "content-disposition": 'attachment; filename="bookings_April.csv"' } }),
});
const { filename, stream } = await exporting.exports.bookingsCsv({ month: 4 });
if (
  `${filename} ${await new Response(stream).text()}` !==
  "bookings_April.csv http://localhost:8080/exports/bookings.csv?month=4"
)
  throw new Error("The export was not read.");

// What is packed says what it is.
const said: (string | null)[] = [];
const naming = createSkyfoxClient({
  url: "http://localhost:8080",
  apiKey: "key",
  fetch(_url, { headers }) {
    said.push(new Headers(headers).get("x-skyfox-client"));
    return Promise.resolve(Response.json([{ result: { data: { json: null } } }]));
  },
});
await naming.booking.latest.query();
if (!/^@skyfox\/sdk\/\d+\.\d+\.\d+;contract=[0-9a-f]{16}$/.test(said[0] ?? ""))
  throw new Error("The client does not say what it is.");

// A seat map that is watched arrives with its amounts as Decimal, and its watch ends with the show.
const events = [
  "event: connected\ndata: {}\n\n",
  `id: 1\ndata: ${JSON.stringify({
    json: {
      type: "snapshot",
      seatMap: { showId: 1, version: 1, prices: { Standard: "200.00", Deluxe: "350.00" }, rows: [] },
    },
    meta: {
      values: {
        "seatMap.prices.Standard": [["custom", "Decimal"]],
        "seatMap.prices.Deluxe": [["custom", "Decimal"]],
      },
    },
  })}\n\n`,
  `id: 1\ndata: ${JSON.stringify({ json: { type: "ended" } })}\n\n`,
];
const streaming = createSkyfoxClient({
  url: "http://localhost:8080",
  apiKey: "key",
  fetch: async () => new Response(events.join(""), { headers: { "content-type": "text/event-stream" } }),
});
const watched = await new Promise<string>((resolve) => {
  let price = "";
  streaming.watchSeatMap(1, {
    onChange: ({ prices }) => (price = prices.Standard.toFixed(2)),
    onStatus(_status, end) {
      if (end !== undefined) resolve(`${price} ${end.why}`);
    },
    signal: new AbortController().signal,
  });
});
if (watched !== "200.00 show-over") throw new Error("The seat map was not watched.");
