import { randomBytes, randomInt } from "node:crypto";
import {
  bookingWindowDays,
  createSkyfoxClient,
  fileToProfileImage,
  profileImageLinkHours,
  profileImageSide,
  sessionHours,
  type RouterInputs,
  type RouterOutputs,
  type SeatMap,
  type SkyfoxClient,
} from "@skyfox/sdk";
import { testCards } from "../sandbox/cards.ts";
import {
  logInStaff,
  openDoor,
  printTicket,
  saveBookings,
  scheduleShow,
  sellAtCounter,
  showRevenue,
} from "./desk.ts";
import { expectSeats, holdSeats, showSeatMap, statusesOf } from "./holding.ts";
import { expectAmount, expectSame, getRefusal, unexpected, WrongOutcome } from "./outcomes.ts";
import { drawPortrait } from "./portrait.ts";
import { findPair } from "./seat-map.ts";
import type { Terminal } from "./terminal.ts";
import { addFunds, getRefund, payInTwoParts } from "./wallet-steps.ts";
import { cardOf, cinemaTime, dayOf, maskOf, pricesOf, rupees } from "./wording.ts";

type Show = RouterOutputs["show"]["list"][number];
type Booking = RouterOutputs["booking"]["byId"];
type Hold = RouterOutputs["booking"]["initialize"];
type NewCustomer = RouterInputs["auth"]["signup"];

// A hold as short as this is worth watching until it runs out.
const watchedHoldMs = 30_000;
const payingTimeShownMs = 4_000;
// So that a hold is never cut short by the start of its show.
const aheadMs = 30 * 60_000;

/** Plays a customer's whole journey and tells it. Throws `WrongOutcome` at the first step that does not come out as it should. */
export async function playJourney(
  terminal: Terminal,
  server: { url: string; apiKey: string },
): Promise<void> {
  let token: string | null = null;
  const skyfox = createSkyfoxClient({ ...server, token: () => token });
  const { say, paint } = terminal;
  let stepNumber = 0;

  async function step<Result>(title: string, play: () => Promise<Result>): Promise<Result> {
    stepNumber += 1;
    say();
    console.log(paint("bold", `${String(stepNumber).padStart(2)}. ${title}`));
    try {
      const result = await play();
      await terminal.pause();
      return result;
    } catch (error) {
      throw unexpected("this step to go through", error);
    }
  }

  const person = await step("Sign up", () => signUp(skyfox, terminal));
  await step("Log in", async () => {
    token = await logIn(skyfox, terminal, person);
  });
  const now = await step("Who am I?", () => showProfile(skyfox, terminal, person));
  await step("Show your face", () => uploadPortrait(skyfox, terminal, person));
  const shows = await step("What is on this week?", () => listWeek(skyfox, terminal, now));
  const show = await step("Choose a show and look at its seats", () =>
    chooseShow(skyfox, terminal, shows, now),
  );
  const hold = await step("Hold two seats", () => holdPair(skyfox, terminal, show));
  await step("Pay with a card that is declined", () => payInVain(skyfox, terminal, show, hold));
  const booking = await step("Pay with a good card", () => payHold(skyfox, terminal, show, hold));
  await step("My bookings", () => listBookings(skyfox, terminal, booking));
  await step("Add funds to the wallet", () => addFunds(skyfox, terminal));
  const mixed = await step("Pay from the wallet, and the rest by card", () =>
    payInTwoParts(skyfox, terminal, show),
  );
  await step("The cinema gives the money back", () => getRefund(skyfox, terminal, server, mixed));
  await step("Hold a seat and do not pay", () => letGo(skyfox, terminal, show));
  await step("Log out", () => logOut(skyfox, terminal));

  const admin = await logInStaff(server, "admin");
  const staff = await logInStaff(server, "staff");
  const studio = await step("At the desk: schedule a show", () =>
    scheduleShow(admin, terminal, shows[0]!.date),
  );
  const sale = await step("Sell at the counter", () => sellAtCounter(admin, terminal, studio));
  const ticket = await step("Print the ticket", () => printTicket(admin, terminal, sale));
  await step("At the door", () => openDoor(staff, terminal, studio, ticket));
  await step("Look at the takings", () => showRevenue(admin, terminal));
  await step("Take the bookings home", () => saveBookings(staff, terminal));
  await admin.auth.logout.mutate();
  await staff.auth.logout.mutate();
}

