import { expect, test } from "vitest";
import { problemOf } from "../../test/given-money.ts";
import { ticketOf } from "../../test/ticket-contents.ts";
import { createTicketPrinter } from "./ticket-printer.ts";

test("tickets are printed one after the other, and a call that finds too many waiting gets a time to come back", async () => {
  const printer = createTicketPrinter({ atOnce: 1, waiting: 1, retryAfterSeconds: 3 });
  const printing = [printer.print(ticketOf()), printer.print(ticketOf())];
  expect(await problemOf(printer.print(ticketOf()))).toEqual({
    code: "RATE_LIMITED",
    details: { retryAfterSeconds: 3 },
  });
  const [first, second] = await Promise.all(printing);
  expect(first?.equals(second!)).toBe(true);
  expect((await printer.print(ticketOf())).equals(first!)).toBe(true);
});

test("between two tickets whatever else waits has its turn", async () => {
  const printer = createTicketPrinter();
  const happened: string[] = [];
  const printing = Array.from({ length: 3 }, async () => {
    await printer.print(ticketOf());
    happened.push("printed");
  });
  const waiting = async () => {
    while (happened.filter((one) => one === "printed").length < 2) {
      await new Promise((resolve) => setImmediate(resolve));
      happened.push("something else");
    }
  };
  await Promise.all([...printing, waiting()]);
  const [first, second] = happened.flatMap((one, index) => (one === "printed" ? [index] : []));
  expect(happened.slice(first! + 1, second)).toContain("something else");
});
