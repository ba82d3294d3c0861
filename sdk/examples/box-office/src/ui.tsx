import type { UseQueryResult } from "@tanstack/react-query";
import { useEffect, useId, useRef, type InputHTMLAttributes, type ReactNode } from "react";
import { sayError } from "./words.ts";

/** A page with its title, which gets the focus when the page is opened, so that screen readers begin there. */
export function Page({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · SkyFox`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <>
      <header className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside}
      </header>
      {children}
    </>
  );
}

/** What a query has answered; while there is nothing, that it loads or why it failed. */
export function Loaded<Data>({
  query,
  children,
}: {
  query: Pick<UseQueryResult<Data>, "data" | "error" | "refetch">;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error === null) return <Loading />;
  return (
    <Notice kind="bad">
      {sayError(query.error)}{" "}
      <button type="button" className="plain" onClick={() => void query.refetch()}>
        Try again
      </button>
    </Notice>
  );
}

/** That something is on its way. */
export function Loading() {
  return (
    <p className="loading" role="status">
      Loading …
    </p>
  );
}

/** A message to the person: read out at once when it is bad, else when there is a pause. */
export function Notice({ kind, children }: { kind: "bad" | "good" | "calm"; children: ReactNode }) {
  return (
    <div className={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** A field with its label and, when it was refused, why. */
export function Field({
  label,
  hint,
  error,
  ...input
}: { label: string; hint?: string; error?: string | undefined } & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <p className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} {...described(id, hint, error)} {...input} />
      <FieldNotes id={id} hint={hint} error={error} />
    </p>
  );
}

/** A choice with its label. */
export function Select({
  label,
  error,
  children,
  ...select
}: { label: string; error?: string | undefined; children: ReactNode } & React.ComponentProps<"select">) {
  const id = useId();
  return (
    <p className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} {...described(id, undefined, error)} {...select}>
        {children}
      </select>
      <FieldNotes id={id} error={error} />
    </p>
  );
}

function described(id: string, hint: string | undefined, error: string | undefined) {
  const notes = [error !== undefined && `${id}-error`, hint !== undefined && `${id}-hint`].filter(Boolean);
  return {
    "aria-invalid": error !== undefined,
    ...(notes.length > 0 && { "aria-describedby": notes.join(" ") }),
  };
}

function FieldNotes({
  id,
  hint,
  error,
}: {
  id: string;
  hint?: string | undefined;
  error?: string | undefined;
}) {
  return (
    <>
      {error !== undefined && (
        <span id={`${id}-error`} className="field-error">
          {error}
        </span>
      )}
      {hint !== undefined && (
        <span id={`${id}-hint`} className="hint">
          {hint}
        </span>
      )}
    </>
  );
}

/** The texts of a form, by the names of its fields. */
export function textsOf(form: HTMLFormElement): Record<string, string> {
  const texts = [...new FormData(form)].filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(texts);
}
