import { expect, test } from "vitest";
import { createTestApp } from "../../../server/test/test-app.ts";
import { domainErrorOf } from "../../src/index.ts";
import { connect, errorOf, newCustomer } from "../connect.ts";

const app = await createTestApp();

test("a forgotten password is replaced after the security answer", async () => {
  const skyfox = connect(app);
  const { email, username, securityAnswer, ...customer } = newCustomer();
  await skyfox.auth.signup.mutate({ ...customer, email, username, securityAnswer });

  const { questionId } = await skyfox.auth.securityQuestion.query({ email });
  expect(questionId).toBe(customer.securityQuestionId);
  const wrong = await errorOf(skyfox.auth.verifySecurityAnswer.mutate({ email, securityAnswer: "nothing" }));
  expect(domainErrorOf(wrong)?.code).toBe("INVALID_SECURITY_ANSWER");
  const { resetToken } = await skyfox.auth.verifySecurityAnswer.mutate({ email, securityAnswer });

  const newPassword = "Another-Horse-8";
  expect(await skyfox.auth.resetPassword.mutate({ email, resetToken, newPassword })).toEqual({ username });
  const { user } = await skyfox.auth.login.mutate({ username, password: newPassword });
  expect(user.username).toBe(username);
});
