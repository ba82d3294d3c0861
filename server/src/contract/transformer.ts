import { SuperJSON } from "superjson";
import { Decimal, formatAmount, parseAmount } from "./money.ts";

/** How values travel between SDK and server: JSON with Date, undefined and Decimal kept; both sides use this one instance. */
export const transformer = new SuperJSON({ dedupe: false });

transformer.registerCustom<Decimal, string>(
  {
    isApplicable: (value): value is Decimal => Decimal.isDecimal(value),
    serialize: formatAmount,
    deserialize: parseAmount,
  },
  "Decimal",
);
