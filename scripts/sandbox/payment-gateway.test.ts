import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { runScript } from "../test/run-script.ts";
import { testCards } from "./cards.ts";
import type { Outcome } from "./outcomes.ts";
import { type PaymentGatewaySandbox, startPaymentGateway } from "./payment-gateway.ts";

const apiKey = "gateway-key";
const now = () => new Date("2026-03-15T12:00:00Z");

const card = {
  card_number: testCards.approved,
  cvv: "123",
  expiry: "03/26",
  name: "Test Card",
  amount: "250.00",
  timestamp: "2026-03-15T12:00:00Z",
};

let gateway: PaymentGatewaySandbox;

beforeEach(async () => {
  gateway = await startPaymentGateway({ apiKey, now });
});

afterEach(async () => {
  await gateway.stop();
});

const answerSchema = z.looseObject({
  status: z.string().optional(),
  transaction_id: z.string().optional(),
  request_id: z.string().startsWith("req_").optional(),
  refund_id: z.string().startsWith("ref_").optional(),
});

type Request = Omit<RequestInit, "headers"> & { headers?: Record<string, string> };

async function call(path: string, request: Request = {}, of = gateway) {
  const response = await fetch(of.url + path, {
    ...request,
    headers: { "x-api-key": apiKey, "content-type": "application/json", ...request.headers },
  });
  return { status: response.status, body: answerSchema.parse(await response.json()) };
}

type Sent = { signal?: AbortSignal; of?: PaymentGatewaySandbox };

function post(path: string, key: string, body: object, { signal, of }: Sent = {}) {
  const headers = { "idempotency-key": key };
  return call(path, { method: "POST", headers, body: JSON.stringify(body), signal: signal ?? null }, of);
}

const pay = (key: string, changes: object = {}, sent: Sent = {}) =>
  post("/payment", key, { ...card, ...changes }, sent);
const refund = (key: string, body: { transaction_id: string; amount: string }) => post("/refund", key, body);
const ask = (key: string) => call(`/payments/${key}`);

async function paidTransaction(key: string): Promise<string> {
  const { body } = await pay(key);
  return z.string().parse(body.transaction_id);
}

const openWith = (booksFile: string) => startPaymentGateway({ apiKey, now, booksFile });

function refundOf(transactionId: string, amount: string) {
  return { transaction_id: transactionId, amount };
}

