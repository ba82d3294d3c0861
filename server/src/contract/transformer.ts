import { Decimal, formatAmount, parseAmount, parseAnsweredAmount } from "./money.ts";

/** What JSON has no form for: the type of one value, as SuperJSON names it. */
type WireType = ["Date"] | ["undefined"] | [["custom", "Decimal"]];

/** Types by the path of their value, such as `shows.0.startsAt`; dots and backslashes in a name have a backslash before them. */
type WireTypes = Record<string, WireType>;

/** A value as it travels, in SuperJSON's form: its JSON, and the types of values in it, or its own. */
export interface Serialized {
  json: unknown;
  meta?: { values?: WireType | WireTypes; v?: 1 };
}

/** How values travel between SDK and server: JSON with Date, undefined and Decimal kept; both sides use this one. */
export const transformer = {
  /**
   * What JSON leaves out or makes null of, such as a function or NaN, it does here, too; a value that occurs twice is written twice. Throws a
   * TypeError for what JSON would make something else of, such as a Map, a bigint or what has a `toJSON`.
   */
  serialize(value: unknown): Serialized {
    const { json, types } = write(value, "");
    return types === undefined ? { json } : { json, meta: { values: types, v: 1 } };
  },

  /** Reads what the server has answered, and leaves it as it is. Throws a RangeError for what is not in the wire form. */
  deserialize(serialized: Serialized): unknown {
    return read(serialized, parseAnsweredAmount);
  },
};

/** Makes an amount of what stands at a path. Throws a RangeError for what is none. */
export type ReadAmount = (json: unknown, path: string) => Decimal;

/**
 * Reads what a caller has sent, with amounts by `readAmount`. Throws a RangeError for what is not in the wire form, such as an amount with more
 * than ten digits.
 */
export function deserializeInput(serialized: Serialized, readAmount: ReadAmount = parseAmount): unknown {
  return read(serialized, readAmount);
}

/** Names that would reach a prototype. */
export const forbiddenNames: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** A list or an object. */
type Parent = Record<string, unknown>;

interface Written {
  json: unknown;
  types?: WireType | WireTypes | undefined;
}

function write(value: unknown, name: string): Written {
  if (value === undefined) return { json: null, types: ["undefined"] };
  if (value === null || (typeof value !== "object" && typeof value !== "bigint")) return { json: value };
  if (Decimal.isDecimal(value)) return { json: formatAmount(value), types: [["custom", "Decimal"]] };
  // Also of an object of another realm; of a class of the caller's it is Object.
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (kind === "Date") return writeDate(value as Date);
  const isPlain =
    kind === "Array" || (kind === "Object" && typeof (value as Parent)["toJSON"] !== "function");
  if (isPlain) return writeParts(value as Parent);
  const place = name === "" ? "A value" : `The value of "${name}"`;
  throw new TypeError(`${place} is a ${kind}. Only what JSON has, Date, Decimal and undefined can be sent.`);
}

function writeDate(date: Date): Written {
  return Number.isNaN(date.getTime()) ? { json: null } : { json: date.toISOString(), types: ["Date"] };
}

function writeParts(value: Parent): Written {
  const json = (Array.isArray(value) ? [] : {}) as Parent;
  const types: WireTypes = {};
  let isTyped = false;
  for (const name of Object.keys(value)) {
    if (forbiddenNames.has(name)) throw new TypeError(`A field cannot have the name "${name}".`);
    const part = write(value[name], name);
    json[name] = part.json;
    if (part.types === undefined) continue;
    isTyped = true;
    const path = /[\\.]/.test(name) ? name.replaceAll(/[\\.]/g, String.raw`\$&`) : name;
    if (Array.isArray(part.types)) types[path] = part.types;
    else for (const [below, type] of Object.entries(part.types)) types[`${path}.${below}`] = type;
  }
  return isTyped ? { json, types } : { json };
}

function read({ json, meta }: Serialized, readAmount: ReadAmount): unknown {
  const types = typesIn(meta);
  if (types === undefined) return json;
  if (Array.isArray(types)) return readAs(types, json, "", readAmount);
  const whole: Parent = { "": json };
  const copies = new Map([[whole, { ...whole }]]);
  for (const [path, type] of Object.entries(types)) {
    let parent = whole;
    let name = "";
    for (const below of namesIn(path)) {
      parent = copyPart(parent, name, copies);
      name = below;
      // Own parts only, and not the length of a list.
      if (forbiddenNames.has(name) || !Object.prototype.propertyIsEnumerable.call(parent, name)) throw lost();
    }
    copies.get(parent)![name] = readAs(type, parent[name], path, readAmount);
  }
  return copies.get(whole)![""];
}

function typesIn(meta: unknown): object | undefined {
  if (meta === undefined) return undefined;
  if (isParent(meta)) {
    const { values, v = 1, ...others } = meta;
    const isKnown = v === 1 && Object.keys(others).length === 0;
    if (isKnown && (values === undefined || isParent(values))) return values;
  }
  throw new RangeError("The type information has another form.");
}

function readAs(type: unknown, json: unknown, path: string, readAmount: ReadAmount): unknown {
  if (Array.isArray(type) && type.length === 1) {
    const [name] = type as unknown[];
    if (name === "undefined" && (json ?? null) === null) return undefined;
    if (name === "Date" && typeof json === "string") return new Date(json);
    if (Array.isArray(name) && name.length === 2 && name[0] === "custom" && name[1] === "Decimal")
      return readAmount(json, path);
  }
  throw new RangeError("A value has a type that is unknown, or is not of its type.");
}

// What is read may be read again: of lists and objects on the way to what has a type there is one copy each, which stands in that of its parent.
function copyPart(parent: Parent, name: string, copies: Map<Parent, Parent>): Parent {
  const part = parent[name];
  if (!isParent(part)) throw lost();
  const copy = copies.get(part) ?? ((Array.isArray(part) ? [...(part as unknown[])] : { ...part }) as Parent);
  copies.set(part, copy);
  copies.get(parent)![name] = copy;
  return part;
}

function namesIn(path: string): string[] {
  if (!path.includes("\\")) return path.split(".");
  const names = [""];
  // A character, or a backslash and what comes after it.
  for (const sign of path.match(/\\?./gsu) ?? []) {
    if (sign === ".") names.push("");
    else if (/^\\[^\\.]?$/su.test(sign)) throw lost();
    else names[names.length - 1] += sign.replace("\\", "");
  }
  return names;
}

function lost(): RangeError {
  return new RangeError("A type is given for a value that is not there.");
}

function isParent(value: unknown): value is Parent {
  return typeof value === "object" && value !== null;
}
