import { insertAccount, insertCustomer, insertSession, insertStaff, insertWallet } from "@skyfox/db";
import { createPasswordHasher } from "../src/auth/passwords.ts";
import type { PasswordHasher } from "../src/auth/ports.ts";
import type { Role } from "../src/contract/index.ts";
import type { Deps, User } from "../src/deps.ts";
import type { TestApp } from "./test-app.ts";

/** The password of all people in the tests. */
export const testPassword = "Correct-Horse-9";

/** The security answer of all people in the tests. */
export const testAnswer = "A Brown Fox";

const hashesOfHashers = new WeakMap<PasswordHasher, { password: Promise<string>; answer: Promise<string> }>();
let people = 0;

/** What people are made with; without a hasher their passwords are hashed as in production. */
type PeopleDeps = Pick<Deps, "db" | "clock"> & { passwords?: PasswordHasher };

const productionHasher = createPasswordHasher();

/** Customers with an empty wallet and a session each, without the cost of hashing for every one. */
export async function givenCustomers(deps: PeopleDeps, count: number): Promise<User[]> {
  return await Promise.all(Array.from({ length: count }, () => givenPerson(deps, "customer")));
}

export async function givenCustomer(deps: PeopleDeps): Promise<User> {
  return await givenPerson(deps, "customer");
}

export async function givenStaff(deps: PeopleDeps, role: "staff" | "admin"): Promise<User> {
  return await givenPerson(deps, role);
}

async function givenPerson(deps: PeopleDeps, role: Role): Promise<User> {
  people += 1;
  const number = people;
  const username = `${role}-${number}`;
  const hashes = hashesOf(deps.passwords ?? productionHasher);
  const [hash, answer] = await Promise.all([hashes.password, hashes.answer]);
  const now = deps.clock.now();
  const session = { id: crypto.randomUUID(), username, createdAt: now, expiresAt: hoursLater(now, 24) };
  await deps.db.transaction().execute(async (tx) => {
    await insertAccount(tx, { username, passwordHash: hash, role, createdAt: now });
    if (role === "customer") {
      await insertCustomer(tx, {
        username,
        name: `Customer ${number}`,
        email: `${username}@example.com`,
        phoneNumber: String(9_000_000_000 + number),
        securityQuestionId: 1,
        securityAnswerHash: answer,
      });
      await insertWallet(tx, username, now);
    } else {
      await insertStaff(tx, { username, name: `Staff ${number}`, counterNo: number });
    }
    await insertSession(tx, session);
  });
  return { username, role, sessionId: session.id, address: addressOf(number), requestId: "of-the-tests" };
}

/** The hashes of what all people know, made once per hasher. */
function hashesOf(passwords: PasswordHasher) {
  const known = hashesOfHashers.get(passwords);
  if (known !== undefined) return known;
  const hashes = {
    password: passwords.hash(testPassword),
    answer: passwords.hash(testAnswer.toLowerCase()),
  };
  hashesOfHashers.set(passwords, hashes);
  return hashes;
}

// Each person calls from an address of their own, so that none uses up the limits of another.
function addressOf(number: number): string {
  return `10.${number >> 16}.${(number >> 8) & 0xff}.${number & 0xff}`;
}

/** The token of a person's session, as login would have given it. */
export async function tokenOf(deps: Deps, user: User): Promise<string> {
  const now = deps.clock.now();
  return await deps.tokens.sign({
    sessionId: user.sessionId,
    username: user.username,
    role: user.role,
    issuedAt: now,
    expiresAt: hoursLater(now, 24),
  });
}

export interface GivenShow {
  /** Cinema date; today in the tests is 2026-03-10. */
  date?: string;
  /** 1 Morning 08:30, 2 Afternoon 12:30, 3 Evening 16:30, 4 Night 20:30. */
  slotId?: number;
  cost?: string;
  cancelReason?: string;
  /** Unless named, the show has a screen of its own. */
  screenId?: number;
}

/** A database and a server on it. */
type CinemaOfATest = Pick<TestApp, "sql"> & { deps: Pick<Deps, "clock" | "settings"> };

let films = 0;