describe("a payment", () => {
  it("takes the money of a good card and can be asked about", async () => {
    const paid = await pay("key-1");
    expect(paid).toMatchObject({
      status: 200,
      body: {
        status: "SUCCESS",
        message: "The payment was taken.",
      },
    });
    expect(paid.body.request_id).toBeDefined();
    const transactionId = z.string().parse(paid.body.transaction_id);
    expect(gateway.books()).toEqual({
      charges: [{ key: "key-1", transactionId, amount: "250.00" }],
      refunds: [],
    });
    expect(await ask("key-1")).toEqual({
      status: 200,
      body: { status: "SUCCESS", transaction_id: transactionId, amount: "250.00" },
    });
  });

  it("is declined for the declined test card, and takes nothing", async () => {
    const paid = await pay("key-1", { card_number: testCards.declined });
    expect(paid).toMatchObject({ status: 200, body: { status: "FAILED" } });
    expect(gateway.books().charges).toEqual([]);
    expect(await ask("key-1")).toMatchObject({ body: { status: "FAILED", amount: "250.00" } });
  });

  it("takes its time for the slow test card, and is pending until then", async () => {
    const called = gateway.waitForCall();
    const leaving = new AbortController();
    const paying = pay("key-1", { card_number: testCards.slow }, { signal: leaving.signal });
    await called;
    expect(await ask("key-1")).toEqual({ status: 200, body: { status: "PENDING", amount: "250.00" } });
    leaving.abort();
    await expect(paying).rejects.toThrow("aborted");
    expect(gateway.books().charges).toEqual([]);
  });

  it("with the slow test card succeeds in the end", async () => {
    const quick = await startPaymentGateway({ apiKey, now, slowCardMs: 1 });
    const paid = await pay("key-1", { card_number: testCards.slow }, { of: quick });
    expect(paid.body.status).toBe("SUCCESS");
    await quick.stop();
  });

  it.each([
    ["card_number", { card_number: "4242424242424241" }, "Card number is not valid"],
    ["card_number", { card_number: "4242 4242 4242 4242" }, "Card number must have 12 to 19 digits"],
    ["card_number", { card_number: "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢" }, "Card number must have 12 to 19 digits"],
    ["cvv", { cvv: "12" }, "CVV must have 3 or 4 digits"],
    ["cvv", { cvv: 123 }, "CVV must have 3 or 4 digits"],
    ["expiry", { expiry: "02/26" }, "Card has expired"],
    ["expiry", { expiry: "13/26" }, "Expiry must be MM/YY"],
    ["name", { name: "  " }, "Name on card is required"],
    ["name", { name: "n".repeat(101) }, "Name on card must have at most 100 characters"],
    ["amount", { amount: 250 }, "Amount must be a number with at most two decimals"],
    ["amount", { amount: "1.001" }, "Amount must be a number with at most two decimals"],
    ["amount", { amount: "-1.00" }, "Amount must be a number with at most two decimals"],
    ["amount", { amount: "0.00" }, "Amount must be more than 0"],
    ["amount", { amount: "1000000.01" }, "Amount must be at most 1000000.00"],
  ])("is refused for its %s: %j", async (field, changes, message) => {
    expect(await pay("key-1", changes)).toEqual({
      status: 422,
      body: { status: "REJECT", errors: [{ field, message }] },
    });
    expect(gateway.books().charges).toEqual([]);
    expect(await ask("key-1")).toEqual({ status: 404, body: { status: "UNKNOWN_KEY" } });
  });

  it("gets all its faults in one answer", async () => {
    const { body } = await post("/payment", "", {});
    const { errors } = z.object({ errors: z.array(z.object({ field: z.string() })) }).parse(body);
    expect(errors.map(({ field }) => field)).toEqual([
      "Idempotency-Key",
      "card_number",
      "cvv",
      "expiry",
      "name",
      "amount",
    ]);
  });

  it.each(["not json", "[]", "null"])("with the body %s is refused", async (body) => {
    expect(await call("/payment", { method: "POST", body })).toMatchObject({ status: 422 });
  });

  it("with a refused field can be corrected under the same key", async () => {
    await pay("key-1", { cvv: "1" });
    expect((await pay("key-1")).body.status).toBe("SUCCESS");
  });
});

describe("the key of the gateway", () => {
  it.each(["/payment", "/refund", "/payments/key-1", "/nothing"])("is needed for %s", async (path) => {
    const method = path === "/payments/key-1" ? "GET" : "POST";
    expect(await call(path, { method, headers: { "x-api-key": "other" } })).toMatchObject({ status: 403 });
    expect((await fetch(gateway.url + path, { method })).status).toBe(403);
    expect(gateway.calls()).toEqual([]);
  });
});

describe("the same payment again", () => {
  it("gets the stored answer and charges nothing, also after the card has expired", async () => {
    let today = now();
    const aged = await startPaymentGateway({ apiKey, now: () => today });
    const first = await pay("key-1", {}, { of: aged });
    today = new Date("2027-01-01T00:00:00Z");
    const again = await pay("key-1", { timestamp: "2027-01-01T00:00:00Z" }, { of: aged });
    expect(again).toEqual(first);
    expect(aged.books().charges).toHaveLength(1);
    expect(aged.calls()).toEqual([
      { key: "key-1", amount: "250.00" },
      { key: "key-1", amount: "250.00" },
    ]);
    await aged.stop();
  });

  it("gets one charge when fifty arrive together", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => pay("key-1")));
    expect(new Set(answers.map(({ body }) => z.string().parse(body.transaction_id))).size).toBe(1);
    expect(gateway.books().charges).toHaveLength(1);
  });

  it("waits for the outcome of the one that is running", async () => {
    const slow = gateway.script("slow");
    const first = pay("key-1");
    await slow.arrived;
    const called = gateway.waitForCall();
    const second = pay("key-1");
    await called;
    expect(gateway.books().charges).toEqual([]);
    await slow.release();
    expect(await second).toEqual(await first);
    expect(gateway.books().charges).toHaveLength(1);
  });

  it.each([{ amount: "250.01" }, { card_number: "5555555555554444" }])(
    "is refused with 409 when it is another payment: %j",
    async (changes) => {
      await pay("key-1");
      expect(await pay("key-1", changes)).toMatchObject({ status: 409 });
      expect(gateway.books().charges).toHaveLength(1);
    },
  );
});

