import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createEmptyDatabase } from "../embedded/test-database.ts";
import { constraints as constraintNames } from "../src/constraints.ts";
import { migrateToLatest } from "../src/migrate.ts";
import { migrationDirectory } from "../src/migration-files.ts";
import { readCatalogue } from "./catalogue.ts";
import { openConnection } from "./open-connection.ts";

const options = { cinemaTimeZone: "Asia/Kolkata" };

/** A lived-in SkyFox database at its migration 21, changed by one statement. */
async function givenSkyfox(change = "") {
  const { url } = await createEmptyDatabase();
  const connection = await openConnection(url);
  await connection.query(
    "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)",
  );
  await connection.query("INSERT INTO schema_migrations VALUES (21, false)");
  await connection.query(await readFile(join(migrationDirectory, "0001_skyfox_baseline.up.sql"), "utf8"));
  await connection.query(await readFile(join(import.meta.dirname, "filled-baseline.sql"), "utf8"));
  if (change !== "") await connection.query(change);
  return { url, connection };
}

// What a running SkyFox lets happen, and what the migration says of it.
const problems: [string, string][] = [
  ["duplicate phone number", "UPDATE customertable SET number = '9000000001' WHERE id = 2"],
  ["duplicate email", "UPDATE customertable SET email = 'Customer.One@example.com' WHERE id = 2"],
  ["duplicate staff row", "INSERT INTO stafftable (username, name) VALUES ('staff-1', 'Staff Again')"],
  ["staff account without a staff row", "DELETE FROM stafftable WHERE id = 3"],
  [
    "customer account without a customer row",
    "INSERT INTO usertable (username, password, role) VALUES ('nobody', 'x', 'customer')",
  ],
  ["seat number is not a row letter and a number", "INSERT INTO seat VALUES ('balcony', 'Deluxe')"],
  ["unknown seat type", "UPDATE seat SET seat_type = 'Sofa' WHERE seat_number = 'J1'"],
  ["cost out of bounds", "UPDATE show SET cost = 'NaN' WHERE id = 6"],
  ["booking without a show", "UPDATE booking SET show_id = NULL WHERE id = 8"],
  ["counter booking of an unknown customer", "UPDATE booking SET customer_id = 424242 WHERE id = 2"],
  ["number of seats does not match the seats", "UPDATE booking SET no_of_seats = 3 WHERE id = 4"],
  ["seat twice in one booking", "UPDATE booking_seat_mapping SET seat_number = 'A1' WHERE booking_id = 1"],
  ["seat sold or held twice", "UPDATE booking_seat_mapping SET seat_number = 'B1' WHERE booking_id = 4"],
  ["amount out of bounds", "UPDATE booking SET amount_paid = -1 WHERE id = 2"],
  ["unknown payment status", "UPDATE payment_transaction SET status = 'PERHAPS' WHERE booking_id = 7"],
  [
    "paid booking without exactly one successful payment",
    "DELETE FROM payment_transaction WHERE booking_id = 1",
  ],
  ["payment differs from the booking", "UPDATE payment_transaction SET amount = 399 WHERE booking_id = 1"],
  [
    "money taken for a booking that is not confirmed",
    "UPDATE payment_transaction SET status = 'SUCCESS' WHERE booking_id = 7",
  ],
  ["wallet does not add up", "UPDATE customer_wallet SET balance = 501 WHERE id = 1"],
  ["wallet out of bounds", "UPDATE customer_wallet SET balance = 'NaN' WHERE id = 3"],
  [
    "wallet transaction of another customer",
    "UPDATE wallet_transaction SET username = 'customer-3' WHERE wallet_id = 4",
  ],
  [
    "wallet once below zero or above its bound",
    "UPDATE wallet_transaction SET amount = 600 WHERE transaction_id = 'wallet-0002'; UPDATE customer_wallet SET balance = 300 WHERE id = 1",
  ],
];

describe("a row that breaks a rule stops the adoption, by name, before anything is changed:", () => {
  test.each(problems)("%s", async (rule, change) => {
    const { url, connection } = await givenSkyfox(change);
    const before = await readCatalogue(connection);
    await expect(migrateToLatest(url, options)).rejects.toThrow(`${rule}: `);
    expect(await readCatalogue(connection)).toEqual(before);
    await connection.end();
  });

  test("all of them are listed at once", async () => {
    const { url, connection } = await givenSkyfox(
      "UPDATE customertable SET number = '9000000001' WHERE id = 2; UPDATE customer_wallet SET balance = 501 WHERE id = 1",
    );
    const failure = migrateToLatest(url, options).catch((error: unknown) => String(error));
    const message = await failure;
    expect(message).toContain("2 rows of this database break a rule");
    expect(message).toContain("duplicate phone number: customertable: 9000000001: customer-1, customer-2");
    expect(message).toContain(
      "wallet does not add up: customer_wallet 1: balance 501.00, transactions 500.00",
    );
    await connection.end();
  });
});

