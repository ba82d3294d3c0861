import { afterAll, expect, test } from "vitest";
import { findBarriers, type View } from "./barriers.ts";
import { cards, openOffice, seat } from "./office.ts";

const office = await openOffice();
afterAll(office.close);

const customer = await office.customer();
const other = await office.customer();
const { id: showId, date, movie } = await office.nextShow();
const { booking, wallet } = customer.client;
await other.client.booking.initialize.mutate({ showId, seatNumbers: ["C3", "C4", "H1"] });
const sold = await other.client.booking.initialize.mutate({
  showId,
  seatNumbers: ["F4", "F5", "F6", "F7"],
});
await other.client.booking.pay.mutate({ bookingId: sold.bookingId, method: "Card", card: cards.pays });
const paid = await booking.initialize.mutate({ showId, seatNumbers: ["E1", "E2"] });
await booking.pay.mutate({ bookingId: paid.bookingId, method: "Card", card: cards.pays });
const held = await booking.initialize.mutate({ showId, seatNumbers: ["E5", "E6"] });
// Less than any pair of seats costs, on whatever day the tests run.
await wallet.addFunds.mutate({ amount: "250", card: cards.pays });

const views: View[] = [
  {
    name: "shows",
    path: `/shows/${date}`,
    ready: (page) => page.getByRole("link", { name: movie.title }).waitFor(),
  },
  { name: "sign-in", path: "/sign-in", ready: (page) => page.getByLabel("Password").waitFor() },
  {
    name: "sign-up",
    path: "/sign-up",
    async ready(page) {
      await page.getByLabel("Your answer").waitFor();
      await page.getByRole("button", { name: "Make the account" }).click();
      await page.getByText("exactly ten digits").waitFor();
    },
  },
  {
    name: "recover",
    path: "/recover",
    async ready(page) {
      await page.getByLabel("E-mail").fill("asha1@example.com");
      await page.keyboard.press("Enter");
      await page.getByText("Use another address").waitFor();
      await page.getByRole("button", { name: "Go on" }).click();
      await page.locator(".field-error").waitFor();
    },
  },
  {
    name: "seats",
    path: `/show/${showId}`,
    async ready(page) {
      await page.getByRole("button", { name: "Choose the best 2 seats" }).click();
      await seat(page, "G3").click();
    },
  },
  {
    name: "pay",
    path: `/booking/${held.bookingId}`,
    person: customer,
    async ready(page) {
      await page.getByLabel(/From the wallet/).click();
      await page.getByText("The wallet pays").waitFor();
    },
  },
  {
    name: "ticket",
    path: `/booking/${paid.bookingId}`,
    person: customer,
    ready: (page) => page.getByRole("img").waitFor(),
  },
  {
    name: "bookings",
    path: "/bookings",
    person: customer,
    ready: (page) => page.getByText("To be paid").waitFor(),
  },
  {
    name: "account",
    path: "/account",
    person: customer,
    async ready(page) {
      await page.getByRole("button", { name: "Save the picture" }).click();
      await page.getByText("Choose a picture.").waitFor();
    },
  },
  {
    name: "wallet",
    path: "/wallet",
    person: customer,
    ready: (page) => page.getByText("Added").first().waitFor(),
  },
];

test.each(views)("axe finds no barrier on the page $name, and it fits a phone", async (view) => {
  expect(await findBarriers(office, view)).toEqual([]);
});
