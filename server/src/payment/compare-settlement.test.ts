import { Readable } from "node:stream";
import type { SettlementDifference } from "@skyfox/db";
import { expect, test } from "vitest";
import { refundBooking } from "../booking/refund-booking.ts";
import { givenCustomer, givenStaff } from "../../test/given.ts";
import { givenBooking, givenFunds, givenHold, paymentOf, problemOf } from "../../test/given-money.ts";
import { createTestApp, type TestApp } from "../../test/test-app.ts";
import { payBooking } from "../booking/pay-booking.ts";
import { compareSettlement, type SettlementComparison } from "./compare-settlement.ts";

/** One line of a gateway's file. */
interface Entry {
  key: string;
  reference: string;
  amount: string;
  kind: string;
  time: string;
}

const names = ["key", "reference", "amount", "kind", "time"] as const;

function toCsv(entries: readonly Entry[], columns: readonly (keyof Entry)[] = names): string {
  return [columns.join(","), ...entries.map((entry) => columns.map((name) => entry[name]).join(","))].join(
    "\r\n",
  );
}

/** What the gateway's own books have, as its file would list them; all of it happens at the test's one moment. */
function entriesOf({ gateway, clock }: TestApp): Entry[] {
  const { charges, refunds } = gateway.books();
  const time = clock.now().toISOString();
  const entry = (kind: string) => (one: { key: string; transactionId: string; amount: string }) => ({
    key: one.key,
    reference: one.transactionId,
    amount: one.amount,
    kind,
    time,
  });
  return [...charges.map(entry("charge")), ...refunds.map(entry("refund"))];
}

async function compare(
  app: TestApp,
  csv: string,
): Promise<SettlementComparison & { told: SettlementDifference[] }> {
  const told: SettlementDifference[] = [];
  const compared = await compareSettlement(
    app.deps.db,
    () => Readable.from([csv]),
    (one) => told.push(one),
  );
  expect(told).toHaveLength(compared.differences);
  return { ...compared, told };
}

async function givenDay(app: TestApp) {
  const admin = await givenStaff(app.deps, "admin");
  const give = async (method: "card" | "both", to?: "source" | "wallet") => {
    const { bookingId } = await givenBooking(app, await givenCustomer(app.deps), method);
    if (to !== undefined) await refundBooking(app.deps, admin, { bookingId, to, reason: "Asked for." });
    return await findPayment(app, bookingId);
  };
  const day = {
    byCard: await give("card"),
    byBoth: await give("both"),
    toSource: await give("both", "source"),
    toWallet: await give("card", "wallet"),
  };
  await app.reconcile();
  return day;
}

async function findPayment({ sql }: TestApp, bookingId: number) {
  const [row] = await sql.query(
    "select id, gateway_key as key from payment_transaction where booking_id = $1 order by id desc",
    [bookingId],
  );
  return row as { id: number; key: string };
}

const app = await createTestApp();
const day = await givenDay(app);

test("the gateway's own books are equal to ours, found by key, by reference or by both", async () => {
  const entries = entriesOf(app);
  // Each buyer's card or top-up, and one refund to a card.
  expect(entries.map(({ kind }) => kind)).toEqual([...Array<string>(6).fill("charge"), "refund"]);
  const columns = [
    names,
    names.filter((name) => name !== "key"),
    names.filter((name) => name !== "reference"),
  ];
  for (const some of columns) {
    const { told, lines } = await compare(app, toCsv(entries, some));
    expect({ told, lines }).toEqual({ told: [], lines: 7 });
  }
  const other = entries.map((entry) => ({ ...entry, key: entry.key.toUpperCase() }));
  expect((await compare(app, `\uFEFF${toCsv(other, columns[2])}\r\n\r\n`)).told).toEqual([]);
});