async function signUp(skyfox: SkyfoxClient, { say }: Terminal): Promise<NewCustomer> {
  const [question] = await skyfox.auth.securityQuestions.query();
  if (question === undefined) throw new WrongOutcome("security questions to choose from", "an empty list");
  const username = `demo-${randomBytes(4).toString("hex")}`;
  const person = {
    name: "Demo Guest",
    username,
    password: `Demo-${randomBytes(9).toString("base64url")}`,
    phoneNumber: String(randomInt(10 ** 9, 10 ** 10)),
    email: `${username}@example.com`,
    securityQuestionId: question.id,
    securityAnswer: randomBytes(6).toString("hex"),
  };
  const account = await skyfox.auth.signup.mutate(person);
  expectSame("the new account", account, { username, name: person.name });
  say(`${person.name} becomes a customer, with the username ${username} and an empty wallet.`);
  say(`The security question, should the password ever be lost: “${question.question}”`);
  return person;
}

async function logIn(skyfox: SkyfoxClient, { say }: Terminal, person: NewCustomer): Promise<string> {
  const { username, password, name } = person;
  const { user, token } = await skyfox.auth.login.mutate({ username, password });
  expectSame("who logged in", user, { username, name, role: "customer" });
  say(`Welcome, ${name}. You stay logged in for ${sessionHours} hours, or until you log out.`);
  return token;
}

/** Answers with the cinema's own time, whatever this machine's clock says: the account was made a moment ago. */
async function showProfile(skyfox: SkyfoxClient, { say }: Terminal, person: NewCustomer): Promise<Date> {
  const { createdAt, ...profile } = await skyfox.auth.me.query();
  const { name, username, email, phoneNumber } = person;
  const expected = { role: "customer", username, name, email, phoneNumber, securityQuestionExists: true };
  expectSame("my profile", profile, expected);
  say(`${name}, ${profile.role}, phone ${phoneNumber}, e-mail ${email}`);
  return createdAt;
}

async function uploadPortrait(
  skyfox: SkyfoxClient,
  { say }: Terminal,
  { securityAnswer }: NewCustomer,
): Promise<void> {
  await getRefusal(skyfox.auth.profileImage.query(), "PROFILE_IMAGE_NOT_FOUND");
  const file = new Blob([new Uint8Array(drawPortrait())], { type: "image/png" });
  const image = await fileToProfileImage(file);
  const { url } = await skyfox.auth.updateProfileImage.mutate({ securityAnswer, image });
  const response = await fetch(url);
  expectSame("the picture's type", response.headers.get("content-type"), "image/jpeg");
  const { byteLength } = await response.arrayBuffer();
  const side = `${profileImageSide} × ${profileImageSide}`;
  say(
    `You upload a picture of ${file.size} bytes; a JPEG of ${side} pixels and ${byteLength} bytes is kept.`,
  );
  say(`Its link works for ${profileImageLinkHours} hours: ${url}`);
}

