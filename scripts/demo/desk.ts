import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { finished } from "node:stream/promises";
import {
  createSkyfoxClient,
  Decimal,
  doorsOpenMinutes,
  type RouterOutputs,
  type SkyfoxClient,
} from "@skyfox/sdk";
import { verifyTicket } from "@skyfox/sdk/tickets";
import { openPicture, scan } from "../../server/test/read-ticket.ts";
import { demoPassword, demoStaff } from "../seed.ts";
import { expectAmount, expectSame, getRefusal, WrongOutcome } from "./outcomes.ts";
import type { Terminal } from "./terminal.ts";
import { cinemaTime, dayOf, pricesOf, rupees } from "./wording.ts";

type Show = RouterOutputs["admin"]["createShow"];
type Booking = RouterOutputs["admin"]["createBooking"];
type Revenue = RouterOutputs["admin"]["revenue"];

const ticketFile = "ticket.pdf";
const exportFile = "bookings.csv";
const barWidth = 30;

/** A client of one of the demo staff. */
export async function logInStaff(
  server: { url: string; apiKey: string },
  role: "admin" | "staff",
): Promise<SkyfoxClient> {
  const person = demoStaff.find((one) => one.role === role);
  if (person === undefined) throw new WrongOutcome(`one with the role ${role} among the demo staff`, "none");
  const { username } = person;
  const { token } = await createSkyfoxClient(server).auth.login.mutate({ username, password: demoPassword });
  return createSkyfoxClient({ ...server, token });
}

/** A screen of a layout of its own, and a show on it in the next slot that is free. */
export async function scheduleShow(admin: SkyfoxClient, { say }: Terminal, today: string): Promise<Show> {
  const { id: screenId, ...screen } = await admin.admin.createScreen.mutate({
    name: `Studio ${randomBytes(3).toString("hex")}`,
    rows: [
      { row: "A", seats: [1, 2, 3, 5, 6].map((number) => ({ number, type: "Standard" as const })) },
      { row: "B", seats: [1, 2, 3, 4, 5, 6, 7].map((number) => ({ number, type: "Deluxe" as const })) },
    ],
  });
  expectSame("the seats of the new screen", screen.capacity, 12);
  say(`An admin builds ${screen.name}: a row of five seats, one of seven, and a gap where a pillar stands.`);

  const [movie] = await admin.admin.movies.query();
  if (movie === undefined) throw new WrongOutcome("films to choose from", "an empty list");
  const tomorrow = Temporal.PlainDate.from(today).add({ days: 1 }).toString();
  const [freeToday] = await admin.admin.slots.query({ date: today, screenId });
  const [freeTomorrow] = await admin.admin.slots.query({ date: tomorrow, screenId });
  const slot = freeToday ?? freeTomorrow;
  if (slot === undefined) throw new WrongOutcome("a free slot on a new screen", "none");
  const date = slot === freeToday ? today : tomorrow;
  const wish = { movieId: movie.movieId, date, slotId: slot.id, cost: new Decimal("220.50"), screenId };
  const show = await admin.admin.createShow.mutate(wish);
  expectSame("the new show", [show.date, show.slot, show.availableSeats], [date, slot, 12]);
  say(
    `${movie.title}, ${dayOf(date)}, ${slot.name} at ${slot.startTime}, for ${rupees(show.cost)} a Standard seat.`,
  );
  for (const warning of show.warnings) say(`A warning comes with it: ${warning}`);
  await getRefusal(admin.admin.createShow.mutate(wish), "SLOT_NOT_AVAILABLE");
  say("The same slot a second time is refused.");
  return show;
}

/** A walk-in customer pays cash. */
export async function sellAtCounter(admin: SkyfoxClient, terminal: Terminal, show: Show): Promise<Booking> {
  const { Standard, Deluxe } = pricesOf(show);
  const price = Standard.plus(Deluxe);
  const sale = {
    showId: show.id,
    customerName: "Walk-In Guest",
    phoneNumber: String(randomInt(10 ** 9, 10 ** 10)),
    seatNumbers: ["A5", "B7"],
  };
  const short = admin.admin.createBooking.mutate({ ...sale, amountPaid: price.minus("0.01") });
  await getRefusal(short, "INVALID_AMOUNT");
  const booking = await admin.admin.createBooking.mutate({ ...sale, amountPaid: price });
  expectSame("the sale", [booking.status, booking.paymentType], ["Confirmed", "Cash"]);
  expectAmount("the amount paid", booking.amountPaid, price);
  terminal.say("A paisa too little is refused; the exact price is taken.");
  terminal.box([
    `BOOKING ${booking.bookingId}: SOLD AT THE COUNTER`,
    booking.movieTitle,
    `${dayOf(booking.showDate)}, ${booking.showTime}, ${booking.screenName}`,
    `Seats ${booking.seatNumbers.join(", ")}`,
    `Paid ${rupees(booking.amountPaid)} in cash`,
  ]);
  return booking;
}

