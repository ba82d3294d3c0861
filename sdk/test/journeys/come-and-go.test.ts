import { expect, test } from "vitest";
import { givenShow } from "../../../server/test/given.ts";
import { createTestApp } from "../../../server/test/test-app.ts";
import { createSkyfoxClient, domainErrorOf, isSkyfoxError } from "../../src/index.ts";
import { connect, errorOf, newCustomer, signIn } from "../connect.ts";

const app = await createTestApp();

test("logging out ends the token", async () => {
  const skyfox = await signIn(app);
  expect(await skyfox.auth.logout.mutate()).toEqual({ endedSessions: 1 });
  expect(domainErrorOf(await errorOf(skyfox.auth.me.query()))?.code).toBe("SESSION_ENDED");
});

test("a call without a login is asked for a token", async () => {
  const error = await errorOf(connect(app).auth.me.query());
  expect(domainErrorOf(error)).toMatchObject({ code: "MISSING_TOKEN", details: null });
});

test("a wrong password is an error that narrows and names its request", async () => {
  const skyfox = connect(app);
  const customer = newCustomer();
  await skyfox.auth.signup.mutate(customer);
  const error = await errorOf(
    skyfox.auth.login.mutate({ username: customer.username, password: "Wrong-Horse-9" }),
  );

  if (!isSkyfoxError(error)) throw new Error("SkyFox answered, so this is its error.");
  expect(error.data).toMatchObject({ code: "UNAUTHORIZED", httpStatus: 401, path: "auth.login" });
  const { requestId } = error.data;
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  expect(domainErrorOf(error)).toEqual({
    code: "INVALID_CREDENTIALS",
    details: null,
    message: "The username or the password is not right.",
    requestId,
    fields: [],
    retryable: false,
    mayHaveHappened: false,
  });
});

test("a person who comes back is not kept out by others who guess, and hears of those who tried", async () => {
  const [skyfox, stranger] = [connect(app), connect(app)];
  const { username, password, email, ...customer } = newCustomer();
  await skyfox.auth.signup.mutate({ ...customer, username, password, email });
  const first = await skyfox.auth.login.mutate({ username, password });
  expect(first.notices).toEqual([]);
  for (let guess = 0; guess < 10; guess += 1)
    await errorOf(stranger.auth.login.mutate({ username, password: "wrong" }));
  await errorOf(stranger.auth.verifySecurityAnswer.mutate({ email, securityAnswer: "nothing" }));

  const shut = await errorOf(stranger.auth.login.mutate({ username, password }));
  expect(domainErrorOf(shut)?.code).toBe("RATE_LIMITED");
  const { notices } = await skyfox.auth.login.mutate({ username: ` ${username.toUpperCase()}`, password });
  expect(notices.map(({ kind }) => kind)).toEqual(["failed-recovery", "locked"]);
  expect(notices[0]?.at).toEqual(app.clock.now());
});

test("an unknown field and a wrong one are both named", async () => {
  const customer = { ...newCustomer(), phoneNumber: "12", nickname: "ash" };
  const problem = domainErrorOf(await errorOf(connect(app).auth.signup.mutate(customer)));
  expect(problem?.code).toBe("VALIDATION_ERROR");
  expect(problem?.fields).toEqual(
    expect.arrayContaining([
      { field: "nickname", message: "There is no such field." },
      { field: "phoneNumber", message: "The phone number is exactly ten digits." },
    ]),
  );
});

test("a domain error of one query in a batch leaves the others alone", async () => {
  const showId = await givenShow(app);
  const skyfox = await signIn(app);
  const [show, missing] = await Promise.all([
    skyfox.show.byId.query({ showId }),
    errorOf(skyfox.show.byId.query({ showId: 999_999 })),
  ]);
  expect(show.id).toBe(showId);
  expect(domainErrorOf(missing)?.code).toBe("SHOW_NOT_FOUND");
});

test("a wrong API key is refused for every query of a batch", async () => {
  const stranger = createSkyfoxClient({
    url: "http://skyfox.test",
    apiKey: "not-a-key",
    fetch: async (url, init) => app.app.request(url, init),
  });
  const errors = await Promise.all([
    errorOf(stranger.auth.securityQuestions.query()),
    errorOf(stranger.auth.me.query()),
  ]);
  expect(errors.map((error) => domainErrorOf(error)?.code)).toEqual(["INVALID_API_KEY", "INVALID_API_KEY"]);
});
