import { afterAll, expect, test } from "vitest";
import { givenBooking } from "../../test/given-money.ts";
import { givenCustomer, givenStaff, tokenOf } from "../../test/given.ts";
import { createManualClock } from "../../test/manual-clock.ts";
import { startObjectStorage } from "../../test/object-storage.ts";
import { givenPhoto, uploadOf } from "../../test/pictures.ts";
import { headersFor, mutate, query, send, type Answer } from "../../test/rpc-call.ts";
import { createTestApp, testApiKey, testJwtSecret, testStart, testTicketKeys } from "../../test/test-app.ts";
import type { LogInOutput } from "../contract/index.ts";

const clock = createManualClock(testStart);
const storage = await startObjectStorage({ now: clock.now });
afterAll(() => storage.stop());
const secretAccessKey = "Canary/Secret+Access=Key 1";
const app = await createTestApp({ bucket: storage.access, clock });
// A second server that the storage does not let in.
const shutOut = await createTestApp({ beside: app, bucket: { ...storage.access, secretAccessKey } });

const password = "Canary Päss+wörd/1?&=%";
const answer = "Canary änswer/ 2&+";
const newPassword = "Canary Nëw+pass/wörd 2?";
const staffPassword = "Canary Stäff+pass/wörd 3?";
const wrongAnswer = "Canary wröng/ 3&+";
const wrongResetToken = "canary-wrong-reset/+token 4";
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

/** Where the secrets are found, among what callers got, the logs and the whole database. */
async function findSecrets(answers: string[], secrets: Record<string, string>): Promise<string[]> {
  const logs = JSON.stringify([...app.logger.lines, ...shutOut.logger.lines]);
  const places = { answers: answers.join("\n"), logs, database: await dumpDatabase() };
  // The search itself finds what is there.
  expect(places.logs).toContain("A call failed unexpectedly.");
  expect(places.database).toContain(input.email);
  return Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([name, secret]) =>
      formsOf(secret)
        .filter((form) => text.includes(form))
        .map((form) => `${name} in ${place} as ${form}`),
    ),
  );
}

test("no secret of signing up and logging in is in a log, an error or the database", async () => {
  const answers: string[] = [];
  const tell = ({ text, headers }: { text: string; headers: Headers }) =>
    answers.push(text, JSON.stringify([...headers]));

  // What succeeds.
  tell(await mutate(app, "auth.signup", input));
  const login = await mutate<LogInOutput>(app, "auth.login", { username: input.username, password });
  const { token, deviceToken } = login.data!;
  const again = await mutate<LogInOutput>(app, "auth.login", {
    username: input.username,
    password,
    deviceToken,
  });
  for (const one of [login, again]) {
    const given = [one.data!.token, one.data!.deviceToken];
    tell({ ...one, text: given.reduce((text, secret) => text.replace(secret, ""), one.text) });
  }
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
  tell(await mutate(app, "auth.login", { username: "x", password, deviceToken: { deviceToken } }));
  tell(await mutate(app, "auth.login", { username: "x", password, deviceToken: deviceToken.repeat(3) }));
  tell(await mutate(app, "auth.login", { username: input.username, password: `${password}?`, deviceToken }));
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

  const secrets = {
    password,
    answer,
    token,
    deviceToken,
    apiKey: testApiKey,
    wrongApiKey,
    jwtSecretKey: testJwtSecret,
  };
  expect(await findSecrets(answers, secrets)).toEqual([]);
});

