import type { Failure, RouterOutputs } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { api, cache } from "../client.ts";
import { currentSession, setSession } from "../session.ts";
import { Field, Loaded, Notice, Page, textsOf } from "../ui.tsx";
import { fieldsOf, say } from "../words.ts";
import { ChangePassword } from "./change-password.tsx";
import { ProfilePicture } from "./profile-picture.tsx";

/** Who is signed in: customers change their details and picture here, and all their password. */
export function AccountPage() {
  const me = useQuery(api.auth.me.queryOptions(undefined, { staleTime: 0 }));
  return (
    <Page title="My account">
      <Loaded query={me}>
        {(known) => (
          <div className="account-forms">
            {known.role === "customer" && (
              <>
                <Details me={known} />
                <ProfilePicture />
              </>
            )}
            <ChangePassword username={known.username} />
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Details({ me }: { me: Extract<RouterOutputs["auth"]["me"], { role: "customer" }> }) {
  const update = useMutation(
    api.auth.updateProfile.mutationOptions({
      onSuccess({ name }) {
        const session = currentSession();
        // The header has the name.
        if (session !== null) setSession({ ...session, name });
        return cache.invalidateQueries(api.auth.me.queryFilter());
      },
    }),
  );
  const errors = update.error === null ? {} : detailErrors(update.error);

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { name = "", email = "", phoneNumber = "", securityAnswer = "" } = textsOf(event.currentTarget);
    update.mutate({ name, email, phoneNumber, securityAnswer });
  }

  return (
    <form className="panel" aria-label="Details" onSubmit={submit} noValidate>
      <h2>Details</h2>
      <p className="facts">Signed up as {me.username}</p>
      <Field label="Name" name="name" autoComplete="name" defaultValue={me.name} error={errors["name"]} />
      <Field
        label="E-mail"
        name="email"
        type="email"
        autoComplete="email"
        defaultValue={me.email}
        error={errors["email"]}
      />
      <Field
        label="Phone number"
        name="phoneNumber"
        type="tel"
        autoComplete="tel-national"
        defaultValue={me.phoneNumber}
        error={errors["phoneNumber"]}
      />
      <Field
        label="Security answer"
        name="securityAnswer"
        autoComplete="off"
        hint="The one that you signed up with"
        error={errors["securityAnswer"]}
      />
      {update.error !== null && Object.keys(errors).length === 0 && (
        <Notice kind="bad">{sayDetailFailure(update.error)}</Notice>
      )}
      {update.isSuccess && <Notice kind="good">Your details are saved.</Notice>}
      <button type="submit" className="main" disabled={update.isPending}>
        Save the details
      </button>
    </form>
  );
}

function detailErrors(failure: Failure<"auth.updateProfile">): Record<string, string> {
  switch (failure.code) {
    case "INVALID_SECURITY_ANSWER":
      return { securityAnswer: failure.message };
    case "EMAIL_EXISTS":
      return { email: failure.message };
    case "PHONE_NUMBER_EXISTS":
      return { phoneNumber: failure.message };
    default:
      return fieldsOf(failure);
  }
}

function sayDetailFailure(failure: Failure<"auth.updateProfile">): string {
  switch (failure.code) {
    case "INVALID_SECURITY_ANSWER":
    case "EMAIL_EXISTS":
    case "PHONE_NUMBER_EXISTS":
      return failure.message;
    default:
      return say(failure);
  }
}