describe("a scripted outcome", () => {
  const lost = "fetch failed";

  it("counts for one new charge, in the order of the script", async () => {
    gateway.script("declined");
    gateway.script("forbidden");
    gateway.script("unavailable");
    const answers = [
      await pay("key-1"),
      await pay("key-1"),
      await pay("key-2"),
      await pay("key-2"),
      await pay("key-2"),
    ];
    expect(answers.map(({ status, body }) => [status, body.status])).toEqual([
      [200, "FAILED"],
      [200, "FAILED"],
      [403, "FORBIDDEN"],
      [503, "UNAVAILABLE"],
      [200, "SUCCESS"],
    ]);
  });

  it.each<[Outcome, number]>([
    ["forbidden", 0],
    ["unavailable", 0],
    ["error-after-success", 1],
    ["conflict-after-success", 1],
  ])("%s leaves %i charges", async (outcome, charges) => {
    gateway.script(outcome);
    expect((await pay("key-1")).status).toBeGreaterThanOrEqual(400);
    expect(gateway.books().charges).toHaveLength(charges);
    expect((await ask("key-1")).body.status).toBe(charges === 1 ? "SUCCESS" : "UNKNOWN_KEY");
    expect((await pay("key-1")).body.status).toBe("SUCCESS");
    expect(gateway.books().charges).toHaveLength(1);
  });

  it.each<[Outcome, number]>([
    ["reset-before-effect", 0],
    ["reset-after-effect", 1],
  ])("%s cuts the connection and leaves %i charges", async (outcome, charges) => {
    gateway.script(outcome);
    await expect(pay("key-1")).rejects.toMatchObject({ message: lost, cause: { code: "ECONNRESET" } });
    expect(gateway.books().charges).toHaveLength(charges);
    expect((await pay("key-1")).body.status).toBe("SUCCESS");
    expect(gateway.books().charges).toHaveLength(1);
  });

  it("unreadable charges and answers 200 with a broken body", async () => {
    gateway.script("unreadable");
    await expect(pay("key-1")).rejects.toThrow(SyntaxError);
    expect(gateway.books().charges).toHaveLength(1);
  });

  it("timeout-before-effect never charges, whether the caller leaves or the test lets it go", async () => {
    const hanging = gateway.script("timeout-before-effect");
    const paying = pay("key-1");
    expect(await hanging.arrived).toEqual({ key: "key-1", amount: "250.00" });
    expect((await ask("key-1")).body.status).toBe("UNKNOWN_KEY");
    await Promise.all([expect(paying).rejects.toThrow(lost), hanging.release()]);
    expect(gateway.books().charges).toEqual([]);
  });

  it("timeout-after-effect has charged when it has arrived, and answers when released", async () => {
    const hanging = gateway.script("timeout-after-effect");
    const paying = pay("key-1");
    await hanging.arrived;
    expect(gateway.books().charges).toHaveLength(1);
    expect((await ask("key-1")).body.status).toBe("SUCCESS");
    await hanging.release();
    expect((await paying).body.status).toBe("SUCCESS");
  });

  it("slow charges once it is released, also when its caller has left", async () => {
    const slow = gateway.script("slow");
    const leaving = new AbortController();
    const paying = pay("key-1", {}, { signal: leaving.signal });
    await slow.arrived;
    leaving.abort();
    await expect(paying).rejects.toThrow("aborted");
    expect((await ask("key-1")).body.status).toBe("PENDING");
    expect(gateway.books().charges).toEqual([]);
    await slow.release();
    expect(gateway.books().charges).toHaveLength(1);
    expect((await ask("key-1")).body.status).toBe("SUCCESS");
  });

  it("late is unknown until it charges, and charges nothing where a repetition came first", async () => {
    const late = gateway.script("late");
    const paying = pay("key-1");
    await late.arrived;
    expect((await ask("key-1")).body.status).toBe("UNKNOWN_KEY");
    const repeated = await pay("key-1");
    await late.release();
    expect(await paying).toEqual(repeated);
    expect(gateway.books().charges).toHaveLength(1);
  });

  it("does not reach the books of a gateway that was stopped meanwhile", async () => {
    const slow = gateway.script("slow");
    const paying = pay("key-1");
    await slow.arrived;
    await Promise.all([expect(paying).rejects.toThrow(lost), gateway.stop()]);
    await slow.release();
    expect(gateway.books().charges).toEqual([]);
  });

  it("may be no asking route at all, or one that fails", async () => {
    await pay("key-1");
    gateway.setAskRoute("missing");
    expect(await ask("key-1")).toEqual({ status: 404, body: { error: "Not Found" } });
    gateway.setAskRoute("unavailable");
    expect(await ask("key-1")).toMatchObject({ status: 503 });
    gateway.setAskRoute("offered");
    expect((await ask("key-1")).body.status).toBe("SUCCESS");
  });
});

