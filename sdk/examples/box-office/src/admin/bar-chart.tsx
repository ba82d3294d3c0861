import type { Decimal } from "@skyfox/sdk";

interface Bar {
  label: string;
  amount: Decimal;
  /** The amount as it is read. */
  text: string;
}

const rowHeight = 34;

/** At least one amount as a bar, one below the other, with its figure beside it: the picture needs no axis, and screen readers get a table. */
export function BarChart({ title, bars }: { title: string; bars: Bar[] }) {
  const most = bars
    .map(({ amount }) => amount)
    .reduce((max, amount) => (amount.greaterThan(max) ? amount : max));
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      <table>
        <tbody>
          {bars.map(({ label, amount, text }) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td className="bar">
                <svg width="100%" height={rowHeight - 14} aria-hidden="true">
                  {/* A length of the picture, no money any more. */}
                  <rect
                    width={`${most.isZero() ? "0" : amount.div(most).times(100).toFixed(1)}%`}
                    height="100%"
                    rx="4"
                  />
                </svg>
              </td>
              <td className="amount">{text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}
