import { formatAmount, type Cinema, type Decimal } from "@skyfox/sdk";

/** Money in the cinema's currency: exact, since `Intl` takes the digits as text. */
export function money(amount: Decimal, currency: string): string {
  const format = new Intl.NumberFormat("en-IN", { style: "currency", currency });
  return format.format(formatAmount(amount) as Intl.StringNumericLiteral);
}

/** An instant as a day and a time at the cinema. */
export function dayAndTime(instant: Date, { timeZone }: Pick<Cinema, "timeZone">): string {
  return instant.toLocaleString("en-IN", { timeZone, dateStyle: "medium", timeStyle: "short" });
}

/** An instant as a time at the cinema. */
export function timeOf(instant: Date, { timeZone }: Pick<Cinema, "timeZone">): string {
  return instant.toLocaleTimeString("en-IN", { timeZone, timeStyle: "short" });
}

/** A cinema date such as `2026-03-12` in parts: weekday, day and month. */
export function dateParts(date: string): { weekday: string; day: string; month: string } {
  const part = (options: Intl.DateTimeFormatOptions) =>
    new Date(`${date}T12:00:00Z`).toLocaleDateString("en-IN", { ...options, timeZone: "UTC" });
  return {
    weekday: part({ weekday: "short" }),
    day: part({ day: "numeric" }),
    month: part({ month: "short" }),
  };
}

/** A cinema date in words. */
export function dateInWords(date: string): string {
  const { weekday, day, month } = dateParts(date);
  return `${weekday}, ${day} ${month}`;
}

/** The cinema date so many days after another. */
export function daysAfter(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** What is left of a hold, such as `4:09`; its last second counts until it is over. */
export function minutes(remainingMs: number): string {
  const seconds = Math.ceil(remainingMs / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A wait in words. */
export function wait(seconds: number): string {
  return seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
}

/** `1 seat`, `2 seats`. */
export function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
