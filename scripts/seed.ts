import {
  addToWallet,
  constraints,
  findAccount,
  getFirstScreenId,
  insertAccount,
  insertCustomer,
  insertShowsWhereFree,
  insertStaff,
  inTransaction,
  listSecurityQuestions,
  listSlots,
  saveMovies,
  violatedConstraint,
  type Db,
  type Tx,
  type MovieDetails,
  type NewShow,
} from "@skyfox/db";
import { Decimal } from "decimal.js";
import { createPasswordHasher } from "../server/src/auth/passwords.ts";
import { publishedPasswords } from "../server/src/auth/published-passwords.ts";
import { foldAnswer } from "../server/src/contract/fold.ts";
import type { MovieCatalogue } from "../server/src/movie/ports.ts";
import { showTimes } from "../server/src/show/show-times.ts";
import { openWallet } from "../server/src/wallet/open-wallet.ts";

const days = 21;
const taken: unknown[] = [constraints.username, constraints.email, constraints.phoneNumber];

/** The people of the demo; the rule for new passwords does not bind theirs. */
export const demoStaff = [
  { username: "seed-user-1", name: "Admin One", role: "admin", counterNo: 101 },
  { username: "seed-user-2", name: "Admin Two", role: "admin", counterNo: 102 },
  { username: "staff-1", name: "Staff One", role: "staff", counterNo: 501 },
] as const;

/** The password of each of the demo's staff. */
export const demoPassword = publishedPasswords["staff-1"];

/** The customer of the demo, with money in the wallet that no card was charged for. */
export const demoCustomer = {
  username: "customer.one",
  password: publishedPasswords["customer.one"],
  name: "Customer One",
  email: "customer.one@example.com",
  phoneNumber: "9712345601",
  securityAnswer: "Nautilus",
  funds: "1000.00",
} as const;

/**
 * Puts the demo's staff, its customer and one show per slot for 21 days from today into a migrated database; what is there already stays as
 * it is. Safe to run again, and by two servers at once. While the movie service gives no films no shows are added, and `noFilms` says why.
 */
export async function seedDemo(
  db: Db,
  options: { now: Date; cinemaTimeZone: string; movies: MovieCatalogue },
): Promise<{ newShows: number; noFilms?: string }> {
  for (const person of demoStaff) await addStaff(db, person, options.now);
  await addCustomer(db, options.now);
  const found = await options.movies.list();
  if (found.kind === "unavailable") return { newShows: 0, noFilms: found.reason };
  const { movies } = found;
  if (movies.length === 0) return { newShows: 0, noFilms: "It has none." };
  await saveMovies(db, movies);
  const added = await insertShowsWhereFree(db, await planShows(db, movies, options));
  return { newShows: added.length };
}

async function addStaff(db: Db, person: (typeof demoStaff)[number], now: Date): Promise<void> {
  const { username, role } = person;
  await addAccount(db, { username, role, password: publishedPasswords[username] }, now, (tx) =>
    insertStaff(tx, person),
  );
}

async function addCustomer(db: Db, now: Date): Promise<void> {
  const { username, password, securityAnswer, funds, ...details } = demoCustomer;
  const securityAnswerHash = await createPasswordHasher().hash(foldAnswer(securityAnswer));
  const [question] = await listSecurityQuestions(db);
  if (question === undefined) throw new Error("There are no security questions.");
  await addAccount(db, { username, role: "customer", password }, now, async (tx) => {
    const customer = { username, securityQuestionId: question.id, securityAnswerHash, ...details };
    await insertCustomer(tx, customer);
    await openWallet(tx, username, now);
    const gift = { username, bookingId: null, transactionId: "demo-seed", adopted: true, now };
    await addToWallet(tx, { ...gift, amount: new Decimal(funds) });
  });
}

async function addAccount(
  db: Db,
  account: { username: string; role: "admin" | "staff" | "customer"; password: string },
  now: Date,
  give: (tx: Tx) => Promise<void>,
): Promise<void> {
  const { username, role, password } = account;
  if ((await findAccount(db, username)) !== undefined) return;
  const passwordHash = await createPasswordHasher().hash(password);
  try {
    await inTransaction(db, async (tx) => {
      await insertAccount(tx, { username, passwordHash, role, createdAt: now });
      await give(tx);
    });
  } catch (error) {
    // Another server was faster, or another customer has the address or the number of the demo's.
    if (!taken.includes(violatedConstraint(error))) throw error;
  }
}

async function planShows(
  db: Db,
  movies: MovieDetails[],
  options: { now: Date; cinemaTimeZone: string },
): Promise<NewShow[]> {
  const screenId = await getFirstScreenId(db);
  const slots = await listSlots(db);
  const today = options.now.toTemporalInstant().toZonedDateTimeISO(options.cinemaTimeZone).toPlainDate();
  return Array.from({ length: days }, (_, offset) => today.add({ days: offset })).flatMap((day) =>
    slots.map((slot, position) => {
      // The same day and slot always get the same film and cost, so that two servers plan alike.
      const turn =
        Math.trunc(Date.UTC(day.year, day.month - 1, day.day) / 86_400_000) * slots.length + position;
      const movie = movies[(turn * 7) % movies.length];
      if (movie === undefined) throw new Error("There are no films to show.");
      return {
        movieId: movie.movieId,
        date: day.toString(),
        slotId: slot.id,
        screenId,
        cost: new Decimal(150 + (turn % 16) * 10),
        ...showTimes(day.toString(), slot, options.cinemaTimeZone),
      };
    }),
  );
}
