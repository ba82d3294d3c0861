// What the SDK has to be able to do on every platform, against a running server. Throws with what does not hold.
export async function tryOut(sdk, { url, apiKey, token, card }) {
  const { createSkyfoxClient, Decimal } = sdk;
  const skyfox = createSkyfoxClient({ url, apiKey, token });

  const [cinema, before] = await Promise.all([skyfox.show.cinema.query(), skyfox.wallet.balance.query()]);
  expect("an instant", cinema.now instanceof Date);
  expect("an amount", Decimal.isDecimal(before.balance));

  const topUp = { amount: new Decimal("1.50"), card };
  const own = { idempotencyKey: `try-out-${cinema.now.getTime()}` };
  const [first, again] = [
    await skyfox.wallet.addFunds.safe(topUp, own),
    await skyfox.wallet.addFunds.safe(topUp, own),
  ];
  expect("a keyed mutation", first.ok && again.ok && first.data.transactionId === again.data.transactionId);
  const after = await skyfox.wallet.balance.query();
  expect("one effect of two calls", after.balance.minus(before.balance).eq("1.5"));
  const ownKey = await skyfox.wallet.addFunds.safe({ ...topUp, amount: "0.001" });
  expect(
    "a key",
    !ownKey.ok && ownKey.error.code === "VALIDATION_ERROR" && ownKey.error.idempotencyKey.length === 32,
  );

  const missing = await skyfox.show.byId.safe({ showId: 2_000_000_000 });
  expect("a refusal", !missing.ok && missing.error.code === "SHOW_NOT_FOUND");

  const away = createSkyfoxClient({ url: "http://127.0.0.1:9", apiKey, retries: 0 });
  expect("a failure of the network", await failsWith(away.show.cinema.safe(), "NETWORK"));

  const silent = createSkyfoxClient({ url, apiKey, retries: 0, fetch: neverAnswers });
  const late = { timeoutMs: 20 };
  for (const call of [silent.show.cinema.safe(undefined, late), silent.exports.bookingsCsv.safe(late)])
    expect("a timeout", await failsWith(call, "TIMEOUT"));
  const leaving = new AbortController();
  const signal = leaving.signal;
  const calls = [silent.show.cinema.safe(undefined, { signal }), silent.exports.bookingsCsv.safe({ signal })];
  leaving.abort();
  for (const call of calls) expect("an abort", await failsWith(call, "ABORTED"));
}

function expect(what, holds) {
  if (!holds) throw new Error(`There is not what should be: ${what}.`);
}

async function failsWith(call, code) {
  const { ok, error } = await call;
  if (!ok && error.code !== code) throw new Error(`${code} was expected: ${error.code}, ${error.message}`);
  return !ok;
}

function neverAnswers(_url, { signal }) {
  return new Promise((_resolve, reject) => {
    const abort = () => reject(Object.assign(new Error("Aborted."), { name: "AbortError" }));
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}
