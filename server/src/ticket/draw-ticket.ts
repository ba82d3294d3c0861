import PdfDocument from "pdfkit";
import type { Booking } from "../contract/index.ts";
import type { TicketContents } from "./ports.ts";
import { modulesOf, quietModules } from "./ticket-qr.ts";
import { setLine, setText, widthOf, type Room, type TextBlock } from "./ticket-text.ts";

const colours = {
  navy: "#14213d",
  orange: "#f2762e",
  cream: "#fff4ea",
  ink: "#111827",
  grey: "#5b6472",
  line: "#cdd2da",
  pale: "#c9d2e3",
  green: "#17724a",
  blue: "#1d4ed8",
  white: "#ffffff",
};

// A4 in points, and the card on it.
const page = { width: 595.28, height: 841.89 };
const card = { left: 36, top: 36, width: page.width - 72, corner: 14 };
const inner = { left: card.left + 28, width: card.width - 56 };
const bandHeight = 86;
const qrSide = 204;
// What is left of it beside the code.
const besideQr = inner.width - qrSide - 26;
const seatsPerRow = 5;

const lineHeight = 1.28;
// How much of a line's height is above its baseline; the scripts above Latin need more than Latin does.
const ascent = 0.98;

const houseNotes = [
  "Show this code at the entrance, printed or on a screen. The door opens one hour before the show.",
  "The code lets its seats in once. Keep it to yourself: the first person to show it is let in.",
  "Please be seated when the show starts, and let your phone be silent and dark.",
  "Filming and photographing the screen are not allowed.",
];

/** Draws a ticket as a PDF of one A4 page with all its fonts inside. The same contents give the same bytes. */
export async function drawTicket(contents: TicketContents): Promise<Buffer> {
  const { booking, cinemaName } = contents;
  const document = new PdfDocument({
    size: [page.width, page.height],
    margin: 0,
    lang: "en",
    displayTitle: true,
    info: {
      Title: `${cinemaName} ticket ${booking.bookingId}`,
      Author: cinemaName,
      Creator: "SkyFox",
      Producer: "SkyFox",
      CreationDate: booking.bookingTime,
    },
  });
  const chunks: Buffer[] = [];
  const written = new Promise<Buffer>((resolve, reject) => {
    document.on("data", (chunk: Buffer) => chunks.push(chunk));
    document.on("end", () => resolve(Buffer.concat(chunks)));
    document.on("error", reject);
  });
  drawCard(document, contents);
  document.end();
  return await written;
}

type Pdf = InstanceType<typeof PdfDocument>;

function drawCard(pdf: Pdf, contents: TicketContents): void {
  const { booking, token } = contents;
  drawBand(pdf, contents);
  const top = card.top + bandHeight + 30;
  const qr = { left: inner.left + inner.width - qrSide, top };
  const showEnd = drawShow(pdf, contents, top);
  const seatsEnd = drawSeats(pdf, booking.seatNumbers, showEnd + 14);
  const tear = Math.max(seatsEnd, qr.top + qrSide + 22) + 28;
  const bottom = drawDetails(pdf, contents, tear + 26) + 26;
  drawOutline(pdf, tear, bottom);
  drawNotes(pdf, contents, bottom + 30);
  // Last, so that nothing can lie over it.
  drawQr(pdf, token, qr);
}

function drawBand(pdf: Pdf, { booking: { bookingId }, cinemaName }: TicketContents): void {
  const { left, top, width, corner } = card;
  pdf.save();
  pdf.roundedRect(left, top, width, bandHeight + corner, corner).clip();
  pdf.rect(left, top, width, bandHeight).fill(colours.navy);
  pdf.rect(left, top + bandHeight - 4, width, 4).fill(colours.orange);
  pdf.restore();
  drawFox(pdf, inner.left, top + 23, 36);
  const middle = top + 50;
  const name = setText(cinemaName, {
    width: besideQr,
    weight: "strong",
    sizes: sizes([27, 22, 18, 14, 11], 1),
  });
  write(pdf, name, inner.left + 48, middle, colours.white);
  const right = inner.left + inner.width;
  writeRight(pdf, setLine("Cinema ticket", { size: 10, weight: "regular" }), right, top + 35, colours.pale);
  const number = setLine(`Booking ${bookingId}`, { size: 16, weight: "strong" });
  writeRight(pdf, number, right, top + 56, colours.white);
}

/** The head of a fox, as wide as it is high. */
function drawFox(pdf: Pdf, left: number, top: number, side: number): void {
  const at = (points: [number, number][]) =>
    pdf.polygon(...points.map(([x, y]): [number, number] => [left + x * side, top + y * side]));
  at([[0, 0], [0.34, 0.22], [0.66, 0.22], [1, 0], [0.98, 0.56], [0.5, 1], [0.02, 0.56]]).fill(colours.orange); // prettier-ignore
  at([
    [0.02, 0.56],
    [0.36, 0.62],
    [0.5, 1],
  ]).fill(colours.white);
  at([
    [0.98, 0.56],
    [0.64, 0.62],
    [0.5, 1],
  ]).fill(colours.white);
  at([
    [0.44, 0.9],
    [0.56, 0.9],
    [0.5, 1],
  ]).fill(colours.navy);
  pdf.circle(left + 0.31 * side, top + 0.5 * side, 0.045 * side).fill(colours.navy);
  pdf.circle(left + 0.69 * side, top + 0.5 * side, 0.045 * side).fill(colours.navy);
}

