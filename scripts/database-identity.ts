import {
  databaseTime,
  findDatabaseIdentity,
  migrateToLatest,
  openDatabase,
  readDatabasePlace,
  replaceDatabaseIdentity,
  sqlState,
} from "@skyfox/db";
import { describePlace } from "../server/src/runtime/database-identity.ts";
import { describeFailure, withDatabase } from "./database.ts";

const usage = `npm run db:identity            say what this database is
npm run db:identity -- live    it is the living one: servers take payments and give money back on it
npm run db:identity -- copy    it is a copy: only servers with BACKGROUND=off run on it`;

const [word, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (word !== undefined && word !== "live" && word !== "copy")) {
  console.error(`A database is live or a copy. These are the commands:\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    await withDatabase((url, cinemaTimeZone) => run(url, cinemaTimeZone, word));
  } catch (error) {
    console.error(describeFailure(error));
    process.exitCode = 1;
  }
}

// undefined_table: the database is older than what is written down.
function undefinedWithoutTable(error: unknown): undefined {
  if (sqlState(error) !== "42P01") throw error;
}

async function run(url: string, cinemaTimeZone: string, wanted: "live" | "copy" | undefined): Promise<void> {
  // A backup may be older than what is written down here. Looking changes nothing.
  if (wanted !== undefined) await migrateToLatest(url, { cinemaTimeZone });
  const db = openDatabase(url, { maxConnections: 1 });
  try {
    const place = await readDatabasePlace(db);
    if (wanted !== undefined) {
      const identity = { ...place, isCopy: wanted === "copy" };
      await replaceDatabaseIdentity(db, identity, await databaseTime(db));
    }
    const known = await findDatabaseIdentity(db).catch(undefinedWithoutTable);
    console.log(`This database is ${describePlace(place)}.`);
    if (known === undefined)
      console.log("Nothing is written down of it: its first server makes it the living one.");
    else if (known.isCopy) console.log(`${describePlace(known)} is a copy: start with BACKGROUND=off.`);
    else console.log(`${describePlace(known)} is the living database.`);
  } finally {
    await db.destroy();
  }
}
