import { failureOf, type Failure } from "@skyfox/sdk";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, skyfox } from "../client.ts";
import { leadingBack } from "../router.ts";
import { Field, Notice, Page, textsOf } from "../ui.tsx";
import { fieldsOf, mayBeChanged, say } from "../words.ts";
import { PasswordField } from "./password-field.tsx";
import { useLogIn } from "./use-log-in.ts";

interface Asked {
  email: string;
  question: string;
}

/** Gives a customer who forgot the password a new one: e-mail address, security answer, new password, and they are signed in. */
export function RecoverPage() {
  const [asked, setAsked] = useState<Asked>();
  const [resetToken, setResetToken] = useState<string>();
  return (
    <Page title="Forgotten password">
      {asked === undefined ? (
        <AskEmail onAsked={setAsked} />
      ) : resetToken === undefined ? (
        <Answer asked={asked} onAnswered={setResetToken} onOther={() => setAsked(undefined)} />
      ) : (
        <NewPassword email={asked.email} resetToken={resetToken} onTooLate={() => setResetToken(undefined)} />
      )}
    </Page>
  );
}

function AskEmail({ onAsked }: { onAsked: (asked: Asked) => void }) {
  const ask = useMutation({
    mutationFn: (email: string) => skyfox.auth.securityQuestion.query({ email }),
    onSuccess: ({ question }, email) => onAsked({ email, question }),
  });
  const failure = ask.error === null ? undefined : failureOf(ask.error, "auth.securityQuestion");
  const errors = failure === undefined ? {} : fieldsOf(failure);
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        ask.mutate(textsOf(event.currentTarget)["email"] ?? "");
      }}
      noValidate
    >
      <Field
        label="E-mail"
        name="email"
        type="email"
        autoComplete="email"
        hint="The address that you signed up with"
        error={errors["email"]}
      />
      {failure !== undefined && errors["email"] === undefined && <Notice kind="bad">{say(failure)}</Notice>}
      <button type="submit" className="main" disabled={ask.isPending}>
        {ask.isPending ? "One moment …" : "Go on"}
      </button>
      <p>Staff have their password from an admin.</p>
    </form>
  );
}

interface AnswerProps {
  asked: Asked;
  onAnswered: (resetToken: string) => void;
  onOther: () => void;
}

function Answer({ asked: { email, question }, onAnswered, onOther }: AnswerProps) {
  const answer = useMutation(
    api.auth.verifySecurityAnswer.mutationOptions({ onSuccess: ({ resetToken }) => onAnswered(resetToken) }),
  );
  const errors = answer.error === null ? {} : answerErrors(answer.error);
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        const { securityAnswer = "" } = textsOf(event.currentTarget);
        answer.mutate({ email, securityAnswer });
      }}
      noValidate
    >
      <p>
        {email}{" "}
        <button type="button" className="plain" onClick={onOther}>
          Use another address
        </button>
      </p>
      <Field
        label={question}
        name="securityAnswer"
        autoComplete="off"
        autoFocus
        error={errors["securityAnswer"]}
      />
      {answer.error !== null && Object.keys(errors).length === 0 && (
        <Notice kind="bad">{sayAnswerFailure(answer.error)}</Notice>
      )}
      <button type="submit" className="main" disabled={answer.isPending}>
        {answer.isPending ? "One moment …" : "Go on"}
      </button>
    </form>
  );
}

function answerErrors(failure: Failure<"auth.verifySecurityAnswer">): Record<string, string> {
  return failure.code === "INVALID_SECURITY_ANSWER"
    ? { securityAnswer: "That is not the answer of this address." }
    : fieldsOf(failure);
}

function sayAnswerFailure(failure: Failure<"auth.verifySecurityAnswer">): string {
  return failure.code === "INVALID_SECURITY_ANSWER" ? failure.message : say(failure);
}

interface NewPasswordProps {
  email: string;
  resetToken: string;
  onTooLate: () => void;
}

function NewPassword({ email, resetToken, onTooLate }: NewPasswordProps) {
  const logIn = useLogIn();
  const reset = useMutation(
    api.auth.resetPassword.mutationOptions({
      onSuccess: ({ username }, { newPassword }) => logIn.mutate({ username, password: newPassword }),
    }),
  );
  const errors = reset.error === null ? {} : resetErrors(reset.error);
  const isBusy = reset.isPending || logIn.isPending;
  if (logIn.error !== null)
    return (
      <Notice kind="good">
        Your password is changed. <a href={`#${leadingBack("/sign-in")}`}>Sign in with it</a>
      </Notice>
    );
  return (
    <form
      className="narrow"
      onSubmit={(event) => {
        event.preventDefault();
        const { newPassword = "" } = textsOf(event.currentTarget);
        reset.mutate({ email, resetToken, newPassword });
      }}
      noValidate
    >
      <PasswordField label="New password" name="newPassword" autoFocus error={errors["newPassword"]} />
      {reset.error?.code === "INVALID_RESET_TOKEN" ? (
        <Notice kind="bad">
          That took too long, or you began again elsewhere.{" "}
          <button type="button" className="plain" onClick={onTooLate}>
            Answer the question again
          </button>
        </Notice>
      ) : (
        reset.error !== null &&
        Object.keys(errors).length === 0 && <Notice kind="bad">{sayResetFailure(reset.error)}</Notice>
      )}
      <button type="submit" className="main" disabled={isBusy}>
        {isBusy ? "One moment …" : "Change the password and sign in"}
      </button>
    </form>
  );
}

function resetErrors(failure: Failure<"auth.resetPassword">): Record<string, string> {
  return failure.code === "PASSWORD_REUSE" ? { newPassword: failure.message } : fieldsOf(failure);
}

function sayResetFailure(failure: Failure<"auth.resetPassword">): string {
  switch (failure.code) {
    case "PASSWORD_REUSE":
    case "INVALID_RESET_TOKEN":
      return failure.message;
    default:
      return mayBeChanged(failure) ?? say(failure);
  }
}
