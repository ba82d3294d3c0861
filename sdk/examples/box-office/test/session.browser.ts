import type { Page } from "playwright-core";
import { afterAll, expect, test } from "vitest";
import { isRefused, openOffice } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

const password = "Seven-Seas-7";
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
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await title(page, "Wallet");
});

test("staff come to the door, where customers do not, and change their password alone", async () => {
  const page = await office.visit("/sign-in");
  await signInAs(page, "staff");
  await title(page, "At the door");
  await page.getByRole("link", { name: /: my account$/ }).click();
  await page.getByRole("form", { name: "Password" }).waitFor();
  expect(await page.getByRole("form").count()).toBe(1);
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
  await page.getByRole("link", { name: "Forgotten your password?" }).click();
  await fill("E-mail", "asha");
  await isRefused(page.getByLabel("E-mail"));
  await fill("E-mail", email);
  const question = /\?$/;
  await page.getByText(email).waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("securityAnswer");
  await fill(question, "Argo");
  await isRefused(page.getByLabel(question));
  await fill(question, "nautilus");
  await page.getByLabel("New password").waitFor();
  // Another recovery of the account voids this one.
  await client.auth.verifySecurityAnswer.mutate({ email, securityAnswer: "Nautilus" });
  await fill("New password", "Starry-Night-4");
  await page.getByRole("button", { name: "Answer the question again" }).click();
  await fill(question, "nautilus");
  await fill("New password", "short");
  await page.getByText("The password has 8 to 128 characters.").waitFor();
  await isRefused(page.getByLabel("New password"));
  await fill("New password", password);
  await page.getByText("neither the current one nor one of the two before it").waitFor();
  await fill("New password", "Starry-Night-4");
  await title(page, "Wallet");
  const login = { username: session.username, password: "Starry-Night-4" };
  expect(await office.client().auth.login.safe(login)).toMatchObject({ ok: true });
});

test("a customer changes details, picture and password, and what is refused is marked at its field", async () => {
  const [{ session, client }, other] = [await office.customer(), await office.customer()];
  const elsewhere = await office.client().auth.login.mutate({ username: session.username, password });
  const page = await office.visit("/account", { session, client });
  const form = (name: string) => page.getByRole("form", { name });
  const fill = (name: string, label: string, text: string) => form(name).getByLabel(label).fill(text);
  const save = (name: string) => form(name).locator("button").click();

  await fill("Details", "Name", "Asha Iyer");
  await fill("Details", "E-mail", `${other.session.username}@example.com`);
  await fill("Details", "Security answer", "Argo");
  await save("Details");
  await isRefused(form("Details").getByLabel("Security answer"));
  await fill("Details", "Security answer", "Nautilus");
  await save("Details");
  await isRefused(form("Details").getByLabel("E-mail"));
  await fill("Details", "E-mail", "asha.iyer@example.com");
  await save("Details");
  await page.getByText("Your details are saved.").waitFor();
  await page.getByRole("link", { name: "Asha Iyer" }).waitFor();
  expect(await client.auth.me.query()).toMatchObject({ name: "Asha Iyer", email: "asha.iyer@example.com" });

  const choose = (buffer: Buffer) =>
    form("Picture")
      .getByLabel("New picture")
      .setInputFiles({ name: "asha.png", mimeType: "image/png", buffer });
  await save("Picture");
  await page.getByText("Choose a picture.").waitFor();
  await choose(Buffer.alloc(5 * 1_024 * 1_024 + 1));
  await save("Picture");
  await page.getByText("A picture has at most 5 MB.").waitFor();
  await fill("Picture", "Security answer", "Nautilus");
  await choose(Buffer.from("no picture"));
  await save("Picture");
  await page.getByText("Choose a JPEG, PNG or WebP file.").waitFor();
  await choose(await page.screenshot());
  await save("Picture");
  await page.getByText("Your picture is saved.").waitFor();
  const picture = page.getByRole("img", { name: "Your picture" });
  await expect
    .poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth), { timeout: 10_000 })
    .toBe(64);

  await page.route("**/images/**", (route) => route.abort());
  // Before the picture is asked for, the letter is there as well.
  const unread = page.waitForEvent("requestfailed", (request) => request.url().includes("/images/"));
  await page.reload();
  await unread;
  await picture.waitFor({ state: "detached" });
  await form("Picture").getByText("A", { exact: true }).waitFor();

  await fill("Password", "Present password", "Wrong-Seas-7");
  await fill("Password", "New password", password);
  await save("Password");
  await isRefused(form("Password").getByLabel("Present password"));
  await fill("Password", "Present password", password);
  await save("Password");
  await isRefused(form("Password").getByLabel("New password"));
  await fill("Password", "New password", "Starry-Night-4");
  await save("Password");
  await page.getByText("Your password is changed. 1 other session ended.").waitFor();
  const late = await office.client(elsewhere.token).auth.me.safe();
  expect(late).toMatchObject({ ok: false, error: { code: "SESSION_ENDED" } });
  await page.getByRole("link", { name: "Wallet" }).click();
  await title(page, "Wallet");
});

test("a change of password whose answer is lost is told as one that may be done, and it is done", async () => {
  const { session, client } = await office.customer();
  const page = await office.visit("/account", { session, client });
  await page.route("**/trpc/auth.changePassword*", async (route) => {
    await route.fetch();
    await route.abort("connectionreset");
  });
  const form = page.getByRole("form", { name: "Password" });
  await form.getByLabel("Present password").fill(password);
  await form.getByLabel("New password").fill("Starry-Night-4");
  await form.getByRole("button").last().click();
  await form.getByText("Your password may be changed already: sign in with the new one.").waitFor();
  const login = { username: session.username, password: "Starry-Night-4" };
  expect(await office.client().auth.login.safe(login)).toMatchObject({ ok: true });
});

test("a picture that cannot be read any more is told at its field, and nothing is sent", async () => {
  const page = await office.visit("/account", await office.customer());
  let sent = 0;
  await page.route("**/trpc/auth.updateProfileImage*", async (route) => {
    sent += 1;
    await route.continue();
  });
  const form = page.getByRole("form", { name: "Picture" });
  await form
    .getByLabel("New picture")
    .setInputFiles({ name: "asha.png", mimeType: "image/png", buffer: await page.screenshot() });
  // As after the file was moved or changed.
  await page.evaluate(() => {
    const unreadable = () => Promise.reject(new DOMException("The file cannot be read.", "NotReadableError"));
    Blob.prototype.arrayBuffer = unreadable;
  });
  await form.getByLabel("Security answer").fill("Nautilus");
  await form.locator("button").click();
  await form.getByText("This file cannot be read here.").waitFor();
  await isRefused(form.getByLabel("New picture"));
  expect(sent).toBe(0);
});
