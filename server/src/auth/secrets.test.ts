import { expect, test } from "vitest";
import { givenStaff, tokenOf } from "../../test/given.ts";
import { headersFor, mutate, query, send } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey, testJwtSecret } from "../../test/test-app.ts";
import type { LogInOutput } from "../contract/index.ts";

const app = await createTestApp();

const password = "Canary Päss+wörd/1?&=%";
const answer = "Canary änswer/ 2&+";
const wrongApiKey = "canary-wrong-key-3+/=";
const passwordAsName = "Canary-P4ss!as-a-name";

const input = {
  name: "Anna Lee",
  username: "canary-customer",
  password,
  phoneNumber: "9876501234",
  email: "canary@example.com",
  securityQuestionId: 1,
  securityAnswer: answer,
};

/** Every way in which a secret could show: plain, in JSON, URL-encoded, hex, and base64 at each of its three offsets. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].flatMap((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]).toString("base64");
    // Characters at both ends depend on what stands beside the secret.
    const core = padded.replace(/=+$/, "").slice(offset === 0 ? 0 : 4, -2);
    return [core, core.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const forms = [
    secret,
    secret.normalize("NFKC").toLowerCase(),
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({ x: secret }).toString().slice(2),
    bytes.toString("hex"),
    ...base64,
  ];
  return [...new Set(forms)];
}

async function dumpDatabase(): Promise<string> {
  const tables = await app.sql.query(
    "select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  const lines: string[] = [];
  for (const { table_name: table } of tables) {
    const rows = await app.sql.query(`select t::text as row from "${String(table)}" t`);
    lines.push(...rows.map(({ row }) => String(row)));
  }
  expect(lines.length).toBeGreaterThan(100);
  return lines.join("\n");
}

test("no secret of signing up and logging in is in a log, an error or the database", async () => {
  const told: string[] = [];
  const tell = ({ text, headers }: { text: string; headers: Headers }) =>
    told.push(text, JSON.stringify([...headers]));

  // What succeeds.
  tell(await mutate(app, "auth.signup", input));
  const login = await mutate<LogInOutput>(app, "auth.login", { username: input.username, password });
  const { token } = login.data!;
  tell({ ...login, text: login.text.replace(token, "") });
  tell(await query(app, "auth.me", undefined, { token }));

  // What the domain refuses.
  tell(await mutate(app, "auth.signup", input));
  tell(await mutate(app, "auth.signup", { ...input, username: "canary-2" }));
  tell(
    await mutate(app, "auth.signup", {
      ...input,
      securityQuestionId: 11,
      username: "canary-3",
      email: "c@d.ef",
    }),
  );
  tell(await mutate(app, "auth.login", { username: input.username, password: `${password}!` }));
  tell(await mutate(app, "auth.login", { username: passwordAsName, password }));

  // What the schemas refuse, with the secrets in every place.
  const spread = Object.fromEntries(Object.keys(input).map((field) => [field, `${password}${answer}\0`]));
  tell(await mutate(app, "auth.signup", spread));
  tell(await mutate(app, "auth.signup", { ...spread, [password]: answer }));
  tell(await mutate(app, "auth.signup", { password: [password], securityAnswer: { answer } }));
  tell(await mutate(app, "auth.login", { username: 1, password: { password } }));
  tell(await mutate(app, "auth.login", { username: "x", password: password.repeat(10) }));
  tell(await send(app, "/trpc/auth.login", json(`{"json":{"password":"${password}"`)));
  tell(
    await send(
      app,
      "/trpc/auth.login",
      json(`{"json":{"password":"${password}"},"meta":{"values":["${answer}"]}}`),
    ),
  );
  tell(await send(app, "/trpc/auth.login", { ...json(password), headers: headersFor({ token }) }));
  tell(await query(app, "auth.login", { username: input.username, password }));

  // Tokens and keys that are not right.
  tell(await query(app, "auth.me", undefined, { token: `${token}x` }));
  tell(await query(app, "auth.me", undefined, { headers: { authorization: `bearer ${token}` } }));
  tell(await query(app, "auth.me", undefined, { token, apiKey: wrongApiKey }));
  tell(await query(app, "auth.me", undefined, { token, apiKey: null }));
  tell(await query(app, "auth.none", { password }, { token }));

  // Our own faults: errors of Postgres that carry whole rows, and a table that is gone.
  await app.sql.query(`
    create function refuse() returns trigger language plpgsql as $$
    begin raise exception 'broken' using detail = new.*::text, hint = new.*::text; end $$;
    create trigger refuse before insert on customertable for each row execute function refuse()`);
  tell(await mutate(app, "auth.signup", { ...input, username: "canary-4", email: "g@h.ij" }));
  await app.sql.query(
    "drop trigger refuse on customertable; alter table session rename to session_elsewhere",
  );
  tell(await query(app, "auth.me", undefined, { token }));
  tell(await mutate(app, "auth.login", { username: input.username, password }));
  await app.sql.query("alter table session_elsewhere rename to session");

  // And the end.
  const staff = await givenStaff(app.deps, "staff");
  tell(await mutate(app, "auth.logout", { everywhere: true }, { token }));
  tell(await mutate(app, "booking.cancel", { bookingId: 1 }, { token: await tokenOf(app.deps, staff) }));

  const logs = JSON.stringify(app.logger.lines);
  const places = { answers: told.join("\n"), logs, database: await dumpDatabase() };
  // The search itself finds what is there.
  expect(places.logs).toContain("A call failed unexpectedly.");
  expect(places.database).toContain(input.email);
  const secrets = {
    password,
    answer,
    token,
    apiKey: testApiKey,
    wrongApiKey,
    jwtSecretKey: testJwtSecret,
  };
  const hits = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      formsOf(secret)
        .filter((form) => text.includes(form))
        .map((form) => `${name} in ${place} as ${form}`),
    ),
  );
  expect(hits).toEqual([]);
});

test("the search for secrets knows every form that it looks for", () => {
  for (const offset of ["", "x", "xy", "xyz"]) {
    const inside = Buffer.from(`${offset}${password}${offset}`).toString("base64");
    expect(formsOf(password).some((form) => inside.includes(form))).toBe(true);
  }
});

function json(body: string): RequestInit {
  return { method: "POST", headers: { ...headersFor(), "content-type": "application/json" }, body };
}
