import { connectOnce } from "@skyfox/db";
import { createEmptyDatabase, createTestDatabase } from "@skyfox/db/test-database";
import { createSkyfoxClient } from "@skyfox/sdk";
import { expect, test } from "vitest";
import { developmentApiKey } from "../server/src/config.ts";
import { runScript } from "./test/run-script.ts";
import { makeStateDirectory } from "./test/state-directory.ts";

const password = "Curtain!Call42";
const args = ["--username", "box.office", "--name", "box office", "--counter", "7"];

test("npm run admin:create makes an admin, also in an empty production database, who can log in", async () => {
  const { url } = await createEmptyDatabase();
  const settings = { DATABASE_URL: url, APP_ENV: "production", ADMIN_PASSWORD: password };
  const created = await createAdmin(settings, args);
  expect(created).toEqual({ code: 0, output: "The admin box.office can log in now.\n" });

  const server = runScript("start.ts", { DATABASE_URL: url, PORT: "0", DEMO_SEED: "off" });
  const [, address = ""] = await server.says(/ready at (\S+)/);
  const session = { token: "" };
  const skyfox = createSkyfoxClient({
    url: address,
    apiKey: developmentApiKey,
    token: () => session.token || null,
  });
  const { user, token } = await skyfox.auth.login.mutate({ username: "box.office", password });
  expect(user).toEqual({ username: "box.office", name: "Box Office", role: "admin" });
  session.token = token;
  expect(await skyfox.auth.me.query()).toMatchObject({ role: "admin", counterNo: 7 });
});

test("without DATABASE_URL the admin goes into the development database, which does not run on", async () => {
  const state = await makeStateDirectory();
  const settings = { SKYFOX_STATE_DIRECTORY: state.path, ADMIN_PASSWORD: password };
  const { code, output } = await createAdmin(settings, args);
  expect(output).toMatch(
    /using the development database in .*postgres\.\nThe admin box\.office can log in now\.\n$/,
  );
  expect(code).toBe(0);
  expect(await state.findPostgres()).toBeUndefined();
});

test("a taken username is one sentence and changes nothing", async () => {
  const { url } = await createTestDatabase();
  const settings = { DATABASE_URL: url, ADMIN_PASSWORD: password };
  await createAdmin(settings, args);
  const again = await createAdmin({ ...settings, ADMIN_PASSWORD: "Another!Call42" }, args);
  expect(again).toEqual({ code: 1, output: "The username box.office is taken. Choose another one.\n" });
  const sql = await connectOnce(url);
  expect(await sql.query("select count(*) as count from stafftable")).toEqual([{ count: 1 }]);
  await sql.end();
});

test("every field that is not as it should be is named, and the password is not shown", async () => {
  const wrong = ["--username", "Box Office", "--name", "7", "--counter", "0x10"];
  const { code, output } = await createAdmin({ ADMIN_PASSWORD: "weakling" }, wrong);
  expect(code).toBe(2);
  for (const field of ["username", "name", "password", "counterNo"])
    expect(output).toMatch(new RegExp(`^${field}: .+\\.$`, "m"));
  expect(output).not.toContain("weakling");
});

test.each([
  ["no password", {}, args],
  ["an empty password", { ADMIN_PASSWORD: "" }, args],
  ["no name", { ADMIN_PASSWORD: password }, ["--username", "box.office"]],
  ["no options", { ADMIN_PASSWORD: password }, []],
  ["the password as an option", {}, [...args, `--password=${password}`]],
  ["the password among the words", {}, [...args, password]],
])("with %s it says how to call it", async (_what, settings, words) => {
  const { code, output } = await createAdmin(settings, words);
  expect(code).toBe(2);
  expect(output).toMatch(
    /put the password into the environment.*\nADMIN_PASSWORD=… npm run admin:create -- /,
  );
  expect(output).not.toContain(password);
});

async function createAdmin(settings: Record<string, string>, words: string[]) {
  const script = runScript("create-admin.ts", settings, { args: words });
  return { code: await script.ended, output: script.output() };
}
