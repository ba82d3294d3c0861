import { isIP } from "node:net";
import { z } from "zod";

// Each message goes on where the name of its variable ends.
const missing = "is not set; with APP_ENV=production it has to be.";

/** The message for a wrong value; a variable that is not set gets `missing`. */
function said(message: string) {
  return { error: ({ input }: { input: unknown }) => (input === undefined ? missing : message) };
}

/** A text that is read in one go; `read` gives undefined for one that is wrong. */
export function readBy<Value>(read: (text: string) => Value | undefined, message: string) {
  return z.string(said(message)).transform((text, context): Value => {
    const value = read(text);
    if (value !== undefined) return value;
    context.addIssue(message);
    return z.NEVER;
  });
}

/** The variable does not count, whatever it says. */
export const ignored = z
  .unknown()
  .transform(() => undefined)
  .optional();

export const anyText = z.string({ error: missing });

/** A text of one line with so many characters at most. */
export function shortText(longest: number) {
  return readBy((text) => {
    const trimmed = text.trim();
    return trimmed !== "" && trimmed.length <= longest && !/\p{Cc}/u.test(trimmed) ? trimmed : undefined;
  }, `is a text of 1 to ${longest} characters in one line.`);
}

/** Whole numbers within these bounds, both included. */
export function wholeNumber(min: number, max: number) {
  return readBy(
    (text) =>
      /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max ? Number(text) : undefined,
    `is a whole number from ${min} to ${max}.`,
  );
}

export function oneOf<const Value extends string>(...values: Value[]) {
  return z.enum(values, said(`is one of ${values.join(", ")}.`));
}

export function listOf(...words: string[]) {
  const message = `is a list of ${words.join(", ")}, with commas between them.`;
  return z
    .string()
    .transform(entriesOf)
    .refine((list) => list.every((word) => words.includes(word)), message);
}

export const onOrOff = oneOf("on", "off").transform((word) => word === "on");

export const httpUrl = urlWith("http", "https");

export const postgresUrl = urlWith("postgres", "postgresql");

function urlWith(...protocols: string[]) {
  return z.url({
    protocol: new RegExp(`^(${protocols.join("|")})$`),
    ...said(`is not a URL that starts with ${protocols.map((one) => `${one}://`).join(" or ")}.`),
  });
}

export const ownAddress = z
  .string()
  .refine(
    (text) => isIP(text) !== 0 || text === "localhost",
    "is an IP address of this machine, or localhost.",
  );

export const timeZone = z.string().refine(isTimeZone, "is an IANA time zone such as Asia/Kolkata.");

export const currency = z.enum(Intl.supportedValuesOf("currency"), said("is an ISO 4217 code such as INR."));

export const origins = z
  .string()
  .transform(entriesOf)
  .superRefine((list, context) => {
    for (const one of list.filter((origin) => !isOrigin(origin)))
      context.addIssue(`has "${one}", which is not an origin such as https://example.com.`);
  });

/** What stands between the commas of a text. */
export function entriesOf(text: string): string[] {
  return text.split(",").map((entry) => entry.trim());
}

/** Whether a URL is http to another machine. */
export function isPlainAndFar(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
}

function isOrigin(text: string): boolean {
  return URL.parse(text)?.origin === text && !text.includes("*");
}

function isTimeZone(name: string): boolean {
  try {
    // Postgres reads the sign of +05:30 the other way round, and CET as the winter's time all year.
    return (
      /^(UTC$|GMT$|[A-Z][A-Za-z]+\/)/.test(name) &&
      new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== ""
    );
  } catch {
    return false;
  }
}
