import { expect, test } from "vitest";
import { givenCustomer, givenStaff, testPassword, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { outcomesOf, refusalOf, together } from "../../test/together.ts";
import { untilBlocked } from "../../test/until-blocked.ts";
import { logIn } from "../auth/log-in.ts";
import type { StaffMember } from "../contract/index.ts";
import { updateStaff } from "./update-staff.ts";

const app = await createTestApp();
const { deps } = app;
const caller = { address: "198.51.100.1", requestId: "of-the-tests" };

test("an admin employs people, who can log in, and sees them listed", async () => {
  const token = await tokenOf(deps, await givenStaff(deps, "admin"));
  const input = {
    username: "new.staff",
    name: "new staff",
    role: "staff",
    counterNo: 7,
    password: testPassword,
  };
  const created = await mutate<StaffMember>(app, "admin.createStaff", input, { token });
  const { password: _, ...row } = input;
  expect(created.data).toEqual({ ...row, createdAt: deps.clock.now(), disabledAt: null });
  const list = await query<StaffMember[]>(app, "admin.staff", undefined, { token });
  expect(list.data).toContainEqual(created.data);
  expect(list.data?.map(({ username }) => username)).toEqual(
    list.data?.map(({ username }) => username).toSorted(),
  );
  const { user } = await logIn(deps, caller, { username: "new.staff", password: testPassword });
  expect(user.role).toBe("staff");
  const again = await mutate(app, "admin.createStaff", input, { token });
  expect(again.error?.data.domain?.code).toBe("USERNAME_EXISTS");
});

test.each([
  { role: "admin" as const },
  { counterNo: 9 },
  { disabled: true },
  { password: "Another-Horse-8" },
])("a change of %o ends the person's sessions", async (change) => {
  const [admin, person] = [await givenStaff(deps, "admin"), await givenStaff(deps, "staff")];
  const token = await tokenOf(deps, person);
  expect((await query(app, "auth.me", undefined, { token })).status).toBe(200);
  await updateStaff(deps, admin, { username: person.username, ...change });
  const refused = await query(app, "auth.me", undefined, { token });
  expect(refused.error?.data.domain?.code).toBe("SESSION_ENDED");
  const rows = await app.sql.query(
    "select actor, details from audit_entry where subject = $1 and action = 'staff-changed'",
    [person.username],
  );
  expect(rows).toEqual([{ actor: admin.username, details: { changed: Object.keys(change) } }]);
});

test("a disabled person cannot log in until enabled again", async () => {
  const [admin, person] = [await givenStaff(deps, "admin"), await givenStaff(deps, "staff")];
  const { username } = person;
  const login = () => refusalOf(logIn(deps, caller, { username, password: testPassword }));
  const { disabledAt } = await updateStaff(deps, admin, { username, disabled: true });
  expect(disabledAt).toEqual(deps.clock.now());
  expect(await login()).toBe("INVALID_CREDENTIALS");
  await updateStaff(deps, admin, { username, disabled: false });
  expect(await login()).toBe("accepted");
});

test("a password that an admin sets wins over one that the person set meanwhile", async () => {
  const [admin, person] = [await givenStaff(deps, "admin"), await givenStaff(deps, "staff")];
  const { username } = person;
  await app.sql.query("begin");
  await app.sql.query("update usertable set password = 'another' where username = $1", [username]);
  const update = refusalOf(updateStaff(deps, admin, { username, password: "Another-Horse-8" }));
  await untilBlocked(app);
  await app.sql.query("commit");
  expect(await update).toBe("accepted");
  expect(await refusalOf(logIn(deps, caller, { username, password: "Another-Horse-8" }))).toBe("accepted");
});

test("customers and unknown people are no staff", async () => {
  const [admin, customer] = [await givenStaff(deps, "admin"), await givenCustomer(deps)];
  for (const username of [customer.username, "nobody"]) {
    expect(await refusalOf(updateStaff(deps, admin, { username, disabled: true }))).toBe("STAFF_NOT_FOUND");
  }
});

test("of ten admins who disable or demote each other at once, one active one is left", async () => {
  await app.sql.query("update usertable set disabled_at = now() where role = 'admin'");
  const admins = await Promise.all(Array.from({ length: 10 }, () => givenStaff(deps, "admin")));
  const tasks = admins.map(
    ({ username }, number) =>
      () =>
        updateStaff(deps, admins[(number + 1) % 10]!, {
          username,
          ...(number % 2 === 0 ? { disabled: true } : { role: "staff" as const }),
        }),
  );
  const { won, lost } = outcomesOf(await together(tasks));
  expect(won).toHaveLength(9);
  expect(lost).toEqual(["LAST_ADMIN"]);
});