test("no secret of recovery, changes, staff and pictures is in a log, an error or the database", async () => {
  const answers: string[] = [];
  const tell = ({ text, headers }: Answer<unknown>, without: string[] = []) => {
    answers.push(
      without.reduce((rest, secret) => rest.replaceAll(secret, ""), text),
      JSON.stringify([...headers]),
    );
  };
  const person = {
    ...input,
    username: "canary-later",
    email: "later@example.com",
    phoneNumber: "9876501235",
  };
  const { email, username } = person;
  tell(await mutate(app, "auth.signup", person));
  const logIn = async (secret: string) => {
    const login = await mutate<LogInOutput>(app, "auth.login", { username, password: secret });
    const { token: given = "" } = login.data ?? {};
    tell(login, [given, login.data?.deviceToken ?? ""]);
    return given;
  };
  const broken = async (path: string, call: object, token?: string) => {
    await app.sql.query("alter table audit_entry rename to audit_elsewhere");
    tell(await mutate(app, path, call, { token }));
    await app.sql.query("alter table audit_elsewhere rename to audit_entry");
  };

  // Recovery: asked, answered wrongly and rightly, with a token that is none, one that works, and one that is used up.
  tell(await query(app, "auth.securityQuestion", { email }));
  tell(await mutate(app, "auth.verifySecurityAnswer", { email, securityAnswer: wrongAnswer }));
  await broken("auth.verifySecurityAnswer", { email, securityAnswer: answer });
  const verified = await mutate<{ resetToken: string }>(app, "auth.verifySecurityAnswer", {
    email,
    securityAnswer: answer,
  });
  const { resetToken } = verified.data!;
  tell(verified, [resetToken]);
  tell(await mutate(app, "auth.resetPassword", { email, resetToken: wrongResetToken, newPassword }));
  tell(await mutate(app, "auth.resetPassword", { email, resetToken, newPassword: password }));
  tell(await mutate(app, "auth.resetPassword", { email, resetToken, newPassword: [newPassword] }));
  await broken("auth.resetPassword", { email, resetToken, newPassword });
  tell(await mutate(app, "auth.resetPassword", { email, resetToken, newPassword }));
  tell(await mutate(app, "auth.resetPassword", { email, resetToken, newPassword }));

  // Changes by the person.
  const token = await logIn(newPassword);
  const change = { currentPassword: newPassword, newPassword: `${password}!` };
  tell(await mutate(app, "auth.changePassword", { ...change, currentPassword: password }, { token }));
  tell(await mutate(app, "auth.changePassword", { ...change, newPassword }, { token }));
  await broken("auth.changePassword", change, token);
  tell(await mutate(app, "auth.changePassword", change, { token }));
  const profile = { name: "Anna Lee", email, phoneNumber: person.phoneNumber };
  tell(await mutate(app, "auth.updateProfile", { ...profile, securityAnswer: wrongAnswer }, { token }));
  tell(
    await mutate(
      app,
      "auth.updateProfile",
      { ...profile, email: input.email, securityAnswer: answer },
      { token },
    ),
  );
  await broken("auth.updateProfile", { ...profile, securityAnswer: answer }, token);
  tell(await mutate(app, "auth.updateProfile", { ...profile, securityAnswer: answer }, { token }));

  // Pictures, also where the storage fails or does not let us in.
  const image = uploadOf(await givenPhoto("png"));
  const picture = { securityAnswer: answer, image };
  tell(await mutate(app, "auth.updateProfileImage", { ...picture, securityAnswer: wrongAnswer }, { token }));
  storage.fail("error");
  tell(await mutate(app, "auth.updateProfileImage", picture, { token }));
  storage.mend();
  const refused = await mutate(shutOut, "auth.updateProfileImage", picture, { token });
  expect(refused.error?.data.domain?.code).toBe("STORAGE_UNAVAILABLE");
  expect(storage.refusals).toContain("SignatureDoesNotMatch");
  tell(refused);
  await broken("auth.updateProfileImage", picture, token);
  tell(await mutate(app, "auth.updateProfileImage", picture, { token }));

  // Staff.
  const admin = await tokenOf(app.deps, await givenStaff(app.deps, "admin"));
  const employed = { username: "canary-staff", name: "Sam Fox", role: "staff", password: staffPassword };
  tell(await mutate(app, "admin.createStaff", employed, { token: admin }));
  tell(await mutate(app, "admin.createStaff", employed, { token: admin }));
  const update = { username: employed.username, password: `${staffPassword}!` };
  await broken("admin.updateStaff", update, admin);
  tell(await mutate(app, "admin.updateStaff", { ...update, password: staffPassword }, { token: admin }));
  tell(await mutate(app, "admin.updateStaff", update, { token: admin }));
  tell(await mutate(app, "auth.logout", {}, { token }));

  expect(
    await findSecrets(answers, {
      password,
      answer,
      newPassword,
      staffPassword,
      wrongAnswer,
      resetToken,
      wrongResetToken,
      token,
      admin,
      secretAccessKey,
      ownSecretAccessKey: storage.access.secretAccessKey,
    }),
  ).toEqual([]);
});

test("the key that signs tickets is in no ticket, answer, log or error, nor in the database", async () => {
  const answers: string[] = [];
  const tell = ({ text, headers }: { text: string; headers: Headers }) =>
    answers.push(text, JSON.stringify([...headers]));
  const customer = await givenCustomer(app.deps);
  const { bookingId } = await givenBooking(app, customer, "card");
  const customerToken = await tokenOf(app.deps, customer);
  for (const path of ["booking.ticketQr", "booking.ticketPdf"]) {
    tell(await query(app, path, { bookingId }, { token: customerToken }));
    tell(await query(app, path, { bookingId: 2_000_000_000 }, { token: customerToken }));
  }
  const keys = await app.app.request("/tickets/keys", { headers: headersFor() });
  tell({ text: await keys.text(), headers: keys.headers });
  // The key itself in an unexpected error.
  const { d = "" } = testTicketKeys.signing.export({ format: "jwk" });
  const { tickets } = app.deps;
  app.deps.tickets = {
    ...tickets,
    sign: () => Promise.reject(new Error("Broken.", { cause: testTicketKeys })),
  };
  const failed = await query(app, "booking.ticketQr", { bookingId }, { token: customerToken });
  app.deps.tickets = tickets;
  expect(failed.status).toBe(500);
  tell(failed);

  const der = testTicketKeys.signing.export({ format: "der", type: "pkcs8" });
  const seed = Buffer.from(d, "base64url");
  const secrets = {
    d,
    seed: seed.toString("latin1"),
    key: der.toString("base64"),
    hex: seed.toString("hex"),
  };
  expect(await findSecrets(answers, secrets)).toEqual([]);
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
