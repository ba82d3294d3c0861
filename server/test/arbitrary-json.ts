import fc from "fast-check";

/** What of JSON Schema the document uses. */
interface Schema {
  $ref?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  allOf?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  maxLength?: number;
}

/** Makes values of a schema, most of them as it says and some that are not; ids are often those of `ids`. */
export function createArbitrary(schemas: Record<string, Schema>, ids: () => readonly number[]) {
  const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom("", "0", -1, 1e21, null, []));

  function valuesOf(schema: Schema): fc.Arbitrary<unknown> {
    return fc.oneof({ weight: 12, arbitrary: rightValuesOf(schema) }, { weight: 1, arbitrary: anything });
  }

  function rightValuesOf(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.$ref !== undefined) return rightValuesOf(schemas[schema.$ref.replace(/^.*\//, "")] ?? {});
    const forms = schema.oneOf ?? schema.anyOf;
    if (forms !== undefined) return fc.oneof(...forms.map(rightValuesOf));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    switch ([schema.type].flat()[0]) {
      case "object":
        return objectsOf(schema);
      case "array": {
        const bounds = { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 4, 4) };
        return fc.array(valuesOf(schema.items ?? {}), bounds);
      }
      case "integer":
      case "number":
        return numbersOf(schema);
      case "boolean":
        return fc.boolean();
      case "null":
        return fc.constant(null);
      default:
        return textsOf(schema);
    }
  }

  function objectsOf({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
    const fields = Object.entries(properties).map(([name, field]) => [name, valuesOf(field)] as const);
    return fc.record(Object.fromEntries(fields), { requiredKeys: required });
  }

  function numbersOf({ minimum, exclusiveMinimum, maximum }: Schema): fc.Arbitrary<number> {
    const min = minimum ?? (exclusiveMinimum === undefined ? -5 : exclusiveMinimum + 1);
    const any = fc.integer({ min, max: Math.max(min, Math.min(maximum ?? 2 ** 31, 2 ** 31)) });
    const known = ids();
    return exclusiveMinimum === 0 && known.length > 0 ? fc.oneof(any, fc.constantFrom(...known)) : any;
  }

  return { valuesOf, rightValuesOf };
}

function textsOf({ format, pattern, allOf, minLength, maxLength }: Schema): fc.Arbitrary<string> {
  if (format === "date")
    return fc
      .date({ min: new Date("2026-03-01"), max: new Date("2026-04-01"), noInvalidDate: true })
      .map((date) => date.toISOString().slice(0, 10));
  const form = pattern ?? allOf?.find((part) => part.pattern !== undefined)?.pattern;
  if (form !== undefined) return fc.stringMatching(new RegExp(form, "u"), { maxLength: 40 });
  return fc.string({ minLength: minLength ?? 0, maxLength: Math.min(maxLength ?? 30, 30), unit: "grapheme" });
}
