import { describe, expect, test } from "vitest";
import { fontsOf, printPages, scan } from "../../test/read-ticket.ts";
import { ticketOf } from "../../test/ticket-contents.ts";
import { Decimal, type Booking } from "../contract/index.ts";
import { drawTicket } from "./draw-ticket.ts";

const longest: Partial<Booking> = {
  movieTitle: "The very long title of a movie that never ends ".repeat(60),
  screenName: "The Grand Auditorium of the Northern Lights and the Southern Cross",
  seatNumbers: Array.from({ length: 10 }, (_, index) => `AA${index + 10}`),
  customerName: "Wolfeschlegelsteinhausenberger".repeat(3).slice(0, 70),
  paymentType: "Wallet",
  amountPaid: new Decimal("9999999999.99"),
  walletAmount: new Decimal("1234567890.50"),
  cardAmount: new Decimal("8765432109.49"),
};

test("of no font of the reader's is made use of", async () => {
  const pdf = await drawTicket(ticketOf());
  expect(
    fontsOf(pdf)
      .map(({ name }) => name.replace(/^[A-Z]{6}\+/, ""))
      .toSorted(),
  ).toEqual(["Poppins-Regular", "Poppins-SemiBold"]);
  expect(pdf.toString("latin1")).not.toMatch(/Helvetica|Times|Courier|\/Type1/);
});

// Scripts whose letters stay one after the other.
test.each(["Сталкер", "Ελένη", "기생충", "李安", "Tiếng Việt", "₹ € Ł"])(
  "%s can be searched for and copied",
  async (name) => {
    const [page] = await printPages(await drawTicket(ticketOf({ movieTitle: name })));
    expect(page?.text).toContain(name);
  },
);

describe.each([
  ["everything as long as it can be", longest],
  ["words that cannot be divided", { movieTitle: "W".repeat(2_000), customerName: "Ł".repeat(70) }],
  ["nothing in its names", { movieTitle: "", customerName: "", screenName: "" }],
  [
    "characters that no font has",
    { movieTitle: "𓀀𓁐 \u{10FFFF}\u{E000}", customerName: "\uD800\uDC00\uD800" },
  ],
  [
    "controls and marks of direction",
    { movieTitle: "\0\n\u202Eevil\u202C\u200F\u2066x", customerName: "a\tb" },
  ],
  ["marks upon marks", { movieTitle: `Z${"\u0301".repeat(500)}`, customerName: `a${"\u0335".repeat(60)}` }],
] satisfies [string, Partial<Booking>][])("a ticket with %s", (_, change) => {
  test("is still one page whose code can be read, and ends above the margin", async () => {
    const contents = ticketOf(change);
    const [page, ...others] = await printPages(await drawTicket(contents));
    expect(others).toEqual([]);
    expect(scan(page!.pixels)).toBe(contents.token);
    expect(page?.text).toContain("All times are local to the cinema");
    const { data, width, height } = page!.pixels;
    const margin = data.subarray(width * (height - 40) * 4);
    expect(margin.every((value) => value === 255)).toBe(true);
  });
});

test("the longest ticket says all of what is short, and cuts the title with an ellipsis", async () => {
  const [page] = await printPages(await drawTicket(ticketOf(longest)));
  const text = page!.text.replaceAll(/\s+/g, " ");
  for (const seat of longest.seatNumbers!) expect(text).toContain(seat);
  for (const said of ["₹9,99,99,99,999.99", "Wallet ₹1,23,45,67,890.50", "card ₹8,76,54,32,109.49", "…"])
    expect(text).toContain(said);
  expect(text.replaceAll(" ", "")).toContain(longest.customerName);
});

test("one seat is a seat, and two are seats", async () => {
  const [one] = await printPages(await drawTicket(ticketOf({ seatNumbers: ["J10"] })));
  expect(one?.text).toMatch(/^Seat\b/m);
  const [two] = await printPages(await drawTicket(ticketOf()));
  expect(two?.text).toMatch(/^2 seats\b/m);
});

test.each([
  "Roxy",
  "रॉक्सी सिनेमा",
  "W".repeat(60),
  "The Royal Opera House Picture Palace, Charni Road, Mumbai 4",
])("bears the cinema's name: %s", async (cinemaName) => {
  const contents = { ...ticketOf(), cinemaName };
  const pdf = await drawTicket(contents);
  const [page, ...others] = await printPages(pdf);
  expect(others).toEqual([]);
  expect(scan(page!.pixels)).toBe(contents.token);
  expect(page?.text).not.toContain("SkyFox");
  // Letters of scripts that are shaped do not come back in their order.
  if (/^[ -~]+$/.test(cinemaName)) expect(page?.text).toContain(cinemaName.slice(0, 20));
});
