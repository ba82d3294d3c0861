import type { Failure } from "@skyfox/sdk";
import { useMutation } from "@tanstack/react-query";
import { useRef, type FormEvent } from "react";
import { api } from "../client.ts";
import { count } from "../format.ts";
import { Field, Notice, textsOf } from "../ui.tsx";
import { fieldsOf, mayBeChanged, say } from "../words.ts";
import { PasswordField } from "../customer/password-field.tsx";

/** Changes the password of the account; this session goes on, all others end. */
export function ChangePassword({ username }: { username: string }) {
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation(
    api.auth.changePassword.mutationOptions({ onSuccess: () => form.current?.reset() }),
  );
  const errors = change.error === null ? {} : passwordErrors(change.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { currentPassword = "", newPassword = "" } = textsOf(event.currentTarget);
    change.mutate({ currentPassword, newPassword });
  }

  return (
    <form ref={form} className="panel" aria-label="Password" onSubmit={submit} noValidate>
      <h2>Password</h2>
      {/* For the browser, which keeps passwords by it. */}
      <input hidden name="username" autoComplete="username" value={username} readOnly />
      <Field
        label="Present password"
        name="currentPassword"
        type="password"
        autoComplete="current-password"
        error={errors["currentPassword"]}
      />
      <PasswordField label="New password" name="newPassword" error={errors["newPassword"]} />
      {change.error !== null && Object.keys(errors).length === 0 && (
        <Notice kind="bad">{sayPasswordFailure(change.error)}</Notice>
      )}
      {change.isSuccess && (
        <Notice kind="good">Your password is changed. {sayEnded(change.data.endedSessions)}</Notice>
      )}
      <button type="submit" className="main" disabled={change.isPending}>
        Change the password
      </button>
    </form>
  );
}

function sayEnded(sessions: number): string {
  return sessions === 0 ? "" : `${count(sessions, "other session")} ended.`;
}

function passwordErrors(failure: Failure<"auth.changePassword">): Record<string, string> {
  switch (failure.code) {
    case "INCORRECT_PASSWORD":
      return { currentPassword: failure.message };
    case "PASSWORD_REUSE":
      return { newPassword: failure.message };
    default:
      return fieldsOf(failure);
  }
}

function sayPasswordFailure(failure: Failure<"auth.changePassword">): string {
  switch (failure.code) {
    case "INCORRECT_PASSWORD":
    case "PASSWORD_REUSE":
      return failure.message;
    default:
      return mayBeChanged(failure) ?? say(failure);
  }
}
