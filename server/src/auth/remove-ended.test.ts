import { expect, test } from "vitest";
import { givenCustomer, testAnswer, testPassword } from "../../test/given.ts";
import { createTestApp } from "../../test/test-app.ts";
import { logIn } from "./log-in.ts";
import { logOut } from "./log-out.ts";
import { verifySecurityAnswer } from "./recover-account.ts";
import { removeEnded } from "./remove-ended.ts";

const app = await createTestApp();
const { deps } = app;

test("what has ended is removed, and what lives stays", async () => {
  const caller = { address: "198.51.100.1", requestId: "of-the-tests" };
  const user = await givenCustomer(deps);
  const { username } = user;
  await logIn(deps, caller, { username, password: testPassword });
  await logOut(deps, user, { everywhere: false });
  await verifySecurityAnswer(deps, caller, { email: `${username}@example.com`, securityAnswer: testAnswer });
  await app.sql.query("insert into rate_limit (key, points, expire) values ('over', 1, 1)");
  await removeEnded(deps);
  const count = async () => {
    const rows = await app.sql.query(
      `select (select count(*)::int from session) as sessions, (select count(*)::int from password_reset_tokens) as tokens,
         (select count(*)::int from rate_limit where key = 'over') as limits`,
    );
    return rows[0];
  };
  expect(await count()).toEqual({ sessions: 1, tokens: 1, limits: 0 });
  app.clock.advance(24 * 3_600_000);
  await removeEnded(deps);
  expect(await count()).toEqual({ sessions: 0, tokens: 0, limits: 0 });
});
