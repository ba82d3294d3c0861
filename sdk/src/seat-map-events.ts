import type { SeatMap, SeatMapEvent } from "@skyfox/server/contract";

/**
 * The seat map after an event of `show.watchSeatMap`; undefined as long as there was no snapshot. Never goes back to an older version, and is the
 * same object when nothing has changed; rows without a change stay the same objects.
 */
export function applySeatMapEvent(seatMap: SeatMap | undefined, event: SeatMapEvent): SeatMap | undefined {
  switch (event.type) {
    case "snapshot":
      return seatMap !== undefined && event.seatMap.version < seatMap.version ? seatMap : event.seatMap;
    case "changed":
      return seatMap === undefined || event.version < seatMap.version ? seatMap : change(seatMap, event);
    default:
      return seatMap;
  }
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
