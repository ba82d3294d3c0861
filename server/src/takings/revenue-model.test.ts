import fc from "fast-check";
import { expect, test } from "vitest";
import { forgetSales, givenSales } from "../../test/given-sales.ts";
import { givenShow } from "../../test/given.ts";
import { createManualClock } from "../../test/manual-clock.ts";
import { createTestApp } from "../../test/test-app.ts";
import { Decimal, labelParts, revenueInput, timeframes, type RevenueInput } from "../contract/index.ts";
import { reportRevenue } from "./report-revenue.ts";

const app = await createTestApp();

const films = [
  { title: "Ran", genres: ["Drama", "War"] },
  { title: "Alien", genres: ["Horror", "SCI-FI"] },
  { title: "Solaris", genres: ["drama", "Sci-Fi"] },
  { title: "M", genres: [] },
];
// Each film in two slots.
const shows: { showId: number; movieId: string; title: string; genres: string[]; slotId: number }[] = [];
for (const [index, { title, genres }] of films.entries()) {
  for (const slotId of [1 + (index % 2), 3 + (index % 2)]) {
    const showId = await givenShow(app, { slotId });
    const [row] = await app.sql.query("select movie_id from show where id = $1", [showId]);
    const movieId = String(row?.["movie_id"]);
    await app.sql.query("update movie set title = $1, genres = $2 where movie_id = $3", [
      title,
      genres,
      movieId,
    ]);
    shows.push({ showId, movieId, title, genres, slotId });
  }
}
const slotNames = ["", "Morning", "Afternoon", "Evening", "Night"];
const monthNames =
  "January February March April May June July August September October November December".split(" ");

type Status = "Confirmed" | "CheckedIn" | "Cancelled" | "Refunded" | "Expired";

interface Booking {
  at: Date;
  amount: Decimal;
  seats: number;
  status: Status;
  show: (typeof shows)[number];
}

/** The takings as a person with paper and a calendar would work them out: every booking by its own date on the cinema's wall. */
function workOut(bookings: Booking[], now: Date, zone: string, input: RevenueInput) {
  const dayOf = (at: Date) =>
    Temporal.Instant.fromEpochMilliseconds(at.getTime()).toZonedDateTimeISO(zone).toPlainDate();
  const today = dayOf(now);
  const mondayOf = (day: Temporal.PlainDate) => day.subtract({ days: day.dayOfWeek - 1 });
  const two = (value: number) => String(value).padStart(2, "0");

  const periodOf = (day: Temporal.PlainDate): string | undefined => {
    switch (input.timeframe) {
      case "daily": {
        const age = day.until(today, { largestUnit: "days" }).days;
        return age >= 0 && age < 30 ? day.toString() : undefined;
      }
      case "weekly": {
        const age = mondayOf(day).until(mondayOf(today), { largestUnit: "days" }).days / 7;
        // The week belongs to the year that has its Thursday.
        const thursday = mondayOf(day).add({ days: 3 });
        const week = Math.ceil(thursday.dayOfYear / 7);
        return age >= 0 && age < 16 ? `${thursday.year}-W${two(week)}` : undefined;
      }
      case "monthly": {
        const age = (today.year - day.year) * 12 + today.month - day.month;
        return age >= 0 && age < 12 ? `${day.year}-${two(day.month)}` : undefined;
      }
      default:
        return String(day.year);
    }
  };

  const counted = bookings.flatMap((booking) => {
    const { show, status } = booking;
    const day = dayOf(booking.at);
    const genre = show.genres.find((one) => one.toLowerCase() === input.genre?.toLowerCase());
    const period = periodOf(day);
    const isAsked =
      (status === "Confirmed" || status === "CheckedIn") &&
      period !== undefined &&
      (input.month === undefined || input.month === day.month) &&
      (input.year === undefined || input.year === day.year) &&
      (input.movieId === undefined || input.movieId === show.movieId) &&
      (input.slotId === undefined || input.slotId === show.slotId) &&
      (input.genre === undefined || genre !== undefined);
    if (!isAsked) return [];
    const parts: Record<string, string | undefined> = {
      timeframe: input.timeframe && period,
      month: input.month === undefined ? undefined : monthNames[day.month - 1],
      year: input.year === undefined ? undefined : String(day.year),
      movie: input.movieId && show.title,
      slot: input.slotId === undefined ? undefined : slotNames[show.slotId],
      genre,
    };
    const listed = input.labelOrder ?? [];
    const order = [...listed, ...Object.keys(parts).filter((part) => !listed.some((one) => one === part))];
    const label = order.flatMap((part) => parts[part] ?? []).join(";");
    return [{ ...booking, label: label === "" ? "All" : label }];
  });

  const byLabel = Map.groupBy(counted, ({ label }) => label);
  const sorted = [...byLabel.keys()].toSorted((one, other) => (one < other ? -1 : 1));
  const groups = sorted.map((label) => ({ label, ...figuresOf(byLabel.get(label) ?? []) }));
  return { ...figuresOf(counted), groups };
}