describe("a refund", () => {
  it("gives back in parts, and never more than was charged", async () => {
    const transaction = await paidTransaction("key-1");
    expect(await refund("ref-1", refundOf(transaction, "100.10"))).toMatchObject({
      status: 200,
      body: {
        status: "SUCCESS",
        transaction_id: transaction,
        amount: "100.10",
      },
    });
    expect(await refund("ref-2", refundOf(transaction, "149.91"))).toEqual({
      status: 422,
      body: { status: "REJECT", errors: [{ field: "amount", message: "At most 149.90 can be refunded" }] },
    });
    expect((await refund("ref-2", refundOf(transaction, "149.9"))).status).toBe(200);
    expect((await refund("ref-3", refundOf(transaction, "0.01"))).status).toBe(422);
    expect(gateway.books().refunds.map(({ amount }) => amount)).toEqual(["100.10", "149.90"]);
  });

  it("is given once per key, and not under another request", async () => {
    const transaction = await paidTransaction("key-1");
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refund("ref-1", refundOf(transaction, "50.00"))),
    );
    expect(new Set(answers.map(({ body }) => z.string().parse(body.refund_id))).size).toBe(1);
    expect((await refund("ref-1", refundOf(transaction, "50.01"))).status).toBe(409);
    expect(gateway.books().refunds).toHaveLength(1);
  });

  it("of an unknown transaction is a 404 that says so", async () => {
    expect(await refund("ref-1", refundOf("txn_none", "1.00"))).toMatchObject({
      status: 404,
      body: { status: "UNKNOWN_TRANSACTION" },
    });
  });

  it("of a declined payment gives nothing", async () => {
    gateway.script("declined");
    const transaction = await paidTransaction("key-1");
    expect((await refund("ref-1", refundOf(transaction, "0.01"))).status).toBe(422);
  });

  it.each(["0", "1.001", "-1", ""])("of %j is refused", async (amount) => {
    const transaction = await paidTransaction("key-1");
    expect(await refund("ref-1", refundOf(transaction, amount))).toMatchObject({
      status: 422,
      body: { errors: [{ field: "amount" }] },
    });
  });

  it("needs an Idempotency-Key", async () => {
    const transaction = await paidTransaction("key-1");
    expect((await refund("", refundOf(transaction, "1.00"))).status).toBe(422);
  });

  it("fails as often as the script says, then succeeds", async () => {
    const transaction = await paidTransaction("key-1");
    gateway.scriptRefund("unavailable");
    gateway.scriptRefund("declined");
    gateway.scriptRefund("error-after-success");
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 4; attempt += 1) {
      statuses.push((await refund("ref-1", refundOf(transaction, "250.00"))).status);
    }
    expect(statuses).toEqual([503, 422, 500, 200]);
    expect(gateway.books().refunds).toHaveLength(1);
  });

  it("that waits is checked again when it goes on", async () => {
    const transaction = await paidTransaction("key-1");
    const slow = gateway.scriptRefund("slow");
    const first = refund("ref-1", refundOf(transaction, "250.00"));
    await slow.arrived;
    expect((await refund("ref-2", refundOf(transaction, "250.00"))).status).toBe(200);
    await slow.release();
    expect((await first).status).toBe(422);
    expect(gateway.books().refunds).toHaveLength(1);
  });
});

