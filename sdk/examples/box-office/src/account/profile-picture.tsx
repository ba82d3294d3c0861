import {
  fileToProfileImage,
  maxProfileImageBytes,
  profileImageTypes,
  type Failure,
  type Refused,
} from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, cache } from "../client.ts";
import { useSession } from "../session.ts";
import { Field, Notice, textsOf } from "../ui.tsx";
import { fieldsOf, say } from "../words.ts";

/** The customer's picture, and a form that replaces it. */
export function ProfilePicture() {
  const [badFile, setBadFile] = useState<string>();
  const [isReading, setIsReading] = useState(false);
  const update = useMutation(
    api.auth.updateProfileImage.mutationOptions({
      onSuccess: (link) => cache.setQueryData(api.auth.profileImage.queryKey(), link),
    }),
  );
  const errors = update.error === null ? {} : pictureErrors(update.error);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    const { securityAnswer = "" } = textsOf(event.currentTarget);
    const file = new FormData(event.currentTarget).get("picture") as File;
    const problem = problemOf(file);
    setBadFile(problem);
    update.reset();
    if (problem !== undefined) return;
    setIsReading(true);
    // The file may have changed since, or the page may have no `crypto.subtle`, as over HTTP.
    const image = await fileToProfileImage(file).catch(() => setBadFile("This file cannot be read here."));
    setIsReading(false);
    if (image !== undefined) update.mutate({ securityAnswer, image });
  }

  return (
    <form className="panel" aria-label="Picture" onSubmit={(event) => void submit(event)} noValidate>
      <h2>Picture</h2>
      <Shown />
      <Field
        label="New picture"
        name="picture"
        type="file"
        accept={profileImageTypes.join()}
        error={badFile ?? errors["picture"]}
      />
      <Field
        label="Security answer"
        name="securityAnswer"
        autoComplete="off"
        error={errors["securityAnswer"]}
      />
      {update.error !== null && Object.keys(errors).length === 0 && (
        <Notice kind="bad">{sayPictureFailure(update.error)}</Notice>
      )}
      {update.isSuccess && <Notice kind="good">Your picture is saved.</Notice>}
      <button type="submit" className="main" disabled={isReading || update.isPending}>
        Save the picture
      </button>
    </form>
  );
}

// A picture that another server keeps is not shown: the page asks nothing of others.
function Shown() {
  const name = useSession()?.name ?? "";
  const picture = useQuery(api.auth.profileImage.queryOptions());
  const [broken, setBroken] = useState<string>();
  const url = picture.data?.url;
  return (
    <div className="portrait">
      {url === undefined || url === broken ? (
        <span aria-hidden="true">{/^./su.exec(name)?.[0]}</span>
      ) : (
        <img src={url} alt="Your picture" width="64" height="64" onError={() => setBroken(url)} />
      )}
    </div>
  );
}

const damaged = "This file is damaged. Choose another one.";
const badPictures: Record<Refused<"INVALID_IMAGE">["details"]["reason"], string> = {
  "too-large": "A picture has at most 5 MB.",
  "too-many-pixels": "A picture has at most 25 megapixels.",
  unsupported: "Choose a JPEG, PNG or WebP file.",
  damaged,
  "not-base64": damaged,
};

// Before it is sent; a form without a choice has an empty file.
function problemOf({ size }: File): string | undefined {
  if (size === 0) return "Choose a picture.";
  return size > maxProfileImageBytes ? badPictures["too-large"] : undefined;
}

function pictureErrors(failure: Failure<"auth.updateProfileImage">): Record<string, string> {
  switch (failure.code) {
    case "INVALID_SECURITY_ANSWER":
      return { securityAnswer: failure.message };
    case "INVALID_IMAGE":
      return { picture: badPictures[failure.details.reason] };
    default:
      return fieldsOf(failure);
  }
}

function sayPictureFailure(failure: Failure<"auth.updateProfileImage">): string {
  switch (failure.code) {
    case "INVALID_SECURITY_ANSWER":
    case "INVALID_IMAGE":
    case "INVALID_IMAGE_HASH":
    case "STORAGE_UNAVAILABLE":
      return failure.message;
    default:
      return say(failure);
  }
}
