import type { Failure } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api } from "../client.ts";
import { Field, Loaded, Notice, Page, Select, textsOf } from "../ui.tsx";
import { fieldsOf, say } from "../words.ts";
import { PasswordField } from "./password-field.tsx";
import { useLogIn } from "./use-log-in.ts";

/** Makes an account and signs in with it. The fields that SkyFox refuses are marked, all at once. */
export function SignUpPage() {
  const questions = useQuery(api.auth.securityQuestions.queryOptions());
  const logIn = useLogIn();
  const signUp = useMutation(
    api.auth.signup.mutationOptions({
      onSuccess: (_answer, { username, password }) => logIn.mutate({ username, password }),
    }),
  );
  const errors = signUp.error === null ? {} : errorsOf(signUp.error);
  const problem =
    signUp.error !== null && Object.keys(errors).length === 0 ? sayRest(signUp.error) : undefined;
  const isBusy = signUp.isPending || logIn.isPending;

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { securityQuestionId, ...texts } = textsOf(event.currentTarget);
    const {
      name = "",
      username = "",
      email = "",
      phoneNumber = "",
      password = "",
      securityAnswer = "",
    } = texts;
    const account = { name, username, email, phoneNumber, password, securityAnswer };
    signUp.mutate({ ...account, securityQuestionId: Number(securityQuestionId) });
  }

  return (
    <Page title="Make an account">
      <Loaded query={questions}>
        {(list) => (
          <form className="narrow" onSubmit={submit} noValidate>
            <Field label="Name" name="name" autoComplete="name" error={errors["name"]} />
            <Field
              label="Username"
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              error={errors["username"]}
            />
            <Field label="E-mail" name="email" type="email" autoComplete="email" error={errors["email"]} />
            <Field
              label="Phone number"
              name="phoneNumber"
              type="tel"
              autoComplete="tel-national"
              hint="Ten digits"
              error={errors["phoneNumber"]}
            />
            <PasswordField label="Password" name="password" error={errors["password"]} />
            <Select label="Security question" name="securityQuestionId" error={errors["securityQuestionId"]}>
              {list.map(({ id, question }) => (
                <option key={id} value={id}>
                  {question}
                </option>
              ))}
            </Select>
            <Field
              label="Your answer"
              name="securityAnswer"
              autoComplete="off"
              error={errors["securityAnswer"]}
            />
            {problem !== undefined && <Notice kind="bad">{problem}</Notice>}
            {logIn.error !== null && <Notice kind="bad">Your account is made. Sign in with it.</Notice>}
            <button type="submit" className="main" disabled={isBusy}>
              {isBusy ? "One moment …" : "Make the account"}
            </button>
          </form>
        )}
      </Loaded>
    </Page>
  );
}

// What is about one field, at that field.
function errorsOf(failure: Failure<"auth.signup">): Record<string, string> {
  switch (failure.code) {
    case "USERNAME_EXISTS":
      return { username: failure.message };
    case "EMAIL_EXISTS":
      return { email: failure.message };
    case "PHONE_NUMBER_EXISTS":
      return { phoneNumber: failure.message };
    case "INVALID_SECURITY_QUESTION":
      return { securityQuestionId: failure.message };
    default:
      return fieldsOf(failure);
  }
}

function sayRest(failure: Failure<"auth.signup">): string {
  switch (failure.code) {
    case "USERNAME_EXISTS":
    case "EMAIL_EXISTS":
    case "PHONE_NUMBER_EXISTS":
    case "INVALID_SECURITY_QUESTION":
    case "INVALID_IMAGE":
    case "INVALID_IMAGE_HASH":
    case "STORAGE_UNAVAILABLE":
      return failure.message;
    default:
      return say(failure);
  }
}