describe("books in a file", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gateway-books-"));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it("survive a restart: charges, declines, refunds and answers", async () => {
    const file = join(folder, "state", "gateway.json");
    await gateway.stop();
    gateway = await openWith(file);
    const paid = await pay("key-1");
    const declined = await pay("key-2", { card_number: testCards.declined });
    await refund("ref-1", refundOf(z.string().parse(paid.body.transaction_id), "50.00"));
    const books = gateway.books();
    await gateway.stop();

    gateway = await openWith(file);
    expect(gateway.books()).toEqual(books);
    expect(await pay("key-1")).toEqual(paid);
    expect(await pay("key-2", { card_number: testCards.declined })).toEqual(declined);
    expect((await ask("key-1")).body.status).toBe("SUCCESS");
    expect(gateway.books()).toEqual(books);
    expect(await readdir(join(folder, "state"))).toEqual(["gateway.json", "gateway.json.lock"]);
  });

  it("hold a charge before it is answered", async () => {
    const file = join(folder, "gateway.json");
    await gateway.stop();
    gateway = await openWith(file);
    const hanging = gateway.script("timeout-after-effect");
    const paying = pay("key-1");
    await hanging.arrived;
    expect(await readFile(file, "utf8")).toContain('"key-1"');
    await hanging.release();
    await paying;
  });

  it("never hold card data", async () => {
    const file = join(folder, "gateway.json");
    await gateway.stop();
    gateway = await openWith(file);
    await pay("key-1", { cvv: "9137" });
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(testCards.approved);
    expect(text).not.toContain("9137");
    expect(text).not.toContain(card.name);
  });

  it("are those of every gateway that has the file: nothing is lost, and nothing is charged or given back twice", async () => {
    const file = join(folder, "gateway.json");
    await gateway.stop();
    gateway = await openWith(file);
    const second = await openWith(file);
    try {
      const paid = await pay("key-1");
      const transactionId = z.string().parse(paid.body.transaction_id);
      expect(await pay("key-1", {}, { of: second })).toEqual(paid);
      await pay("key-2", {}, { of: second });
      const whole = refundOf(transactionId, "250.00");
      expect((await post("/refund", "ref-1", whole, { of: second })).status).toBe(200);
      expect((await refund("ref-2", whole)).status).toBe(422);
      expect(gateway.books()).toMatchObject({
        charges: [{ key: "key-1" }, { key: "key-2" }],
        refunds: [{ key: "ref-1" }],
      });
      expect(second.books()).toEqual(gateway.books());
    } finally {
      await second.stop();
    }
  });

  it("keep every charge of several processes that add at the same time", async () => {
    const file = join(folder, "gateway.json");
    const names = ["a", "b", "c"];
    const adding = names.map((name) =>
      runScript("test/add-charges.ts", {}, { args: [file, name, String(names.length), "60"] }),
    );
    expect(await Promise.all(adding.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    await gateway.stop();
    gateway = await openWith(file);
    const keys = new Set(gateway.books().charges.map(({ key }) => key));
    expect(keys.size).toBe(names.length * 60);
  });

  it("that are no gateway's books stop the start", async () => {
    const file = join(folder, "gateway.json");
    await writeFile(file, "{}");
    await expect(openWith(file)).rejects.toThrow("does not hold a payment gateway's books");
  });
});