test("each kind of difference is found, with its line", async () => {
  const entries = entriesOf(app);
  const placeOf = (payment: { key: string }) => entries.findIndex(({ key }) => key === payment.key);
  const change = (place: number, by: Partial<Entry>) =>
    entries.splice(place, 1, { ...entries[place]!, ...by });
  const refund = entries.findIndex(({ kind }) => kind === "refund");
  change(placeOf(day.byCard), { amount: "199.99" });
  change(placeOf(day.byBoth), { kind: "refund" });
  entries.push({ ...entries[placeOf(day.toWallet)]! });
  change(refund, { key: "", reference: "txn_other" });
  entries.push({ ...entries[0]!, key: "unheard-of", reference: "", amount: "70.5" });
  entries.splice(placeOf(day.toSource), 1);

  const { told } = await compare(app, toCsv(entries));
  const lineOf = (place: number) => place + 2;
  expect(told.map(({ problem, kind, line, paymentId }) => [problem, kind, line, paymentId])).toEqual([
    ["amount", "charge", lineOf(placeOf(day.byCard)), day.byCard.id],
    ["kind", "refund", lineOf(placeOf(day.byBoth)), day.byBoth.id],
    ["not-in-our-books", "refund", lineOf(entries.length - 3), null],
    ["doubled", "charge", lineOf(entries.length - 2), day.toWallet.id],
    ["not-in-our-books", "charge", lineOf(entries.length - 1), null],
    ["not-in-the-file", "charge", null, day.toSource.id],
    ["not-in-the-file", "refund", null, day.toSource.id],
  ]);
  expect([told[0]?.amount?.toFixed(2), told[0]?.ourAmount?.toFixed(2)]).toEqual(["199.99", "200.00"]);
  expect(told[4]?.amount?.toFixed(2)).toBe("70.50");
});

test("a charge that we learned of after the period belongs to the time of its call", async () => {
  const other = await createTestApp();
  const customer = await givenCustomer(other.deps);
  const first = other.clock.now();
  await givenFunds(other, customer, "10");
  other.clock.advance(60_000);
  await givenFunds(other, customer, "20");
  const [, late] = entriesOf(other);
  await other.sql.query(
    "update payment_transaction set processed_at = started_at + interval '3 hours' where amount = 20",
  );
  const file = [first, new Date(first.getTime() + 3_600_000)].map((time, index) => ({
    ...entriesOf(other)[0]!,
    ...(index === 1 && { key: "unheard-of", reference: "" }),
    time: time.toISOString(),
  }));
  const { told } = await compare(other, toCsv(file));
  expect(told.filter(({ problem }) => problem === "not-in-the-file")).toMatchObject([{ key: late?.key }]);
});

test("the reference of another charge beside our key is told", async () => {
  const entries = entriesOf(app);
  const place = entries.findIndex(({ key }) => key === day.byCard.key);
  const other = entries.find(({ key }) => key === day.toWallet.key)!;
  entries.splice(place, 1, { ...entries[place]!, reference: other.reference });
  const { told } = await compare(app, toCsv(entries));
  expect(told.map(({ problem, line, paymentId }) => [problem, line, paymentId])).toEqual([
    ["reference", place + 2, day.byCard.id],
  ]);
});

test("a charge of a payment that counts as not charged, or is in doubt, and a refund that is not done here are not in our books", async () => {
  const other = await createTestApp();
  const customer = await givenCustomer(other.deps);
  const admin = await givenStaff(other.deps, "admin");
  const refunded = await givenBooking(other, customer, "card");
  await refundBooking(other.deps, admin, {
    bookingId: refunded.bookingId,
    to: "source",
    reason: "Asked for.",
  });
  other.gateway.scriptRefund("error-after-success");
  await other.reconcile();
  const { bookingId } = await givenHold(other, customer);
  other.gateway.script("error-after-success");
  expect(await problemOf(payBooking(other.deps, customer, paymentOf(bookingId, "card")))).toMatchObject({
    code: "PAYMENT_OUTCOME_UNKNOWN",
  });
  const declined = await givenHold(other, customer);
  other.gateway.script("declined");
  await problemOf(payBooking(other.deps, customer, paymentOf(declined.bookingId, "card")));
  const { key } = await findPayment(other, declined.bookingId);
  const charged = {
    key,
    reference: "",
    amount: "200",
    kind: "charge",
    time: other.clock.now().toISOString(),
  };

  const { told } = await compare(other, toCsv([...entriesOf(other), charged]));
  expect(told.map(({ problem, kind, status }) => [problem, kind, status])).toEqual([
    ["not-in-our-books", "charge", "Unknown"],
    ["not-in-our-books", "refund", "refund pending"],
    ["not-in-our-books", "charge", "Declined"],
  ]);
});

