import { SuperJSON, type SuperJSONResult } from "superjson";
import { Decimal, formatAmount, parseAmount, parseAnsweredAmount } from "./money.ts";

// Amounts are written alike in both directions, and read more strictly on the way in.
const inputs = /* @__PURE__ */ createSuperjson(parseAmount);
const answers = /* @__PURE__ */ createSuperjson(parseAnsweredAmount);

function createSuperjson(parse: (text: string) => Decimal): SuperJSON {
  const superjson = new SuperJSON({ dedupe: false });
  superjson.registerCustom<Decimal, string>(
    {
      isApplicable: (value): value is Decimal => Decimal.isDecimal(value),
      serialize: formatAmount,
      deserialize: parse,
    },
    "Decimal",
  );
  return superjson;
}

/** How values travel between SDK and server: JSON with Date, undefined and Decimal kept; both sides use this one. */
export const transformer = {
  /** A value that occurs twice is written twice: the server takes no references from a caller. */
  serialize(value: unknown): SuperJSONResult {
    const { json, meta } = answers.serialize(value);
    if (meta?.referentialEqualities === undefined) return meta === undefined ? { json } : { json, meta };
    const { referentialEqualities: _, ...types } = meta;
    return { json, meta: types };
  },

  /** Reads what the server has answered. Throws a RangeError for an amount that is not in the wire form. */
  deserialize(serialized: SuperJSONResult): unknown {
    return answers.deserialize(serialized);
  },
};

/** Reads what a caller has sent. Throws a RangeError for an amount with more than ten digits, or not in the wire form. */
export function deserializeInput(serialized: SuperJSONResult): unknown {
  return inputs.deserialize(serialized);
}
