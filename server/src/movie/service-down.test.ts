import { beforeEach, describe, expect, test } from "vitest";
import type { MovieFault } from "../../../scripts/sandbox/movie-service.ts";
import { givenCustomer, givenScreen, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { headersFor, mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { scheduleShow } from "../schedule/schedule-show.ts";
import { Decimal, type Booking, type Hold, type Movie, type SeatMap, type Show } from "../contract/index.ts";

const app = await createTestApp();
const { deps, movieService } = app;
const admin = await givenStaff(deps, "admin");
const asAdmin = { token: await tokenOf(deps, admin) };
const asCustomer = { token: await tokenOf(deps, await givenCustomer(deps)) };
const date = "2026-03-11";
const input = { movieId: "tt1375666", date, slotId: 2, cost: new Decimal("200"), screenId: 1 };
const { id: showId } = await scheduleShow(deps, admin, input);

beforeEach(() => movieService.mend());

describe.each<MovieFault>([
  "reset",
  "unavailable",
  "unreadable",
  "not-films",
  "endless",
  "forbidden",
  "web-page",
  "no-backend",
])("while the movie service is %s", (fault) => {
  test("shows are listed, held and paid, slots and screens are there", async () => {
    const server = await createTestApp({ beside: app });
    movieService.breakDown(fault);
    const calls = movieService.calls().length;
    const { data: shows } = await query<Show[]>(server, "show.list", { date }, asCustomer);
    expect(shows?.map(({ movie }) => movie.title)).toEqual(["Inception"]);
    const { data: map } = await query<SeatMap>(server, "show.seatMap", { showId }, asCustomer);
    const free = map!.rows.flatMap(({ seats }) => seats).find(({ status }) => status === "free");
    const wanted = { showId, seatNumbers: [free!.seatNumber] };
    const { data: hold } = await mutate<Hold>(server, "booking.initialize", wanted, asCustomer);
    const payment = { bookingId: hold?.bookingId, method: "Card", card: goodCard };
    const { data: booking } = await mutate<Booking>(server, "booking.pay", payment, asCustomer);
    expect(booking).toMatchObject({ status: "Confirmed", movieTitle: "Inception" });
    for (const path of ["admin.slots", "admin.allSlots", "admin.screens"])
      expect((await query(server, path, undefined, asAdmin)).status).toBe(200);
    expect(movieService.calls()).toHaveLength(calls);
  });

  test("tickets, the counter, the door, revenue and the export work", async () => {
    const server = await createTestApp({ beside: app });
    movieService.breakDown(fault);
    const calls = movieService.calls().length;
    const { data: map } = await query<SeatMap>(server, "show.seatMap", { showId }, asAdmin);
    const free = map!.rows.flatMap(({ seats }) => seats).find(({ status }) => status === "free");
    const sale = {
      showId,
      seatNumbers: [free!.seatNumber],
      customerName: "Walk In",
      phoneNumber: "9876543210",
    };
    const { data: sold } = await mutate<Booking>(server, "admin.createBooking", sale, asAdmin);
    expect(sold?.movieTitle).toBe("Inception");
    for (const path of ["booking.ticketQr", "booking.ticketPdf"])
      expect((await query(server, path, { bookingId: sold?.bookingId }, asAdmin)).status).toBe(200);
    expect((await query(server, "admin.doorList", { showId }, asAdmin)).status).toBe(200);
    expect((await query(server, "admin.revenue", {}, asAdmin)).status).toBe(200);
    const headers = headersFor(asAdmin);
    const csv = await server.app.request("/exports/bookings.csv", { headers });
    expect(await csv.text()).toContain("Walk In");
    // The door is still closed, and says so.
    const ticket = await server.deps.tickets.sign(sold!);
    for (const [path, scan] of [
      ["admin.checkIn", { bookingIds: [sold!.bookingId] }],
      ["admin.checkInTicket", { ticket, showId }],
    ] as const) {
      const { status, text } = await mutate(server, path, scan, asAdmin);
      expect([path, status, text]).toEqual([path, 200, expect.stringContaining("TOO_EARLY")]);
    }
    expect(movieService.calls()).toHaveLength(calls);
  });

  test("scheduling and the list of films say so, and only they", async () => {
    const server = await createTestApp({ beside: app });
    movieService.breakDown(fault);
    const another = { ...input, screenId: await givenScreen(app) };
    for (const { status, error } of [
      await mutate(server, "admin.createShow", another, asAdmin),
      await query(server, "admin.movies", undefined, asAdmin),
    ])
      expect([status, error?.data.domain]).toEqual([
        503,
        { code: "MOVIE_SERVICE_UNAVAILABLE", details: null },
      ]);
  });
});

test("the films are listed as the service tells them, and as it told them while it is down", async () => {
  movieService.change("tt0073707", { Runtime: "N/A", imdbRating: "N/A", Poster: "N/A" });
  const { status, data } = await query<Movie[]>(app, "admin.movies", undefined, asAdmin);
  expect(status).toBe(200);
  expect(data?.find(({ movieId }) => movieId === "tt1375666")).toMatchObject({
    title: "Inception",
    runtimeMinutes: 148,
    imdbRating: "8.8",
    genres: ["Action", "Adventure", "Sci-Fi"],
  });
  expect(data?.find(({ movieId }) => movieId === "tt0073707")).toMatchObject({
    runtimeMinutes: 0,
    imdbRating: null,
    posterUrl: "",
  });
  movieService.breakDown("unavailable");
  app.clock.advance(3_600_000);
  expect((await query<Movie[]>(app, "admin.movies", undefined, asAdmin)).data).toEqual(data);
});
