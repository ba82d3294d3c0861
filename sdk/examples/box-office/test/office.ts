import { access } from "node:fs/promises";
import { createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient, type RouterInputs, type Show, type SkyfoxClient } from "@skyfox/sdk";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import { developmentApiKey } from "../../../../server/src/config.ts";
import { startChildServer, type ChildServer } from "../../../../server/test/child-server.ts";

const program = "/usr/bin/chromium";
const cardThatPays = { cvv: "123", expiryMonth: "12", expiryYear: "40", cardholderName: "Asha Rao" };

/** What the test cards' numbers do at the development gateway. */
export const cards = {
  pays: { ...cardThatPays, number: "4242424242424242" },
  slow: { ...cardThatPays, number: "4000000000003220" },
};

/** A development server with its demo, on a database of its own, and a browser. */
export interface Office {
  readonly url: string;
  browser: Browser;
  /** Kills the server as a crash does, and starts it again at the same address. */
  restart(): Promise<void>;
  /** A client without a session, or with that one. */
  client(token?: string): SkyfoxClient;
  /** A customer who has signed up and in. */
  customer(): Promise<Person>;
  /** One of the demo's staff. */
  employee(username: "staff-1" | "seed-user-1"): Promise<Person>;
  /** A browser of its own, signed in as that person, at a page. */
  visit(path: string, person?: Person, options?: VisitOptions): Promise<Page>;
  /** A show with all its seats free: each test gets another one. */
  nextShow(): Promise<Show>;
  close(): Promise<void>;
}

/** A person with a session. */
export interface Person {
  session: { token: string; username: string; name: string; role: string };
  client: SkyfoxClient;
}

type VisitOptions = Parameters<Browser["newContext"]>[0];

/** Opens a box office with these settings of the server, and arguments of the browser. */
export async function openOffice(
  settings: Record<string, string> = {},
  browserArguments: string[] = [],
): Promise<Office> {
  await access(program).catch(() => {
    throw new Error("Chromium is not installed. On Debian: apt-get install -y chromium");
  });
  const { url: databaseUrl } = await createTestDatabase();
  const ends: (() => void)[] = [];
  const start = (port: string) =>
    startChildServer({ DATABASE_URL: databaseUrl, DEMO_SEED: "on", PORT: port, ...settings }, (end) =>
      ends.push(end),
    );
  let server: ChildServer = await start("0");
  const { url } = server;
  // The first request waits for the page to be built.
  await fetch(url);
  const browser = await chromium.launch({
    executablePath: program,
    args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), ...browserArguments],
    // Its pages go into the back-forward cache, as in a browser that a person uses.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  const client = (token?: string) => createSkyfoxClient({ url, apiKey: developmentApiKey, token });
  const logIn = async (username: string, password: string): Promise<Person> => {
    const { user, token } = await client().auth.login.mutate({ username, password });
    return { session: { ...user, token }, client: client(token) };
  };
  let shows: Show[] | undefined;
  let customers = 0;
  return {
    url,
    browser,
    client,
    async restart() {
      await server.kill();
      server = await start(new URL(url).port);
    },
    async customer() {
      customers += 1;
      const account = { ...someone, username: `asha${customers}`, email: `asha${customers}@example.com` };
      const phoneNumber = String(9_000_000_000 + customers);
      await client().auth.signup.mutate({ ...account, phoneNumber });
      return await logIn(account.username, account.password);
    },
    employee: (username) => logIn(username, "foobar"),
    async visit(path, person, options) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(20_000);
      if (person !== undefined) await signIn(context, person);
      const page = await context.newPage();
      await page.goto(`${url}/#${path}`);
      return page;
    },
    async nextShow() {
      shows ??= await listShowsToCome(client());
      const show = shows.shift();
      if (show === undefined) throw new Error("All shows of the week have been given to tests.");
      return show;
    },
    async close() {
      await browser.close();
      await server.stop();
      for (const end of ends) end();
    },
  };
}

const someone: Omit<RouterInputs["auth"]["signup"], "username" | "email" | "phoneNumber"> = {
  name: "Asha Rao",
  password: "Seven-Seas-7",
  securityQuestionId: 1,
  securityAnswer: "Nautilus",
};

/** Signs a person in at every page of a browser, unless they have signed out there. */
async function signIn(context: BrowserContext, { session }: Person): Promise<void> {
  await context.addInitScript((text) => {
    if (sessionStorage.getItem("is-given") !== null) return;
    sessionStorage.setItem("is-given", "yes");
    sessionStorage.setItem("skyfox-session", text);
  }, JSON.stringify(session));
}

// From tomorrow on: none of these starts during the tests.
async function listShowsToCome(client: SkyfoxClient): Promise<Show[]> {
  const { today } = await client.show.cinema.query();
  const dates = Array.from({ length: 6 }, (_, index) =>
    Temporal.PlainDate.from(today)
      .add({ days: index + 1 })
      .toString(),
  );
  return (await Promise.all(dates.map((date) => client.show.list.query({ date })))).flat();
}

/** The seat of a page's map. */
export function seat(page: Page, seatNumber: string) {
  return page.locator(`[data-seat="${seatNumber}"]`);
}

/** Waits until a field is marked as refused. */
export async function isRefused(field: Locator): Promise<void> {
  await field.and(field.page().locator('[aria-invalid="true"]')).waitFor();
}

/** Types a card into a page's form, as a person does. */
export async function typeCard(page: Page, number: string = cards.pays.number): Promise<void> {
  await page.getByLabel(/^Card number/).fill(number);
  await page.getByLabel("Expiry").fill("12/40");
  await page.getByLabel("Security code").fill("123");
  await page.getByLabel("Name on card").fill("Asha Rao");
}
