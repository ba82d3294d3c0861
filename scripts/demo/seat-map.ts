import { formatAmount, type SeatMap } from "@skyfox/sdk";
import type { Style } from "./terminal.ts";

type Seat = SeatMap["rows"][number]["seats"][number];
type Look = { symbol: string; style: Style; word: string };

const looks = {
  free: { symbol: "·", style: "dim", word: "free" },
  held: { symbol: "○", style: "yellow", word: "held" },
  sold: { symbol: "●", style: "red", word: "sold" },
  heldForYou: { symbol: "☆", style: "yellow", word: "held for you" },
  yours: { symbol: "★", style: "green", word: "yours" },
} as const satisfies Record<string, Look>;

const seatWidth = 3;
const labelWidth = 3;

/** The hall as lines: the screen in front, the rows behind it, prices beside them and a legend. Symbols tell without colours. */
export function drawSeatMap(
  map: SeatMap,
  yours: string[],
  paint: (style: Style, text: string) => string,
): string[] {
  const columns = Math.max(...map.rows.flatMap(({ seats }) => seats.map((seat) => seat.column)));
  const lookOf = (seat: Seat) => looks[lookNameOf(seat, yours)];
  const numbers = Array.from({ length: columns }, (_, index) => String(index + 1).padStart(seatWidth));
  const lines = [
    " ".repeat(labelWidth + 2) + centre(" SCREEN ", columns * seatWidth - 2, "▔"),
    paint("dim", " ".repeat(labelWidth) + numbers.join("")),
  ];
  let typeBefore: Seat["type"] | undefined;
  for (const { row, seats } of map.rows) {
    const type = seats[0]?.type;
    const isFirstOfType = type !== undefined && type !== typeBefore;
    if (isFirstOfType && typeBefore !== undefined) lines.push("");
    const cells = numbers.map((_, index) => {
      const seat = seats.find(({ column }) => column === index + 1);
      if (seat === undefined) return " ".repeat(seatWidth);
      const { style, symbol } = lookOf(seat);
      return paint(style, symbol.padStart(seatWidth));
    });
    const price = isFirstOfType ? `   ${type} ₹${formatAmount(map.prices[type])}` : "";
    lines.push(row.padStart(labelWidth) + cells.join("") + price);
    typeBefore = type;
  }
  const shown = map.rows.flatMap(({ seats }) => seats.map(lookOf));
  const legend = Object.values(looks).map(
    (look) => `${paint(look.style, look.symbol)} ${shown.filter((one) => one === look).length} ${look.word}`,
  );
  return [...lines, "", " ".repeat(labelWidth + 2) + legend.join("    ")];
}

/** A free Standard and a free Deluxe seat as near to each other, and then to the middle, as there are; undefined when there are none. */
export function findPair(map: SeatMap): [string, string] | undefined {
  const free = map.rows.flatMap(({ seats }, depth) =>
    seats.filter(({ status }) => status === "free").map((seat) => ({ ...seat, depth })),
  );
  const middle = (Math.max(...free.map(({ column }) => column)) + 1) / 2;
  const pairs = free
    .filter(({ type }) => type === "Standard")
    .flatMap((standard) =>
      free
        .filter(({ type }) => type === "Deluxe")
        .map((deluxe) => ({
          seats: [standard.seatNumber, deluxe.seatNumber] as [string, string],
          distance: Math.abs(standard.depth - deluxe.depth) + Math.abs(standard.column - deluxe.column),
          offCentre: Math.abs(standard.column - middle) + Math.abs(deluxe.column - middle),
        })),
    );
  return pairs.toSorted((one, other) => one.distance - other.distance || one.offCentre - other.offCentre)[0]
    ?.seats;
}

function lookNameOf({ seatNumber, status }: Seat, yours: string[]): keyof typeof looks {
  if (status === "free" || !yours.includes(seatNumber)) return status;
  return status === "held" ? "heldForYou" : "yours";
}

function centre(text: string, width: number, fill: string): string {
  const left = Math.max(0, Math.floor((width - text.length) / 2));
  return (fill.repeat(left) + text).padEnd(width, fill);
}
