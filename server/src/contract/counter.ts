import { z } from "zod";
import { nameSchema, phoneNumberSchema } from "./person.ts";
import { seatNumbersSchema } from "./booking.ts";
import { sentAmountSchema } from "./amounts.ts";
import { idSchema } from "./page.ts";

/** What `admin.createBooking` takes: who is at the counter and which seats they get; the amount, if named, must be the price to the paisa. */
export const sellAtCounterInput = z.strictObject({
  /** The show, by the `id` of `show.list`. */
  showId: idSchema,
  /** Who is at the counter, 1 to 70 characters. */
  customerName: nameSchema,
  /** Their phone number, exactly ten digits. */
  phoneNumber: phoneNumberSchema,
  /** One to ten different seats, such as `A1`. */
  seatNumbers: seatNumbersSchema,
  /** The cash that was taken; if sent, it has to be the price exactly. */
  amountPaid: sentAmountSchema.optional(),
});

/** A sale at the counter after the checks: the name as it is kept, the seats in the order in which they were named. */
export type SellAtCounterInput = z.output<typeof sellAtCounterInput>;