async function listWeek(skyfox: SkyfoxClient, { say, paint }: Terminal, now: Date): Promise<Show[]> {
  const today = await skyfox.show.list.query();
  const firstDay = today[0]?.date;
  if (firstDay === undefined)
    throw new WrongOutcome("shows today; a server with DEMO_SEED=on has them", "an empty list");
  const laterDays = Array.from({ length: bookingWindowDays - 1 }, (_, index) =>
    Temporal.PlainDate.from(firstDay)
      .add({ days: index + 1 })
      .toString(),
  );
  const later = await Promise.all(laterDays.map((date) => skyfox.show.list.query({ date })));
  expectSame(
    "the days of the shows",
    later.map((shows, index) => shows.every(({ date }) => date === laterDays[index])),
    laterDays.map(() => true),
  );
  const shows = [today, ...later].flat();
  const filmWidth = Math.max(...shows.map(({ movie }) => movie.title.length));
  const title = `${"Day".padEnd(10)}  Time   ${"Film".padEnd(filmWidth)}  Standard    Deluxe  Free seats`;
  say(paint("dim", title));
  let dayBefore: string | undefined;
  for (const show of shows) {
    const day = show.date === dayBefore ? "" : dayOf(show.date);
    dayBefore = show.date;
    const { Standard, Deluxe } = pricesOf(show);
    const prices = `${rupees(Standard).padStart(8)}  ${rupees(Deluxe).padStart(8)}`;
    const line = `${day.padEnd(10)}  ${show.slot.startTime}  ${show.movie.title.padEnd(filmWidth)}  ${prices}`;
    if (isOnSale(show, now)) say(`${line}  ${String(show.availableSeats).padStart(10)}`);
    else say(paint("dim", `${line}  ${show.cancelledAt === null ? "   started" : " cancelled"}`));
  }
  return shows;
}

async function chooseShow(skyfox: SkyfoxClient, terminal: Terminal, shows: Show[], now: Date): Promise<Show> {
  const soonest = new Date(now.getTime() + aheadMs);
  for (const show of shows.filter((one) => isOnSale(one, soonest) && one.availableSeats > 0)) {
    const seatMap = await skyfox.show.seatMap.query({ showId: show.id });
    if (findPair(seatMap) === undefined) continue;
    terminal.say(`${show.movie.title} on ${dayOf(show.date)} at ${show.slot.startTime}, ${show.screen.name}`);
    showSeatMap(terminal, seatMap, []);
    const { Standard, Deluxe } = pricesOf(show);
    expectAmount("the price of a Standard seat", seatMap.prices.Standard, Standard);
    expectAmount("the price of a Deluxe seat", seatMap.prices.Deluxe, Deluxe);
    return show;
  }
  throw new WrongOutcome("a show with a free Standard and a free Deluxe seat", "none this week");
}

async function holdPair(skyfox: SkyfoxClient, terminal: Terminal, show: Show): Promise<Hold> {
  const { hold, seatNumbers } = await holdSeats(skyfox, terminal, show, findPair);
  const { Standard, Deluxe } = pricesOf(show);
  expectAmount("the amount due", hold.amountDue, Standard.plus(Deluxe));
  const seats = seatNumbers.join(" and ");
  terminal.say(`${seats} are held for you: booking ${hold.bookingId}, ${rupees(hold.amountDue)} to pay.`);
  await expectSeats(skyfox, terminal, show, { yours: seatNumbers, status: "held" });
  const forMs = Math.min(payingTimeShownMs, hold.timeRemainingMs / 4);
  terminal.say();
  await terminal.countDown("Time left to pay:", { fromMs: hold.timeRemainingMs, forMs });
  return hold;
}

async function payInVain(skyfox: SkyfoxClient, { say }: Terminal, show: Show, hold: Hold): Promise<void> {
  const { bookingId } = hold;
  const payment = skyfox.booking.pay.mutate({ bookingId, method: "Card", card: cardOf(testCards.declined) });
  const { message, details } = await getRefusal(payment, "PAYMENT_DECLINED");
  if (details.retryUntil === null || details.retryUntil < hold.expiresAt)
    throw new WrongOutcome(`time to retry, at least until ${hold.expiresAt.toISOString()}`, "less than that");
  const { status } = await skyfox.booking.byId.query({ bookingId });
  expectSame("the booking after the decline", status, "Pending");
  say(`Card ${maskOf(testCards.declined)}: ${message}`);
  say(
    `The seats stay yours until ${cinemaTime(show, details.retryUntil)}, cinema time: long enough for another card.`,
  );
}