function figuresOf(bookings: Booking[]) {
  const amounts = bookings.map(({ amount }) => amount).toSorted((one, other) => one.comparedTo(other));
  const count = amounts.length;
  const sum = amounts.reduce((total, amount) => total.plus(amount), new Decimal(0));
  const rounded = (amount: Decimal) => amount.toDecimalPlaces(2, Decimal.ROUND_HALF_UP).toFixed(2);
  const [lower, upper] = [amounts[Math.ceil(count / 2) - 1], amounts[Math.floor(count / 2)]];
  return {
    totalRevenue: sum.toFixed(2),
    meanRevenue: rounded(count === 0 ? sum : sum.dividedBy(count)),
    medianRevenue: rounded(lower === undefined || upper === undefined ? sum : lower.plus(upper).dividedBy(2)),
    totalBookings: count,
    totalSeatsBooked: bookings.reduce((total, { seats }) => total + seats, 0),
  };
}

const zone = fc.constantFrom(
  "Asia/Kolkata",
  "America/New_York",
  "Europe/Berlin",
  "Pacific/Kiritimati",
  "CET",
  "UTC",
);

// Days on which something ends: clocks change, months, years and ISO weeks that belong to another year.
const lastDays = [
  "2026-03-08",
  "2025-11-02",
  "2025-03-30",
  "2025-10-26",
  "2024-12-29",
  "2024-12-31",
  "2026-02-28",
  "2026-01-04",
];

const day = fc.oneof(
  fc.constantFrom(...lastDays),
  fc
    .integer({ min: 0, max: 900 })
    .map((days) => Temporal.PlainDate.from("2024-01-01").add({ days }).toString()),
);

/** The milliseconds since a midnight, mostly around it. */
const ms = fc.oneof(
  fc.constantFrom(-1, 0, 1, 3_600_000, 5_400_000, 9_000_000),
  fc.integer({ min: 0, max: 86_400_000 }),
);

/** How many days before the question something was booked, mostly where a timeframe may end; or on a certain day. */
const when = fc.oneof(
  fc.constantFrom(-1, 0, 1, 6, 7, 28, 29, 30),
  fc.integer({ min: 100, max: 120 }),
  fc.integer({ min: 330, max: 370 }),
  day,
);

function instantOf(timeZone: string, date: Temporal.PlainDate, msOfDay: number): Date {
  return new Date(date.toZonedDateTime(timeZone).epochMilliseconds + msOfDay);
}

const booking = fc.record({
  when,
  ms,
  paise: fc.oneof(fc.constantFrom(0, 1, 20_000, 20_001), fc.integer({ min: 0, max: 10_000_000 })),
  seats: fc.integer({ min: 1, max: 2 }),
  status: fc.constantFrom<Status[]>(
    "Confirmed",
    "CheckedIn",
    "Confirmed",
    "CheckedIn",
    "Cancelled",
    "Refunded",
    "Expired",
  ),
  show: fc.constantFrom(...shows),
});

