import { z } from "zod";
import { sumSchema } from "./amounts.ts";
import { labelParts, timeframes } from "./choices.ts";
import { idSchema } from "./page.ts";

/**
 * What `admin.revenue` takes. Bookings count by the time at which they were made. A timeframe makes a group of each day of the last 30, each
 * ISO week of the last 16, each month of the last 12, or each year there is; a month without a year is that month of every year.
 */
export const revenueInput = z
  .strictObject({
    /** Groups by calendar period: the last 30 days, 16 ISO weeks, 12 months, or every year. Not together with `month` or `year`. */
    timeframe: z.enum(timeframes).optional(),
    /** Only bookings made in this month, 1 to 12; without `year`, of every year. */
    month: z.int().min(1).max(12).optional(),
    /** Only bookings made in this year of the cinema's calendar. */
    year: z.int().min(1).max(9_999).optional(),
    /** Only bookings of this film, by its IMDb id. */
    movieId: z.string().min(1).max(30).optional(),
    /** Only bookings of shows in this slot. */
    slotId: idSchema.optional(),
    /** Written in upper or lower case; a label has it as the movie has it. */
    genre: z.string().min(1).max(100).optional(),
    /** The order of the parts in a group's label; each at most once. */
    labelOrder: z
      .array(z.enum(labelParts))
      .refine(
        (parts) => new Set(parts).size === parts.length,
        "Name each part of the label once, or leave it out.",
      )
      .optional(),
  })
  .superRefine(({ timeframe, month, year }, context) => {
    if (timeframe === undefined || (month === undefined && year === undefined)) return;
    const reason = "A timeframe cannot be combined with a month or a year: leave one of them out.";
    const domain = { code: "INVALID_PARAMS", details: { reason } };
    context.addIssue({ code: "custom", path: ["timeframe"], message: reason, params: { domain } });
  })
  .prefault({});

/** Which bookings are summed up, and how their groups are named. */
export type RevenueInput = z.output<typeof revenueInput>;

const figures = {
  /** What the bookings have brought together, in the cinema's currency. */
  totalRevenue: sumSchema,
  /** Rounded half-up to two decimals, as the median of an even number of bookings is. */
  meanRevenue: sumSchema,
  /** The middle booking's amount; of an even number, the mean of the two in the middle. */
  medianRevenue: sumSchema,
  /** Bookings that count. */
  totalBookings: z.int(),
  /** Seats of these bookings. */
  totalSeatsBooked: z.int(),
};

/**
 * What `admin.revenue` answers: what all the bookings asked for have brought, and the same of each group that has any, by label, compared
 * letter by letter (Unicode's order). Without bookings everything is zero and there are no groups.
 */
export const revenueOutput = z.object({
  ...figures,
  /** The same of each group that has any bookings, by label. */
  groups: z.array(
    z.object({
      /** What the group's bookings have in common, such as `2026-03` or a film's title. */
      label: z.string(),
      ...figures,
    }),
  ),
});

/** What bookings have brought, all together and group by group. */
export type Revenue = z.output<typeof revenueOutput>;
