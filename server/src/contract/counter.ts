import { z } from "zod";
import { nameSchema, phoneNumberSchema } from "./auth.ts";
import { seatNumbersSchema } from "./booking.ts";
import { sentAmountSchema } from "./amounts.ts";
import { idSchema } from "./page.ts";

/** What `admin.createBooking` takes: who is at the counter and which seats they get; the amount, if named, must be the price to the paisa. */
export const sellAtCounterInput = z.strictObject({
  showId: idSchema,
  customerName: nameSchema,
  phoneNumber: phoneNumberSchema,
  seatNumbers: seatNumbersSchema,
  amountPaid: sentAmountSchema.optional(),
});

/** A sale at the counter after the checks: the name as it is kept, the seats in the order in which they were named. */
export type SellAtCounterInput = z.output<typeof sellAtCounterInput>;