const filters = {
  movieId: fc.constantFrom("tt404", ...shows.map(({ movieId }) => movieId)),
  slotId: fc.integer({ min: 1, max: 5 }),
  genre: fc.constantFrom("drama", "SCI-FI", "War", "sci-fI", "Western"),
};
const timeframe = fc.constantFrom(...timeframes);
const month = fc.integer({ min: 1, max: 12 });
const year = fc.integer({ min: 2024, max: 2026 });
const labelOrder = fc.shuffledSubarray([...labelParts]);
const question = fc
  .tuple(
    fc.oneof(fc.record({ timeframe }), fc.record({ month, year }, { requiredKeys: [] })),
    fc.oneof(
      ...Object.entries(filters).map(([name, value]) => fc.record({ [name]: value })),
      fc.record(filters, { requiredKeys: [] }),
    ),
    fc.record({ labelOrder }, { requiredKeys: [] }),
  )
  .map((parts) => Object.assign({}, ...parts) as object);

const everyTimeframe = timeframes.map((one) => ({ timeframe: one }));

test(
  "whatever is booked and asked, the answer is what comes out with paper and calendar, and the groups add up to the totals",
  { timeout: 120_000 },
  async () => {
    let asked = 0;
    let groupsSeen = 0;
    await fc.assert(
      fc.asyncProperty(
        zone,
        day,
        ms,
        fc.array(booking, { maxLength: 40, size: "max" }),
        fc.array(question, { minLength: 8, maxLength: 8 }),
        async (timeZone, today, msOfDay, sales, questions) => {
          const asking = Temporal.PlainDate.from(today);
          const now = instantOf(timeZone, asking, msOfDay);
          const bookings = sales.map((sale) => ({
            ...sale,
            at: instantOf(
              timeZone,
              typeof sale.when === "number"
                ? asking.subtract({ days: sale.when })
                : Temporal.PlainDate.from(sale.when),
              sale.ms,
            ),
            // Nothing is given back of nothing.
            amount: new Decimal(sale.status === "Refunded" ? Math.max(sale.paise, 1) : sale.paise).dividedBy(
              100,
            ),
          }));
          await replaceSales(bookings);
          const settings = { ...app.deps.settings, cinemaTimeZone: timeZone };
          const deps = { ...app.deps, clock: createManualClock(now), settings };
          for (const one of [{}, ...everyTimeframe, ...questions]) {
            const input = revenueInput.parse(one);
            const answer = inText(await reportRevenue(deps, input));
            expect({ one, ...answer }).toEqual({ one, ...workOut(bookings, now, timeZone, input) });
            expect(addUp(answer.groups)).toEqual(addUp([answer]));
            asked += 1;
            groupsSeen += answer.groups.length;
          }
        },
      ),
      { numRuns: 60, seed: 20_270_101 },
    );
    console.log(`Revenue: ${asked} questions with ${groupsSeen} groups, all as worked out by hand.`);
    // Or too many questions would find nothing to compare.
    expect(groupsSeen).toBeGreaterThan(asked / 2);
  },
);

async function replaceSales(bookings: Booking[]): Promise<void> {
  await forgetSales(app);
  await givenSales(
    app,
    bookings.map(({ show, at, amount, seats, status }) => ({
      showId: show.showId,
      at,
      amount: amount.toFixed(2),
      seats,
      status,
    })),
  );
}

type Figures = Omit<Awaited<ReturnType<typeof reportRevenue>>, "groups">;

function inText({ groups, ...all }: Awaited<ReturnType<typeof reportRevenue>>) {
  const texts = ({ totalRevenue, meanRevenue, medianRevenue, ...counts }: Figures) => ({
    totalRevenue: totalRevenue.toFixed(2),
    meanRevenue: meanRevenue.toFixed(2),
    medianRevenue: medianRevenue.toFixed(2),
    ...counts,
  });
  return { ...texts(all), groups: groups.map(({ label, ...figures }) => ({ label, ...texts(figures) })) };
}

function addUp(figures: { totalRevenue: string; totalBookings: number; totalSeatsBooked: number }[]) {
  return {
    revenue: figures.reduce((sum, { totalRevenue }) => sum.plus(totalRevenue), new Decimal(0)).toFixed(2),
    bookings: figures.reduce((sum, { totalBookings }) => sum + totalBookings, 0),
    seats: figures.reduce((sum, { totalSeatsBooked }) => sum + totalSeatsBooked, 0),
  };
}