/** The ticket as a page in a file, and what a scanner reads from its code. */
export async function printTicket(
  admin: SkyfoxClient,
  { say }: Terminal,
  { bookingId }: Booking,
): Promise<string> {
  const page = await admin.booking.ticketPdf.query({ bookingId });
  await writeFile(ticketFile, Buffer.from(page.data, "base64"));
  say(`The ticket is printed: ${resolve(ticketFile)}`);
  const { data } = await admin.booking.ticketQr.query({ bookingId });
  const token = scan(await openPicture(Buffer.from(data, "base64")));
  const verified = await verifyTicket(token, await admin.tickets.keys());
  if (!verified.valid) throw new WrongOutcome("a ticket that the public keys verify", verified.reason);
  expectSame("the booking on the ticket", verified.ticket.bookingId, bookingId);
  say(
    `Its code says booking ${bookingId}, seats ${verified.ticket.seatNumbers.join(" and ")}, and no name. The public keys verify it offline.`,
  );
  return token;
}

/** The ticket is scanned at the door, twice, and a forged one beside it. */
export async function openDoor(
  staff: SkyfoxClient,
  { say }: Terminal,
  show: Show,
  ticket: string,
): Promise<void> {
  const { items } = await staff.admin.doorList.query({ showId: show.id });
  for (const { bookingId, customerName, seatNumbers, status } of items)
    say(`The list at the door: ${bookingId}  ${customerName}  ${seatNumbers.join(", ")}  ${status}`);
  const forged = await staff.admin.checkInTicket.mutate({
    ticket: `${ticket.slice(0, -4)}AAAA`,
    showId: show.id,
  });
  expectSame("a forged ticket", forged, { outcome: "invalid", reason: "FORGED" });
  say("A home-made ticket is scanned: FORGED, and no word about any booking.");

  const first = await staff.admin.checkInTicket.mutate({ ticket, showId: show.id });
  if (first.reason === "TOO_EARLY") {
    const opens = new Date(show.startsAt.getTime() - doorsOpenMinutes * 60_000);
    say(
      `The right one is too early: the door opens at ${cinemaTime(show, opens)}, cinema time, an hour before the show.`,
    );
    say(
      "To see a check-in now, stop this server and play the demo alone: it opens a cinema whose doors are open.",
    );
    return;
  }
  expectSame("the first scan", first.outcome, "checkedIn");
  say(
    `The right one is scanned: welcome, ${first.booking?.customerName ?? "?"}. It reads ${first.booking?.status ?? "?"}.`,
  );
  const again = await staff.admin.checkInTicket.mutate({ ticket, showId: show.id });
  expectSame(
    "the second scan",
    [again.outcome, again.by],
    ["alreadyDone", demoStaff.find(({ role }) => role === "staff")?.username],
  );
  if (again.at === undefined) throw new WrongOutcome("when the ticket was used", "nothing");
  say(
    `A copy of it comes a moment later: used at ${cinemaTime(show, again.at)}, seen by ${again.by ?? "?"}.`,
  );
}

/** What the cinema has taken, as a table and as bars. */
export async function showRevenue(admin: SkyfoxClient, { say, paint }: Terminal): Promise<void> {
  const daily = await admin.admin.revenue.query({ timeframe: "daily" });
  say(paint("dim", `${"Day".padEnd(10)}  Bookings  Seats       Revenue          Mean        Median`));
  const line = (label: string, of: Omit<Revenue, "groups">) => {
    const amounts = [of.totalRevenue, of.meanRevenue, of.medianRevenue].map((amount) =>
      rupees(amount).padStart(12),
    );
    say(
      `${label.padEnd(10)}  ${String(of.totalBookings).padStart(8)}  ${String(of.totalSeatsBooked).padStart(5)}  ${amounts.join("  ")}`,
    );
  };
  for (const { label, ...figures } of daily.groups.slice(-7)) line(label, figures);
  line("30 days", daily);

  const slots = await admin.admin.allSlots.query();
  const bars = await Promise.all(
    slots.map(async ({ id, name }) => ({
      name,
      total: (await admin.admin.revenue.query({ slotId: id })).totalRevenue,
    })),
  );
  const most = Decimal.max(1, ...bars.map(({ total }) => total));
  say();
  for (const { name, total } of bars) {
    const bar = "█".repeat(Math.round(Number(total.dividedBy(most).times(barWidth).toFixed(0))));
    say(`${name.padEnd(10)} ${bar.padEnd(barWidth)} ${rupees(total)}`);
  }
}

/** The bookings as a file for a spreadsheet. */
export async function saveBookings(staff: SkyfoxClient, { say }: Terminal): Promise<void> {
  const { filename, stream } = await staff.exports.bookingsCsv();
  expectSame("the file's name", filename, exportFile);
  const file = createWriteStream(exportFile);
  for await (const chunk of stream) if (!file.write(chunk)) await once(file, "drain");
  file.end();
  await finished(file);
  say(`Every paid booking, as a spreadsheet reads it: ${resolve(exportFile)}, ${file.bytesWritten} bytes`);
}