/** The status, the movie, and when and where it is shown; gives the place below it. */
function drawShow(pdf: Pdf, { booking }: TicketContents, top: number): number {
  const isUsed = booking.status === "CheckedIn";
  const status = setLine(isUsed ? "Checked in" : booking.status, { size: 9, weight: "strong" });
  const statusWidth = widthOfBlock(status) + 20;
  pdf.roundedRect(inner.left, top, statusWidth, 20, 10).fill(isUsed ? colours.blue : colours.green);
  write(pdf, status, inner.left + 10, top + 13.3, colours.white);

  const title = setText(booking.movieTitle, {
    width: besideQr,
    weight: "strong",
    sizes: [
      { size: 27, maxLines: 3 },
      { size: 22, maxLines: 4 },
      { size: 18, maxLines: 5 },
      { size: 14.5, maxLines: 7 },
      { size: 12, maxLines: 9 },
    ],
  });
  let below = writeBelow(pdf, title, inner.left, top + 34, colours.ink) + 14;
  const large: Room = { width: besideQr, weight: "strong", sizes: sizes([15, 13, 11, 9], 1) };
  below = drawField(pdf, "Date", dateInWords(booking.showDate), inner.left, below, large) + 12;
  const half = (besideQr - 16) / 2;
  const timeEnd = drawField(pdf, "Time", booking.showTime, inner.left, below, large);
  const screenRoom: Room = { ...large, width: half, sizes: [...sizes([15, 13], 1), ...sizes([11, 9], 2)] };
  const screenEnd = drawField(pdf, "Screen", booking.screenName, inner.left + half + 16, below, screenRoom);
  return Math.max(timeEnd, screenEnd);
}

function drawSeats(pdf: Pdf, seatNumbers: string[], top: number): number {
  const gap = 7;
  const width = (besideQr - (seatsPerRow - 1) * gap) / seatsPerRow;
  const height = 32;
  const label = seatNumbers.length === 1 ? "Seat" : `${seatNumbers.length} seats`;
  writeLabel(pdf, label, inner.left, top);
  const room: Room = { width: width - 6, weight: "strong", sizes: sizes([14, 12, 10, 8, 6], 1) };
  let rowTop = top;
  for (const [index, seat] of seatNumbers.entries()) {
    const left = inner.left + (index % seatsPerRow) * (width + gap);
    rowTop = top + 16 + Math.floor(index / seatsPerRow) * (height + gap);
    pdf.lineWidth(1).roundedRect(left, rowTop, width, height, 7).fillAndStroke(colours.cream, colours.orange);
    const block = setText(seat, room);
    const baseline = rowTop + height / 2 + block.size * 0.35;
    write(pdf, block, left + (width - widthOfBlock(block)) / 2, baseline, colours.ink);
  }
  return rowTop + height;
}

/** Whose booking it is, when it was made and how it was paid; gives the place below it. */
function drawDetails(pdf: Pdf, contents: TicketContents, top: number): number {
  const { booking, cinemaTimeZone } = contents;
  const gap = 20;
  const third = (inner.width - 2 * gap) / 3;
  const columns = [0, 1, 2].map((index) => inner.left + index * (third + gap));
  const [first = 0, second = 0, last = 0] = columns;
  const room: Room = { width: third, weight: "strong", sizes: [...sizes([12, 11], 1), ...sizes([10, 9], 3)] };
  const customerRoom: Room = {
    width: third * 2 + gap,
    weight: "strong",
    sizes: [...sizes([12], 1), ...sizes([11, 10, 9], 3)],
  };
  const customerEnd = drawField(pdf, "Customer", booking.customerName, first, top, customerRoom);
  const numberEnd = drawField(pdf, "Booking number", String(booking.bookingId), last, top, room);
  const next = Math.max(customerEnd, numberEnd) + 16;
  return Math.max(
    drawField(pdf, "Amount paid", formatMoney(booking.amountPaid, contents), first, next, room),
    drawField(pdf, "Payment", describePayment(contents), second, next, room),
    drawField(pdf, "Booked on", instantInWords(booking.bookingTime, cinemaTimeZone), last, next, room),
  );
}

/** The edge of the card, and where its lower part tears off. */
function drawOutline(pdf: Pdf, tear: number, bottom: number): void {
  const { left, top, width, corner } = card;
  pdf.lineWidth(1).strokeColor(colours.line);
  pdf.roundedRect(left, top, width, bottom - top, corner).stroke();
  pdf.save();
  pdf.dash(5, { space: 4 });
  pdf
    .moveTo(left + 16, tear)
    .lineTo(left + width - 16, tear)
    .stroke();
  pdf.restore();
  for (const [x, sweep] of [
    [left, 1],
    [left + width, 0],
  ] as const) {
    pdf.rect(x - 2, tear - 8, 4, 16).fill(colours.white);
    pdf.path(`M ${x} ${tear - 8} A 8 8 0 0 ${sweep} ${x} ${tear + 8}`).stroke();
  }
}