/** A show of a film of its own; by default on a screen of its own with the first screen's seats, A1 to J10, A to E Standard. */
export async function givenShow(app: CinemaOfATest, show: GivenShow = {}): Promise<number> {
  films += 1;
  const movieId = `tt${String(films).padStart(7, "0")}`;
  await app.sql.query(
    "insert into movie (movie_id, title, runtime_minutes, plot, imdb_rating, poster_url, genres) values ($1, $2, 120, 'A plot.', '7.5', 'http://localhost/poster.svg', '{Drama}')",
    [movieId, `Film ${films}`],
  );
  const [row] = await app.sql.query(
    `insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at, cancelled_at, cancel_reason)
     select $1, $2::date, slot.id, $4::numeric, $8::bigint, ($2::date + slot.start_time) at time zone $6,
       ($2::date + slot.end_time) at time zone $6, case when $5::text is not null then $7::timestamptz end, $5::text
     from slot where slot.id = $3::bigint returning id`,
    [
      movieId,
      show.date ?? "2026-03-11",
      show.slotId ?? 3,
      show.cost ?? "200.00",
      show.cancelReason ?? null,
      app.deps.settings.cinemaTimeZone,
      app.deps.clock.now(),
      show.screenId ?? (await givenScreen(app)),
    ],
  );
  return row?.["id"] as number;
}

/** Another screen with the first one's layout. */
export async function givenScreen(app: CinemaOfATest): Promise<number> {
  const [row] = await app.sql.query(
    `with added as (insert into screen (name) values ('Screen ' || gen_random_uuid()) returning id),
       seats as (
         insert into seat (screen_id, seat_number, seat_type, row_label, column_number)
         select added.id, seat_number, seat_type, row_label, column_number from added, seat where screen_id = 1
       )
     select id from added`,
  );
  return row?.["id"] as number;
}

/** A card that the gateway accepts, in date for as long as these tests will run. */
export const goodCard = {
  number: "4242424242424242",
  cvv: "123",
  expiryMonth: "12",
  expiryYear: "39",
  cardholderName: "Customer One",
};

/** The card that the gateway always declines. */
export const declinedCard = { ...goodCard, number: "4000000000000002" };

function hoursLater(time: Date, hours: number): Date {
  return new Date(time.getTime() + hours * 3_600_000);
}

/** That many pending holds of one seat each, due at one moment, on shows of their own: written straight into the tables. */
export async function givenPendingHolds(app: TestApp, count: number, expiresAt: Date): Promise<void> {
  const { username } = await givenCustomer(app.deps);
  const screenId = await givenScreen(app);
  await app.sql.query(
    "insert into movie (movie_id, title) values ('tt9999999', 'Many Holds') on conflict do nothing",
  );
  await app.sql.query(
    `create temporary table hold as
     with many as (
       insert into show (movie_id, date, slot_id, cost, screen_id, starts_at, ends_at)
       select 'tt9999999', day::date, 1, 200, $1, day + interval '3 hours', day + interval '6 hours'
       from generate_series('2030-01-01'::timestamptz, '2030-01-01'::timestamptz + interval '1 day' * ($2::int / 100 - 1), '1 day') day
       returning id, date
     )
     select nextval(pg_get_serial_sequence('booking', 'id')) as id, many.id as show_id, many.date, seat.seat_number
     from many, seat where seat.screen_id = $1`,
    [screenId, count],
  );
  await app.sql.query(
    `insert into booking (id, date, show_id, no_of_seats, amount_due, amount_paid, status, booking_time, customer_username, expires_at, hold_slot)
     select id, date, show_id, 1, 200, 0, 'Pending', $1, $2, $3, row_number() over () from hold`,
    [app.clock.now(), username, expiresAt],
  );
  await app.sql.query(
    "insert into booking_seat_mapping (booking_id, show_id, screen_id, seat_number) select id, show_id, $1, seat_number from hold",
    [screenId],
  );
  await app.sql.query(
    "insert into seat_claim (show_id, seat_number, booking_id, free_after) select show_id, seat_number, id, $1 from hold",
    [expiresAt],
  );
  await app.sql.query("drop table hold");
  await app.sql.query("analyze");
}
