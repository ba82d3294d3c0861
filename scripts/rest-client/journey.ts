// What a program does with a client that is generated from openapi.json: it compiles against the types, and buys a ticket.
import createClient from "openapi-fetch";
import type { components, paths } from "./dist/api.d.ts";

declare const process: { argv: string[] };

const [, , baseUrl = "", apiKey = ""] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { "x-api-key": apiKey } });

const account = { username: "asha.rao", password: "Marigold-Lane-7" };
const signUp = await client.POST("/auth/signup", {
  body: {
    ...account,
    name: "Asha Rao",
    phoneNumber: "9876543210",
    email: "asha@example.com",
    securityQuestionId: 1,
    securityAnswer: "Blue bicycle",
  },
});
const username: string = given(signUp.data).username;

const login = await client.POST("/auth/login", { body: account });
const { token } = given(login.data);
client.use({
  onRequest({ request }) {
    request.headers.set("authorization", `Bearer ${token}`);
    return request;
  },
});

const { data: cinema } = await client.GET("/cinema");
const tomorrow = new Date(new Date(given(cinema).now).getTime() + 86_400_000).toISOString().slice(0, 10);
const shows = await client.GET("/shows", { params: { query: { date: tomorrow } } });
const show = given(given(shows.data).at(-1));
const cost: string = show.cost;

const path = { showId: show.id };
const hold = given(
  (await client.POST("/shows/{showId}/holds", { params: { path }, body: { seatNumbers: ["A1", "A2"] } }))
    .data,
);

// A refusal is a union of the codes of that status, each with its own details.
const again = await client.POST("/shows/{showId}/holds", { params: { path }, body: { seatNumbers: ["A1"] } });
if (again.error?.code !== "SEATS_UNAVAILABLE") throw new Error("The seat was held twice.");
const taken: string[] = again.error.details.seatNumbers;

// @ts-expect-error -- an amount is text
const wrong: components["schemas"]["AddFundsInput"]["amount"] = 50;

const payment = await client.POST("/bookings/{bookingId}/payments", {
  params: { path: { bookingId: hold.bookingId }, header: { "idempotency-key": crypto.randomUUID() } },
  body: {
    method: "Card",
    card: {
      number: "4242424242424242",
      cvv: "123",
      expiryMonth: "12",
      expiryYear: "2039",
      cardholderName: username,
    },
  },
});
const booking = given(payment.data);

const ticket = await client.GET("/bookings/{bookingId}/ticket.pdf", {
  params: { path: { bookingId: booking.bookingId } },
  parseAs: "arrayBuffer",
});
const mine = await client.GET("/bookings", { params: { query: { limit: 1, status: "Confirmed" } } });

console.log(
  JSON.stringify({
    cost,
    taken,
    wrong,
    status: booking.status,
    paid: booking.amountPaid,
    ticketBytes: given(ticket.data).byteLength,
    listed: given(mine.data).items.map(({ bookingId }) => bookingId === booking.bookingId),
    nextCursor: given(mine.data).nextCursor,
  }),
);

function given<Value>(value: Value | null | undefined): Value {
  if (value === undefined || value === null) throw new Error("A call was refused.");
  return value;
}
