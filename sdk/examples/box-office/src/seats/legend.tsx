/** What the seats of the map look like, and what they cost. */
export function Legend({ standard, deluxe }: { standard: string; deluxe: string }) {
  return (
    <ul className="legend">
      <li>
        <span className="seat Standard free" /> Standard {standard}
      </li>
      <li>
        <span className="seat Deluxe free" /> Deluxe {deluxe}
      </li>
      <li>
        <span className="seat Standard chosen" /> Yours
      </li>
      <li>
        <span className="seat Standard held" /> Held
      </li>
      <li>
        <span className="seat Standard sold" /> Sold
      </li>
    </ul>
  );
}
