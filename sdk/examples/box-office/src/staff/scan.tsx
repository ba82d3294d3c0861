import type { CheckInTicketOutput, Cinema } from "@skyfox/sdk";
import { useMutation } from "@tanstack/react-query";
import { useState, type ChangeEvent, type FormEvent } from "react";
import { count, timeOf } from "../format.ts";
import { Field, Notice, textsOf } from "../ui.tsx";
import { Camera } from "./camera.tsx";
import { checkTicket, type Checked } from "./check-ticket.ts";
import { NoDecoderError, readCode } from "./read-code.ts";
import { reasonWords } from "./reason-words.ts";

interface ScanProps {
  cinema: Cinema;
  showId: number | undefined;
  onCheckedIn: () => void;
}

/** Checks tickets in by their code: from the camera, a picture, or a field to paste it into. */
export function Scan({ cinema, showId, onCheckedIn }: ScanProps) {
  const [isLooking, setLooking] = useState(false);
  const [problem, setProblem] = useState<string>();
  const check = useMutation({
    mutationFn: (ticket: string) => checkTicket(ticket, showId),
    onSuccess: ({ answer }) => answer?.outcome === "checkedIn" && onCheckedIn(),
  });

  function take(ticket: string): void {
    setLooking(false);
    setProblem(undefined);
    check.mutate(ticket);
  }

  function paste(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const { ticket = "" } = textsOf(event.currentTarget);
    event.currentTarget.reset();
    if (ticket !== "") take(ticket);
  }

  async function readPicture({ target }: ChangeEvent<HTMLInputElement>): Promise<void> {
    const file = target.files?.[0];
    target.value = "";
    // The dialog was left without a choice.
    if (file === undefined) return;
    const picture = await createImageBitmap(file).catch(() => undefined);
    try {
      const text = picture && (await readCode(picture));
      if (text === undefined) setProblem("There is no code to be seen in this picture.");
      else take(text);
    } catch (error) {
      if (!(error instanceof NoDecoderError)) throw error;
      setProblem(error.message);
    }
  }

  return (
    <section className="panel" aria-label="Check in by code">
      <h2>By code</h2>
      {isLooking ? (
        <>
          <Camera onCode={take} />
          <button type="button" onClick={() => setLooking(false)}>
            Stop the camera
          </button>
        </>
      ) : (
        <button type="button" onClick={() => setLooking(true)}>
          Use the camera
        </button>
      )}
      <Field
        label="Picture of a ticket"
        type="file"
        accept="image/*"
        onChange={(event) => void readPicture(event)}
      />
      <form onSubmit={paste}>
        <Field label="Code of a ticket" name="ticket" autoComplete="off" hint="Paste it, and press Enter" />
      </form>
      <div aria-live="polite" className="verdict">
        {problem !== undefined && <Notice kind="bad">{problem}</Notice>}
        {check.error !== null && <Notice kind="bad">{check.error.message}</Notice>}
        {check.isPending && <p>Checking …</p>}
        {check.data !== undefined && <Verdict cinema={cinema} checked={check.data} />}
      </div>
    </section>
  );
}

interface VerdictProps {
  cinema: Cinema;
  checked: Checked;
}

function Verdict({ cinema, checked: { signature, answer } }: VerdictProps) {
  const seats = signature.valid ? signature.ticket.seatNumbers : [];
  return (
    <>
      {answer === undefined ? (
        <Notice kind={signature.valid ? "calm" : "bad"}>
          {signature.valid
            ? "No network. The ticket is ours; whether it was used already is not known."
            : "No network, and this is no ticket of ours."}
        </Notice>
      ) : (
        <Notice kind={answer.outcome === "checkedIn" ? "good" : "bad"}>{sayOutcome(answer, cinema)}</Notice>
      )}
      <p className="facts">
        {signature.valid
          ? `Signature is right: booking ${signature.ticket.bookingId}, ${count(seats.length, "seat")}: ${seats.join(", ")}`
          : `Signature: ${signature.reason}`}
      </p>
    </>
  );
}

function sayOutcome({ outcome, booking, reason, at, by }: CheckInTicketOutput, cinema: Cinema): string {
  if (outcome === "checkedIn")
    return `Checked in: ${booking?.customerName ?? ""}, ${booking?.seatNumbers.join(", ") ?? ""}`;
  if (outcome === "alreadyDone")
    return `Used already, ${at === undefined ? "" : timeOf(at, cinema)}${by === undefined ? "" : `, by ${by}`}.`;
  return reason === undefined ? "Not valid." : reasonWords[reason];
}
