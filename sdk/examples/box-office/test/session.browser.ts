import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { openOffice } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

const signInAs = (page: Page, role: string) => page.getByRole("button", { name: role, exact: true }).click();
const title = (page: Page, text: string) => page.getByRole("heading", { level: 1, name: text }).waitFor();

test("a session is this tab's alone: kept over a reload, in no other tab, and gone with the sign-out", async () => {
  const page = await office.visit("/wallet");
  await title(page, "Sign in");
  await signInAs(page, "customer");
  await title(page, "Wallet");
  const token = await page.evaluate(
    () => (JSON.parse(sessionStorage.getItem("skyfox-session") ?? "{}") as { token: string }).token,
  );
  expect(token.split(".")).toHaveLength(3);
  expect(
    await page.evaluate(() => JSON.stringify(Object.entries(localStorage)) + document.cookie),
  ).not.toContain(token);

  await page.reload();
  await title(page, "Wallet");
  const other = await page.context().newPage();
  await other.goto(`${office.url}/#/wallet`);
  await title(other, "Sign in");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).waitFor();
  expect(await page.evaluate(() => sessionStorage.getItem("skyfox-session"))).toBeNull();
  const late = await office.client(token).auth.me.safe();
  expect(late).toMatchObject({ ok: false, error: { code: "SESSION_ENDED" } });
});

test("a session that was ended elsewhere leads to the sign-in, and back to the page", async () => {
  const customer = await office.customer();
  const page = await office.visit("/bookings", customer);
  await title(page, "My bookings");
  await customer.client.auth.logout.mutate({ everywhere: true });
  await page.getByRole("link", { name: "Wallet" }).click();
  await title(page, "Sign in");
  await page.getByLabel("Username").fill(customer.session.username);
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("Username or password is wrong.").waitFor();
  await page.getByLabel("Password").fill("Seven-Seas-7");
  await page.getByRole("button", { name: "Sign in" }).click();
  await title(page, "Wallet");
});

test("staff come to the door, where customers do not", async () => {
  const page = await office.visit("/sign-in");
  await signInAs(page, "staff");
  await title(page, "At the door");
  const customer = await office.visit("/door", await office.customer());
  await title(customer, "Sign in");
});

test("where the browser blocks storage, the page is there, and a session lasts as long as it", async () => {
  const page = await office.visit("/wallet");
  await page.addInitScript(() => {
    for (const storage of ["sessionStorage", "localStorage"])
      Object.defineProperty(globalThis, storage, {
        get: () => {
          throw new DOMException("The operation is insecure.", "SecurityError");
        },
      });
  });
  await page.reload();
  await title(page, "Sign in");
  await signInAs(page, "customer");
  await title(page, "Wallet");
});

test("a customer who forgot the password answers the question, chooses another one, and is signed in where they wanted to go", async () => {
  const { session, client } = await office.customer();
  const email = `${session.username}@example.com`;
  const page = await office.visit("/wallet");
  const fill = async (label: string | RegExp, text: string) => {
    await page.getByLabel(label).fill(text);
    await page.keyboard.press("Enter");
  };
  const isRefused = async (label: string | RegExp) => {
    await expect.poll(() => page.getByLabel(label).getAttribute("aria-invalid")).toBe("true");
  };
  await page.getByRole("link", { name: "Forgotten your password?" }).click();
  await fill("E-mail", "asha");
  await isRefused("E-mail");
  await fill("E-mail", email);
  const question = /\?$/;
  await page.getByText(email).waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("securityAnswer");
  await fill(question, "Argo");
  await isRefused(question);
  await fill(question, "nautilus");
  await page.getByLabel("New password").waitFor();
  // Another recovery of the account voids this one.
  await client.auth.verifySecurityAnswer.mutate({ email, securityAnswer: "Nautilus" });
  await fill("New password", "Starry-Night-4");
  await page.getByRole("button", { name: "Answer the question again" }).click();
  await fill(question, "nautilus");
  await fill("New password", "short");
  await isRefused("New password");
  await fill("New password", "Seven-Seas-7");
  await isRefused("New password");
  await fill("New password", "Starry-Night-4");
  await title(page, "Wallet");
  const login = { username: session.username, password: "Starry-Night-4" };
  expect(await office.client().auth.login.safe(login)).toMatchObject({ ok: true });
});