test("an adopted database gets the instants, claims, states and amounts that its rows stand for", async () => {
  const { url, connection } = await givenSkyfox();
  await migrateToLatest(url, options);
  const one = async (query: string) => (await connection.query(query))[0];

  expect(
    await one(
      "SELECT (starts_at AT TIME ZONE 'Asia/Kolkata')::text = date || ' 20:30:00' AS starts, ends_at - starts_at = interval '3 hours' AS ends FROM show WHERE id = 4",
    ),
  ).toEqual({ starts: true, ends: true });
  expect(await connection.query("SELECT movie_id, title, runtime_minutes FROM movie ORDER BY 1")).toEqual(
    ["tt0068646", "tt0111161", "tt0468569"].map((id) => ({ movie_id: id, title: id, runtime_minutes: null })),
  );
  const bookings = await connection.query(
    "SELECT id, status, amount_due::text AS due, amount_paid::text AS paid, payment_type AS by, wallet_amount::text AS wallet, card_amount::text AS card, hold_slot AS slot FROM booking ORDER BY id",
  );
  expect(bookings.map((row) => Object.values(row).join(" "))).toEqual([
    "1 CheckedIn 400.00 400.00 Card 0.00 400.00 ",
    "2 CheckedIn 350.00 350.00 Cash 0.00 0.00 ",
    "3 Confirmed 510.00 510.00 Wallet 510.00 0.00 ",
    "4 Confirmed 400.00 400.00 Wallet 400.00 0.00 ",
    "5 Confirmed 750.00 750.00 Card 0.00 750.00 ",
    "6 Confirmed 1200.00 1200.00 Cash 0.00 0.00 ",
    "7 Pending 600.00 0.00  0.00 0.00 1",
    "8 Expired 150.00 0.00  0.00 0.00 ",
  ]);
  expect(
    await connection.query(
      "SELECT b.id, checked_in_by AS by, checked_in_at = starts_at AS at_start FROM booking b JOIN show ON show.id = b.show_id WHERE checked_in_at IS NOT NULL ORDER BY 1",
    ),
  ).toEqual([1, 2].map((id) => ({ id, by: "(not recorded)", at_start: true })));
  expect(
    await connection.query(
      "SELECT booking_id AS id, count(*)::int AS seats, bool_and(free_after IS NULL) AS sold FROM seat_claim GROUP BY 1 ORDER BY 1",
    ),
  ).toEqual([
    { id: 1, seats: 2, sold: true },
    { id: 2, seats: 1, sold: true },
    { id: 3, seats: 2, sold: true },
    { id: 4, seats: 1, sold: true },
    { id: 5, seats: 3, sold: true },
    { id: 6, seats: 4, sold: true },
    { id: 7, seats: 2, sold: false },
  ]);
  expect(
    await connection.query("SELECT email, profile_img FROM customertable WHERE id IN (1, 3) ORDER BY id"),
  ).toEqual([
    { email: "customer.one@example.com", profile_img: "profile-images/customer-1.jpg" },
    { email: "customer.three@example.com", profile_img: null },
  ]);
  expect(
    await connection.query(
      "SELECT balance_after::text AS after FROM wallet_transaction WHERE wallet_id = 1 ORDER BY id",
    ),
  ).toEqual([{ after: "100.00" }, { after: "400.00" }, { after: "0.00" }, { after: "500.00" }]);
  expect(await connection.query("SELECT * FROM integrity_violation")).toEqual([]);
  await connection.end();
});

test("constraints that the older database named differently are found, and end with the names that the code reacts to", async () => {
  const { url, connection } = await givenSkyfox();
  const constraints = await connection.query(
    "SELECT conrelid::regclass::text AS owner, conname AS name FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'",
  );
  let number = 0;
  for (const { owner, name } of constraints) {
    number += 1;
    const renamed =
      /show_slot|_fkey|customer_wallet_balance|customertable_email_key|usertable_username_key/.test(
        String(name),
      );
    if (renamed)
      await connection.query(
        `ALTER TABLE ${String(owner)} RENAME CONSTRAINT ${String(name)} TO named_by_somebody_${number}`,
      );
  }
  await migrateToLatest(url, options);
  const reactedTo = Object.values(constraintNames);
  const found = await connection.query("SELECT conname AS name FROM pg_constraint WHERE conname = ANY($1)", [
    reactedTo,
  ]);
  const indexes = await connection.query(
    "SELECT relname AS name FROM pg_class WHERE relname = ANY($1) AND relkind = 'i'",
    [reactedTo],
  );
  // A rule of bookings is named by the function that their check calls.
  const rules = await connection.query(
    "SELECT name FROM unnest($1::text[]) AS name WHERE EXISTS (SELECT FROM pg_proc WHERE proname = 'check_booking' AND prosrc LIKE format('%%THEN %L%%', name))",
    [reactedTo],
  );
  expect(new Set([...found, ...indexes, ...rules].map(({ name }) => name))).toEqual(new Set(reactedTo));
  const checks = await connection.query(
    "SELECT conname AS name FROM pg_constraint WHERE conname LIKE '%_rules' ORDER BY 1",
  );
  expect(checks.map(({ name }) => name)).toEqual(["booking_rules", "payment_transaction_rules"]);
  expect(await connection.query("SELECT * FROM integrity_violation")).toEqual([]);
  await connection.end();
});

test("shows of an adopted database that overlap stay, and the first of them keeps the screen", async () => {
  // The afternoon overlaps the morning, the evening the afternoon; the night touches the evening.
  const { url, connection } = await givenSkyfox(`
    UPDATE slot SET start_time = '11:00', end_time = '16:31' WHERE id = 2;
    UPDATE slot SET end_time = '20:30' WHERE id = 3;
    INSERT INTO show (id, movie_id, date, slot_id, cost)
    SELECT 100 + id, 'tt0111161', '2030-01-01', id, 200 FROM slot`);
  await migrateToLatest(url, options);
  expect(
    await connection.query("SELECT id, shares_screen AS shares FROM show WHERE id > 100 ORDER BY id"),
  ).toEqual([
    { id: 101, shares: false },
    { id: 102, shares: true },
    { id: 103, shares: true },
    { id: 104, shares: false },
  ]);
  await connection.end();
});
