import { describe, expect, test } from "vitest";
import { goodCard } from "../../test/given.ts";
import { startRudeGateway } from "../../test/rude-gateway.ts";
import { testStart } from "../../test/test-app.ts";
import { createManualClock } from "../../test/manual-clock.ts";
import { Decimal } from "../contract/index.ts";

const rude = await startRudeGateway({ clock: createManualClock(testStart) });
const amount = new Decimal("10");
const card = { ...goodCard, number: "4242424242424242", cvv: "737" };

async function charge(status: number, body: unknown) {
  rude.says(() => ({ status, body }));
  return await rude.gateway.charge({ key: "key", amount, card });
}

async function ask(status: number, body: unknown) {
  rude.says(() => ({ status, body }));
  return await rude.gateway.findCharge({ key: "key", amount });
}

describe("a card that the gateway repeats", () => {
  test.each([
    ["Card 4242424242424242 declined", "Card [card] declined"],
    ["Card 4242 4242 4242 4242 declined", "Card [card] declined"],
    ["4242-4242-4242-4242, again 4242.4242.4242.4242", "[card], again [card]"],
    ["x4242424242424242x", "x[card]x"],
    ["42424242\u000042424242", "[card]"],
    ["cvv 737, code=737.", "cvv [cvv], code=[cvv]."],
    ["7370 and 1737 are other numbers", "7370 and 1737 are other numbers"],
  ])("is not in the words of a decline: %s", async (said, kept) => {
    expect(await charge(200, { status: "FAILED", message: said })).toEqual({
      kind: "declined",
      message: kept,
    });
  });

  test("is not there in part either, where long words are cut", async () => {
    const message = `${"x".repeat(190)}${card.number}`;
    const declined = await charge(200, { status: "FAILED", message });
    expect(declined).toEqual({ kind: "declined", message: `${"x".repeat(190)}[card]` });
  });

  test("is not in the fields and messages of a refusal", async () => {
    const errors = [{ field: `card_number=${card.number}`, message: `4242 4242 4242 4242 (${card.cvv})` }];
    expect(await charge(422, { status: "REJECT", errors })).toEqual({
      kind: "rejected",
      errors: [{ field: "card_number=[card]", message: "[card] ([cvv])" }],
    });
  });

  test.each(["tx-4242424242424242-1", "4242-4242-4242-4242"])(
    "makes a reference that cannot be kept, and our key takes its place: %s",
    async (transaction_id) => {
      const charged = await charge(200, { status: "SUCCESS", transaction_id });
      expect(charged).toEqual({ kind: "success", transactionId: "key" });
    },
  );
});

describe("the gateway's words", () => {
  test("are cut, and are what Postgres can hold", async () => {
    const declined = await charge(200, { status: "FAILED", message: `no\0\ud800${"x".repeat(9_999)}` });
    expect(declined).toEqual({ kind: "declined", message: `no\ufffd${"x".repeat(197)}` });
  });

  test("about a refused card are at most twenty, of two hundred characters", async () => {
    const errors = Array.from({ length: 50 }, () => ({ field: "f".repeat(300), message: "m".repeat(300) }));
    const refused = await charge(422, { status: "REJECT", errors });
    const kept = { field: "f".repeat(200), message: "m".repeat(200) };
    expect(refused).toEqual({ kind: "rejected", errors: Array.from({ length: 20 }, () => kept) });
  });

  test("are read up to 64 KiB", async () => {
    const said = JSON.stringify({ status: "SUCCESS", transaction_id: "t" });
    const kinds = [];
    for (const length of [65_536, 65_537]) {
      rude.says(() => (response) => response.writeHead(200).end(said.padStart(length)));
      kinds.push((await rude.gateway.charge({ key: "key", amount, card })).kind);
    }
    expect(kinds).toEqual(["success", "unknown"]);
    // It goes on for ever; the rest is not waited for.
    rude.says(() => (response) => response.writeHead(200).write(" ".repeat(65_537)));
    expect(await rude.gateway.charge({ key: "key", amount, card })).toEqual({
      kind: "unknown",
      reason: "the gateway's answer does not say what happened (HTTP 200)",
    });
  });
});

describe("the gateway's reference", () => {
  test.each(["!", "~".repeat(255), "txn_4f0c-1"])("may be %s", async (transaction_id) => {
    const body = { status: "SUCCESS", transaction_id };
    expect(await charge(200, body)).toEqual({ kind: "success", transactionId: transaction_id });
    expect(await ask(200, { ...body, amount: "10.00" })).toEqual({
      kind: "success",
      transactionId: transaction_id,
    });
  });

  test.each(["", "~".repeat(256), "a b", "a\0b", "a\nb", "é", 5, null])(
    "may not be %j: the outcome is unknown",
    async (transaction_id) => {
      const body = { status: "SUCCESS", transaction_id };
      expect(await charge(200, body)).toMatchObject({ kind: "unknown" });
      expect(await ask(200, { ...body, amount: "10.00" })).toMatchObject({ kind: "unclear" });
    },
  );

  test("is our key, where it says only when it is asked that it has charged, and names none", async () => {
    expect(await charge(200, { status: "SUCCESS" })).toMatchObject({ kind: "unknown" });
    expect(await ask(200, { status: "SUCCESS", amount: "10.00" })).toEqual({
      kind: "success",
      transactionId: "key",
    });
  });
});

describe("the amount that the gateway names", () => {
  const said = (named: unknown) => ask(200, { status: "SUCCESS", transaction_id: "t", amount: named });

  test.each(["10.00", "10", "10.0", 10, "010.000"])("may be written as %j", async (named) => {
    expect(await said(named)).toEqual({ kind: "success", transactionId: "t" });
  });

  test.each(["10.01", "1e1", "-10", "ten", "", 100, 1e21, null, undefined, "NaN", "1".repeat(9_999)])(
    "is another one as %j",
    async (named) => {
      expect(await said(named)).toMatchObject({ kind: "unclear" });
    },
  );
});

test("a redirect does not send the card elsewhere", async () => {
  const before = rude.asked.length;
  rude.says(() => (response) => response.writeHead(307, { location: "/elsewhere" }).end());
  expect(await rude.gateway.charge({ key: "key", amount, card })).toMatchObject({ kind: "unknown" });
  expect(rude.asked.slice(before).map(({ what }) => what)).toEqual(["charge"]);
});

test("HTTP 403 is a no, and nothing was charged", async () => {
  expect(await charge(403, {})).toMatchObject({ kind: "failed" });
});

const statuses = Array.from({ length: 100 }, (_, index) => 400 + index);
test.each(statuses.filter((status) => status !== 403 && status !== 422))(
  "HTTP %i says nothing of the charge",
  async (status) => {
    for (const body of [
      {},
      { status: "FAILED" },
      { status: "REJECT", errors: [] },
      { status: "UNKNOWN_KEY" },
    ])
      expect(await charge(status, body)).toMatchObject({ kind: "unknown" });
  },
);
