import { Decimal, deluxeSurcharge, formatAmount, type RouterOutputs } from "@skyfox/sdk";

type Show = RouterOutputs["show"]["list"][number];

/** What each type of seat costs. */
export function pricesOf({ cost }: Show): { Standard: Decimal; Deluxe: Decimal } {
  return { Standard: cost, Deluxe: cost.plus(new Decimal(deluxeSurcharge)) };
}

/** A card with this number, good for a while. */
export function cardOf(number: string) {
  const expiryYear = String(new Date().getUTCFullYear() + 2).slice(-2);
  return { number, cvv: "123", expiryMonth: "12", expiryYear, cardholderName: "Demo Guest" };
}

/** A card number as it may be shown. */
export function maskOf(cardNumber: string): string {
  return `•••• ${cardNumber.slice(-4)}`;
}

/** An amount as it is written here. */
export function rupees(amount: Decimal): string {
  return `₹${formatAmount(amount)}`;
}

/** A cinema date in words. */
export function dayOf(date: string): string {
  return Temporal.PlainDate.from(date).toLocaleString("en-GB", {
    weekday: "short",
    day: "numeric",
    month: "short",
  });
}

/** The time of day in the cinema's zone, which a show tells by giving its start both as an instant and as a local time. */
export function cinemaTime({ date, slot, startsAt }: Show, at: Date): string {
  const offsetMs = Date.parse(`${date}T${slot.startTime}Z`) - startsAt.getTime();
  return new Date(at.getTime() + offsetMs).toISOString().slice(11, 19);
}
