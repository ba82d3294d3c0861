import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";

type Row = SeatMap["rows"][number];

/**
 * The seat map after an event of `show.watchSeatMap`; undefined as long as there was no snapshot. Never goes back to an older version, and is the
 * same object when nothing has changed; rows without a change stay the same objects.
 */
export function applySeatMapEvent(seatMap: SeatMap | undefined, event: SeatMapEvent): SeatMap | undefined {
  switch (event.type) {
    case "snapshot":
      return seatMap === undefined ? event.seatMap : replace(seatMap, event.seatMap);
    case "changed":
      return seatMap === undefined || event.version < seatMap.version ? seatMap : change(seatMap, event);
    default:
      return seatMap;
  }
}

// Another tab's greeting or a new connection may bring the map that is there.
function replace(seatMap: SeatMap, next: SeatMap): SeatMap {
  if (next.version < seatMap.version) return seatMap;
  const rows = next.rows.map((row, index) => {
    const before = seatMap.rows[index];
    return before !== undefined && isSameRow(before, row) ? before : row;
  });
  const isSame =
    next.version === seatMap.version &&
    next.prices.Standard.equals(seatMap.prices.Standard) &&
    next.prices.Deluxe.equals(seatMap.prices.Deluxe) &&
    rows.length === seatMap.rows.length &&
    rows.every((row, index) => row === seatMap.rows[index]);
  return isSame ? seatMap : { ...next, rows };
}

function isSameRow(before: Row, { row, seats }: Row): boolean {
  return (
    row === before.row &&
    seats.length === before.seats.length &&
    seats.every((seat, index) => {
      const { seatNumber, column, type, status } = before.seats[index] ?? {};
      return (
        seat.seatNumber === seatNumber &&
        seat.column === column &&
        seat.type === type &&
        seat.status === status
      );
    })
  );
}

function change(seatMap: SeatMap, { version, seats }: Extract<SeatMapEvent, { type: "changed" }>): SeatMap {
  const statuses = new Map(seats.map(({ seatNumber, status }) => [seatNumber, status]));
  let isChanged = version !== seatMap.version;
  const rows = seatMap.rows.map((row) => {
    const isSame = row.seats.every(
      ({ seatNumber, status }) => (statuses.get(seatNumber) ?? status) === status,
    );
    if (isSame) return row;
    isChanged = true;
    return {
      ...row,
      seats: row.seats.map((seat) => ({ ...seat, status: statuses.get(seat.seatNumber) ?? seat.status })),
    };
  });
  return isChanged ? { ...seatMap, version, rows } : seatMap;
}
