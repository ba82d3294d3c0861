import { SuperJSON, type SuperJSONResult } from "superjson";
import { Decimal, formatAmount, parseAmount } from "./money.ts";

const superjson = new SuperJSON({ dedupe: false });

superjson.registerCustom<Decimal, string>(
  {
    isApplicable: (value): value is Decimal => Decimal.isDecimal(value),
    serialize: formatAmount,
    deserialize: parseAmount,
  },
  "Decimal",
);

/** How values travel between SDK and server: JSON with Date, undefined and Decimal kept; both sides use this one instance. */
export const transformer = {
  /** A value that occurs twice is written twice: the server takes no references from a caller. */
  serialize(value: unknown): SuperJSONResult {
    const { json, meta } = superjson.serialize(value);
    if (meta?.referentialEqualities === undefined) return meta === undefined ? { json } : { json, meta };
    const { referentialEqualities: _, ...types } = meta;
    return { json, meta: types };
  },

  /** Throws a RangeError for an amount that is not in the wire form. */
  deserialize(serialized: SuperJSONResult): unknown {
    return superjson.deserialize(serialized);
  },
};
