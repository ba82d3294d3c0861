import { timeframes, type Cinema, type Revenue, type Timeframe } from "@skyfox/sdk";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../client.ts";
import { money } from "../format.ts";
import { Loaded, Page, Select } from "../ui.tsx";
import { BarChart } from "./bar-chart.tsx";

/** What the cinema has taken, by day, week, month or year. */
export function RevenuePage({ cinema }: { cinema: Cinema }) {
  const [timeframe, setTimeframe] = useState<Timeframe>("daily");
  const revenue = useQuery(api.admin.revenue.queryOptions({ timeframe }));
  return (
    <Page title="Revenue">
      <Select
        label="Period"
        value={timeframe}
        onChange={({ target }) => setTimeframe(timeframes.find((one) => one === target.value) ?? "daily")}
      >
        {timeframes.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </Select>
      <Loaded query={revenue}>{(known) => <Figures revenue={known} cinema={cinema} />}</Loaded>
    </Page>
  );
}

function Figures({ revenue, cinema }: { revenue: Revenue; cinema: Cinema }) {
  const price = (amount: Revenue["totalRevenue"]) => money(amount, cinema.currency);
  const figures = [
    ["Taken", price(revenue.totalRevenue)],
    ["Bookings", String(revenue.totalBookings)],
    ["Seats", String(revenue.totalSeatsBooked)],
    ["Mean", price(revenue.meanRevenue)],
    ["Median", price(revenue.medianRevenue)],
  ] as const;
  return (
    <>
      <dl className="figures">
        {figures.map(([name, figure]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{figure}</dd>
          </div>
        ))}
      </dl>
      {revenue.groups.length === 0 ? (
        <p>Nothing was sold in this time.</p>
      ) : (
        <BarChart
          title="Taken"
          bars={revenue.groups.map(({ label, totalRevenue }) => ({
            label,
            amount: totalRevenue,
            text: price(totalRevenue),
          }))}
        />
      )}
    </>
  );
}