function drawNotes(pdf: Pdf, { cinemaTimeZone }: TicketContents, top: number): void {
  const heading = setLine("House notes", { size: 10, weight: "strong" });
  let below = writeBelow(pdf, heading, inner.left, top, colours.ink) + 5;
  const notes = [...houseNotes, `All times are local to the cinema (${cinemaTimeZone}).`];
  for (const note of notes) {
    pdf.circle(inner.left + 2, below + 6.4, 1.4).fill(colours.orange);
    const block = setText(note, { width: inner.width - 14, weight: "regular", sizes: sizes([8.8], 3) });
    below = writeBelow(pdf, block, inner.left + 12, below, colours.grey) + 3;
  }
}

function drawQr(pdf: Pdf, token: string, { left, top }: { left: number; top: number }): void {
  const { size, isDark } = modulesOf(token);
  const side = qrSide / (size + 2 * quietModules);
  pdf.rect(left, top, qrSide, qrSide).fill(colours.white);
  for (let row = 0; row < size; row += 1) {
    // Modules side by side are one bar, so that no viewer shows seams between them.
    for (let column = 0; column < size; column += 1) {
      const first = column;
      while (column < size && isDark(row, column)) column += 1;
      if (column === first) continue;
      const [x, y] = [left + (quietModules + first) * side, top + (quietModules + row) * side];
      pdf.rect(x, y, (column - first) * side, side);
    }
  }
  pdf.fill(colours.ink);
  pdf.lineWidth(1).roundedRect(left, top, qrSide, qrSide, 8).stroke(colours.line);
  const caption = setLine("Show this code at the entrance", { size: 9, weight: "regular" });
  write(pdf, caption, left + (qrSide - widthOfBlock(caption)) / 2, top + qrSide + 16, colours.grey);
}

/** A small label with what it names below it; gives the place below both. */
function drawField(pdf: Pdf, label: string, value: string, left: number, top: number, room: Room): number {
  writeLabel(pdf, label, left, top);
  return writeBelow(pdf, setText(value, room), left, top + 13, colours.ink);
}

function writeLabel(pdf: Pdf, label: string, left: number, top: number): void {
  writeBelow(pdf, setLine(label, { size: 8.5, weight: "regular" }), left, top, colours.grey);
}

function writeBelow(pdf: Pdf, block: TextBlock, left: number, top: number, colour: string): number {
  write(pdf, block, left, top + block.size * ascent, colour);
  return top + block.lines.length * block.size * lineHeight;
}

function writeRight(pdf: Pdf, block: TextBlock, right: number, baseline: number, colour: string): void {
  write(pdf, block, right - widthOfBlock(block), baseline, colour);
}

/** Writes lines, the first on this baseline. */
function write(pdf: Pdf, { size, lines }: TextBlock, left: number, baseline: number, colour: string): void {
  pdf.fontSize(size).fillColor(colour);
  for (const [index, line] of lines.entries()) {
    let x = left;
    for (const { text, face, width } of line) {
      pdf.font(face.font as unknown as string, face.name);
      // Naming features, even none, keeps the run whole; pdfkit would shape it word by word otherwise.
      pdf.text(text, x, baseline + index * size * lineHeight, {
        lineBreak: false,
        baseline: "alphabetic",
        features: [],
      });
      x += width * size;
    }
  }
}

function widthOfBlock({ size, lines }: TextBlock): number {
  return size * Math.max(0, ...lines.map(widthOf));
}

function sizes(of: number[], maxLines: number): Room["sizes"] {
  return of.map((size) => ({ size, maxLines }));
}

function dateInWords(date: string): string {
  const words = { weekday: "long", day: "numeric", month: "long", year: "numeric" } as const;
  return Temporal.PlainDate.from(date).toLocaleString("en-GB", words);
}

function instantInWords(instant: Date, timeZone: string): string {
  const local = instant.toTemporalInstant().toZonedDateTimeISO(timeZone);
  const date = local
    .toPlainDate()
    .toLocaleString("en-GB", { day: "numeric", month: "long", year: "numeric" });
  return `${date}, ${local.toPlainTime().toString({ smallestUnit: "minute" })}`;
}

function describePayment(contents: TicketContents): string {
  const { paymentType, walletAmount, cardAmount } = contents.booking;
  if (walletAmount.isZero() || cardAmount.isZero()) return paymentType ?? "";
  return `Wallet\u{A0}${formatMoney(walletAmount, contents)}, card\u{A0}${formatMoney(cardAmount, contents)}`;
}

function formatMoney(amount: Booking["amountPaid"], { currency }: TicketContents): string {
  const form = { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: 2 } as const;
  // A string keeps every digit: a number would not.
  return new Intl.NumberFormat("en-IN", form).format(amount.toFixed(2) as `${number}`);
}