test("what is not wholly in the file's period is not missing; what the file has is compared whenever it was", async () => {
  const other = await createTestApp();
  const customer = await givenCustomer(other.deps);
  const start = other.clock.now();
  const pay = async () => await givenFunds(other, customer, "10");
  for (let minute = 0; minute < 5; minute += 1) {
    await pay();
    other.clock.advance(60_000);
  }
  const at = (minutes: number) => new Date(start.getTime() + minutes * 60_000).toISOString();
  const entries = entriesOf(other).map((entry, minute) => ({ ...entry, time: at(minute) }));
  // Of five charges, a minute apart, the file has the second and the fourth, in no order.
  const { told, from, to } = await compare(other, toCsv([entries[3]!, entries[1]!]));
  expect([from, to].map((time) => time.toISOString())).toEqual([at(1), at(3)]);
  expect(told).toMatchObject([{ problem: "not-in-the-file", key: entries[2]?.key }]);
  // The same instants in another zone.
  const inIndia = entries.map((entry) => ({
    ...entry,
    time: Temporal.Instant.from(entry.time).toString({ timeZone: "Asia/Kolkata" }),
  }));
  expect((await compare(other, toCsv(inIndia))).told).toEqual([]);
});

const good: Entry = {
  key: "one",
  reference: "",
  amount: "200.00",
  kind: "charge",
  time: "2026-03-10T12:00:00+05:30",
};

test.each<[string, Partial<Entry>, string]>([
  ["neither key nor reference", { key: " " }, "neither key nor reference"],
  ["a key with a space", { key: "one two" }, "the key is no text"],
  ["a key with a NUL byte", { key: "one\0" }, "the key is no text"],
  ["a reference of 256 characters", { reference: "r".repeat(256) }, "the reference is no text"],
  ["no amount", { amount: "" }, "the amount is not"],
  ["an amount of nothing", { amount: "0.00" }, "the amount is not"],
  ["a negative amount", { amount: "-200.00" }, "the amount is not"],
  ["an amount with three decimals", { amount: "200.005" }, "the amount is not"],
  ["an amount with an exponent", { amount: "1e300000000" }, "the amount is not"],
  ["an amount in other words", { amount: '"1,200.00"' }, "the amount is not"],
  ["another kind", { kind: "CHARGE" }, "the kind is neither"],
  ["a time without a zone", { time: "2026-03-10T12:00:00" }, "the time is not"],
  ["a day that is none", { time: "2026-02-30T12:00:00Z" }, "the time is not"],
  ["a year before all others", { time: "0000-01-01T00:00:00Z" }, "the time is not"],
])("%s is malformed, and named by its line", async (_what, wrong, complaint) => {
  const csv = toCsv([good, { ...good, ...wrong }]);
  await expect(compare(app, csv)).rejects.toThrow(new RegExp(`^Line 3: .*${complaint}`));
});

test("a line with a value too many is malformed", async () => {
  await expect(compare(app, `${toCsv([good])},more`)).rejects.toThrow(
    "Line 2 has 6 values, and line 1 has 5 columns.",
  );
});

test("twenty malformed lines are named, and how many more there are", async () => {
  const csv = toCsv([good, ...Array.from({ length: 25 }, () => ({ ...good, kind: "fee" }))]);
  const { message } = (await compare(app, csv).catch((error: unknown) => error)) as Error;
  const said = message.split("\n");
  expect([said[0], said[19], said[20]]).toEqual([
    "Line 3: the kind is neither charge nor refund.",
    "Line 22: the kind is neither charge nor refund.",
    "5 more lines cannot be read.",
  ]);
});

test.each([
  ["nothing", "", "no entries"],
  ["no entry", "key,amount,kind,time", "no entries"],
  ["no column that names a payment", "amount,kind,time\n1,charge,x", "missing: key or reference"],
  ["no amounts", "key,kind,time\n1,charge,x", "missing: amount"],
  ["a column twice", "key,key,amount,kind,time\n1,1,1,charge,x", "names a column twice: key"],
  ["a quote that is not closed", 'key,amount,kind,time\n"1,1,charge,x\n', "Quote Not Closed"],
])("a file with %s cannot be compared", async (_what, csv, complaint) => {
  await expect(compare(app, csv)).rejects.toThrow(complaint);
});
