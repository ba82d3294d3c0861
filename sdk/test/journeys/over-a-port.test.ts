import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "@skyfox/db";
import { createTestDatabase } from "@skyfox/db/test-database";
import { afterAll, expect, test } from "vitest";
import { startMovieService } from "../../../scripts/sandbox/movie-service.ts";
import { startPaymentGateway } from "../../../scripts/sandbox/payment-gateway.ts";
import { seedDemo } from "../../../scripts/seed.ts";
import { readConfig } from "../../../server/src/config.ts";
import { connectMovieService } from "../../../server/src/movie/movie-service.ts";
import { serve } from "../../../server/src/serve.ts";
import { goodCard } from "../../../server/test/given.ts";
import { createManualClock } from "../../../server/test/manual-clock.ts";
import { createMemoryLogger } from "../../../server/test/memory-logger.ts";
import { testTicketKeys } from "../../../server/test/test-app.ts";
import { createSkyfoxClient, domainErrorOf, isSkyfoxError } from "../../src/index.ts";
import { errorOf, newCustomer } from "../connect.ts";

const sandboxKey = "sandbox-key-of-the-tests";
const { url: databaseUrl } = await createTestDatabase();
const gateway = await startPaymentGateway({ apiKey: sandboxKey });
afterAll(() => gateway.stop());
const { apiKeys, cinemaTimeZone, ...settings } = readConfig({});
// No picture is uploaded here.
const imageFolder = join(tmpdir(), "skyfox-without-pictures");
const apiKey = apiKeys[0]?.key ?? "";

test("a ticket is bought over the network, and a server that stops finishes the payment under way", async () => {
  await seedShows();
  const logger = createMemoryLogger();
  const server = await serve(
    {
      ...settings,
      apiKeys,
      cinemaTimeZone,
      databaseUrl,
      imageFolder,
      ticketSigningKeys: testTicketKeys,
      port: 0,
      paymentGateway: { url: gateway.url, apiKey: sandboxKey },
    },
    logger,
  );
  let closing: Promise<void> | undefined;
  let token: string | null = null;
  const skyfox = createSkyfoxClient({ url: `${server.url}/`, apiKey, token: () => token, retries: 0 });
  try {
    const customer = newCustomer();
    await skyfox.auth.signup.mutate(customer);
    const { username, password } = customer;
    ({ token } = await skyfox.auth.login.mutate({ username, password }));

    const tomorrow = Temporal.Now.plainDateISO(cinemaTimeZone).add({ days: 1 }).toString();
    const [show] = await skyfox.show.list.query({ date: tomorrow });
    if (show === undefined) throw new Error("There is a show in every slot of tomorrow.");
    const hold = await skyfox.booking.initialize.mutate({ showId: show.id, seatNumbers: ["B2"] });
    expect(hold.amountDue).toEqual(show.cost);

    const charge = gateway.script("slow");
    const { bookingId } = hold;
    const paying = skyfox.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });
    await charge.arrived;
    closing = server.close();
    await charge.release();
    expect(await paying).toMatchObject({ bookingId, status: "Confirmed" });
    await closing;

    const afterwards = await errorOf(skyfox.booking.latest.query());
    expect(isSkyfoxError(afterwards)).toBe(false);
    expect(domainErrorOf(afterwards)).toBeUndefined();
    expect(logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  } finally {
    await (closing ?? server.close());
  }
});

async function seedShows(): Promise<void> {
  const movieService = await startMovieService({ apiKey: sandboxKey });
  const db = openDatabase(databaseUrl, { maxConnections: 1 });
  try {
    const clock = createManualClock(new Date());
    const parts = { clock, logger: createMemoryLogger() };
    const movies = connectMovieService({ url: movieService.url, apiKey: sandboxKey, ...parts });
    await seedDemo(db, { now: clock.now(), cinemaTimeZone, movies });
  } finally {
    await db.destroy();
    await movieService.stop();
  }
}
