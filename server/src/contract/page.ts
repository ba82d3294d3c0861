import { z } from "zod";
import { defaultPageSize, maxPageSize } from "./constants.ts";

/** The id of a row: a positive whole number. */
export const idSchema = z.int().positive();

/** What every list that can grow takes: how many items, and the cursor of the page before. */
export const pageFields = {
  /** Items at most, from 1 to `maxPageSize`; `defaultPageSize` when left out. */
  limit: z.int().min(1).max(maxPageSize).default(defaultPageSize),
  /** The `nextCursor` of the page before, unchanged; null or left out for the first page. */
  cursor: z.string().max(100).nullish(),
  /** Where to go from there: only forward. The infinite queries of tRPC send it. */
  direction: z.literal("forward", "Lists are read forward only.").optional(),
};

/** What such a list returns: its items, and the cursor of the next page or null on the last one. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    /** The items of this page. */
    items: z.array(item),
    /** The `cursor` of the next page; null on the last one. */
    nextCursor: z.string().nullable(),
  });
}

/** The input of a procedure that takes none; it may be left out. */
export const noInput = z.strictObject({}).optional();
