import type { SeatMap } from "@skyfox/sdk";
import { memo, useCallback, useRef, useState, type KeyboardEvent } from "react";
import { money } from "../format.ts";
import { Legend } from "./legend.tsx";
import { neighbour, seatKeys } from "./neighbour.ts";

type Row = SeatMap["rows"][number];

/** What the person may do with a seat: take it, give it up, or nothing. */
type Choice = "chosen" | "free" | "held" | "sold";

interface SeatMapProps {
  seatMap: SeatMap;
  currency: string;
  /** The seats that the person has chosen. */
  chosen: readonly string[];
  /** Seats that are held for this person, who may choose them again. */
  mine?: readonly string[];
  onToggle: (seatNumber: string) => void;
}

const none: readonly string[] = [];

/**
 * The hall as a grid: one tab stop, and the arrow keys go from seat to seat (WAI-ARIA, grid pattern). The name of a seat says row, number, kind,
 * price and state.
 */
export function SeatMapGrid({ seatMap, currency, chosen, mine = none, onToggle }: SeatMapProps) {
  const grid = useRef<HTMLDivElement>(null);
  const [visited, setVisited] = useState<string>();
  const latest = useRef(onToggle);
  latest.current = onToggle;
  const toggle = useCallback((seatNumber: string) => latest.current(seatNumber), []);
  const { rows, prices } = seatMap;
  const tabStop = visited ?? firstTabStop(rows, chosen);

  function move(event: KeyboardEvent): void {
    if (!seatKeys.has(event.key)) return;
    event.preventDefault();
    const next = neighbour(rows, tabStop, event.key);
    grid.current?.querySelector<HTMLElement>(`[data-seat="${next}"]`)?.focus();
  }

  return (
    <div className="hall">
      <div className="screen" aria-hidden="true" />
      <div className="hall-scroll">
        <div
          ref={grid}
          className="seats"
          role="grid"
          aria-label="Seats"
          aria-multiselectable
          onKeyDown={move}
        >
          {rows.map((row) => (
            <SeatRow
              key={row.row}
              row={row}
              standard={money(prices.Standard, currency)}
              deluxe={money(prices.Deluxe, currency)}
              chosen={within(row, chosen)}
              mine={within(row, mine)}
              tabStop={row.seats.some((seat) => seat.seatNumber === tabStop) ? tabStop : undefined}
              onToggle={toggle}
              onFocus={setVisited}
            />
          ))}
        </div>
      </div>
      <Legend standard={money(prices.Standard, currency)} deluxe={money(prices.Deluxe, currency)} />
    </div>
  );
}

// Where the keyboard enters: at a chosen seat, else at a free one.
function firstTabStop(rows: Row[], chosen: readonly string[]): string {
  const seats = rows.flatMap((row) => row.seats);
  const first = seats.find(({ seatNumber }) => chosen.includes(seatNumber));
  return (first ?? seats.find(({ status }) => status === "free") ?? seats[0])?.seatNumber ?? "";
}

// As text, which stays equal while the row's part has not changed: then the row is not drawn again.
function within(row: Row, seatNumbers: readonly string[]): string {
  return row.seats
    .map(({ seatNumber }) => seatNumber)
    .filter((seatNumber) => seatNumbers.includes(seatNumber))
    .join();
}

interface SeatRowProps {
  row: Row;
  standard: string;
  deluxe: string;
  chosen: string;
  mine: string;
  tabStop: string | undefined;
  onToggle: (seatNumber: string) => void;
  onFocus: (seatNumber: string) => void;
}

// The SDK keeps the rows without a change the same objects.
const SeatRow = memo(function SeatRow({
  row,
  chosen,
  mine,
  tabStop,
  onToggle,
  onFocus,
  ...price
}: SeatRowProps) {
  const [chosenHere, mineHere] = [chosen.split(","), mine.split(",")];
  return (
    <div role="row" className="seat-row">
      <span role="rowheader" className="row-name">
        {row.row}
      </span>
      {row.seats.map(({ seatNumber, column, type, status }) => {
        const isOpen = status === "free" || mineHere.includes(seatNumber);
        const choice: Choice = chosenHere.includes(seatNumber) ? "chosen" : isOpen ? "free" : status;
        const number = seatNumber.slice(row.row.length);
        return (
          <button
            key={seatNumber}
            type="button"
            role="gridcell"
            className={`seat ${type} ${choice}`}
            style={{ gridColumn: column + 1 }}
            data-seat={seatNumber}
            tabIndex={seatNumber === tabStop ? 0 : -1}
            aria-selected={choice === "chosen"}
            aria-disabled={!isOpen}
            aria-label={`Row ${row.row}, seat ${number}, ${type}, ${type === "Deluxe" ? price.deluxe : price.standard}, ${choice}`}
            onFocus={() => onFocus(seatNumber)}
            onClick={() => isOpen && onToggle(seatNumber)}
          >
            <span aria-hidden="true">{number}</span>
          </button>
        );
      })}
    </div>
  );
});