async function payHold(skyfox: SkyfoxClient, terminal: Terminal, show: Show, hold: Hold): Promise<Booking> {
  const { bookingId, seatNumbers, amountDue } = hold;
  const card = cardOf(testCards.approved);
  const booking = await skyfox.booking.pay.mutate({ bookingId, method: "Card", card });
  const { status, paymentType, expiresAt } = booking;
  expectSame(
    "the payment",
    { status, paymentType, expiresAt },
    { status: "Confirmed", paymentType: "Card", expiresAt: null },
  );
  expectSame("the seats", booking.seatNumbers, seatNumbers);
  expectAmount("the amount paid", booking.amountPaid, amountDue);
  terminal.say(`Card ${maskOf(testCards.approved)}: paid.`);
  terminal.say();
  terminal.box([
    `BOOKING ${bookingId}: ${status.toUpperCase()}`,
    booking.movieTitle,
    `${dayOf(booking.showDate)}, ${booking.showTime}, ${booking.screenName}`,
    `Seats ${seatNumbers.join(", ")}`,
    `Paid ${rupees(booking.amountPaid)} by card`,
    `For ${booking.customerName}, phone ${booking.phoneNumber}`,
  ]);
  await expectSeats(skyfox, terminal, show, { yours: seatNumbers, status: "sold" });
  return booking;
}

async function listBookings(skyfox: SkyfoxClient, { say }: Terminal, booking: Booking): Promise<void> {
  const { items } = await skyfox.booking.list.query();
  expectSame(
    "my bookings",
    items.map(({ bookingId, status }) => ({ bookingId, status })),
    [{ bookingId: booking.bookingId, status: "Confirmed" }],
  );
  for (const { bookingId, showDate, showTime, movieTitle, seatNumbers, amountPaid, status } of items)
    say(
      `${bookingId}  ${dayOf(showDate)} ${showTime}  ${movieTitle}  ${seatNumbers.join(", ")}  ${rupees(amountPaid)}  ${status}`,
    );
}

async function letGo(skyfox: SkyfoxClient, terminal: Terminal, show: Show): Promise<void> {
  const { hold, seatNumbers } = await holdSeats(skyfox, terminal, show, findLastFree);
  const { bookingId, timeRemainingMs } = hold;
  const seat = seatNumbers.join(" and ");
  const isWatched = timeRemainingMs <= watchedHoldMs;
  terminal.say(`${seat} is held for you: booking ${bookingId}. This time it is not paid.`);
  if (isWatched)
    await terminal.countDown("The hold ends in", { fromMs: timeRemainingMs, forMs: timeRemainingMs });
  else await skyfox.booking.cancel.mutate({ bookingId });

  const { status } = await skyfox.booking.byId.query({ bookingId });
  expectSame("the unpaid booking", status, isWatched ? "Expired" : "Cancelled");
  const seatMap = await skyfox.show.seatMap.query({ showId: show.id });
  expectSame(`seat ${seat} afterwards`, statusesOf(seatMap, seatNumbers), ["free"]);
  if (isWatched) {
    terminal.say(
      `The time is over: booking ${bookingId} reads ${status}, and ${seat} is free again for everyone.`,
    );
  } else {
    terminal.say(
      `You change your mind: booking ${bookingId} reads ${status}, and ${seat} is free again for everyone.`,
    );
    terminal.say("To watch a hold run out by itself, start the server with HOLD_SECONDS=15 npm start");
  }
}

async function logOut(skyfox: SkyfoxClient, { say }: Terminal): Promise<void> {
  expectSame("the sessions that ended", await skyfox.auth.logout.mutate(), { endedSessions: 1 });
  const { message } = await getRefusal(skyfox.auth.me.query(), "SESSION_ENDED");
  say(`Logged out. The old session now gets: “${message}”`);
}

function findLastFree(seatMap: SeatMap): string[] | undefined {
  const seat = seatMap.rows.flatMap((row) => row.seats).findLast(({ status }) => status === "free");
  return seat && [seat.seatNumber];
}

function isOnSale(show: Show, at: Date): boolean {
  return show.cancelledAt === null && at <= show.startsAt;
}
