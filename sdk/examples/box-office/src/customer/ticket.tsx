import type { Booking, Cinema } from "@skyfox/sdk";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, skyfox } from "../client.ts";
import { money } from "../format.ts";
import { saveFile } from "../save-file.ts";
import { Loaded, Notice } from "../ui.tsx";
import { sayError } from "../words.ts";

/** A paid booking: the code for the door, and the page to print. */
export function Ticket({ booking, cinema }: { booking: Booking; cinema: Cinema }) {
  const { bookingId, walletAmount, cardAmount, amountPaid, status } = booking;
  const code = useQuery(api.booking.ticketQr.queryOptions({ bookingId }, { staleTime: Infinity }));
  const pdf = useMutation({
    mutationFn: async () =>
      saveFile(`ticket-${bookingId}.pdf`, await skyfox.booking.ticketPdf.query({ bookingId })),
  });
  const shares = [
    walletAmount.greaterThan(0) && `${money(walletAmount, cinema.currency)} from the wallet`,
    cardAmount.greaterThan(0) && `${money(cardAmount, cinema.currency)} by card`,
  ].filter(Boolean);
  return (
    <section className="panel ticket" aria-label="Ticket">
      <Notice kind="good">
        {status === "CheckedIn" ? "Checked in. Enjoy the film." : "Paid. This is your ticket."}
      </Notice>
      <div className="code">
        <Loaded query={code}>
          {({ mimeType, data }) => (
            <img
              src={`data:${mimeType};base64,${data}`}
              alt={`The code of booking ${bookingId} for the door`}
            />
          )}
        </Loaded>
      </div>
      <p>
        Booking {bookingId} · {money(amountPaid, cinema.currency)}
        {shares.length > 0 && ` (${shares.join(", ")})`}
      </p>
      <button type="button" className="main" disabled={pdf.isPending} onClick={() => pdf.mutate()}>
        Save as PDF
      </button>
      {pdf.error !== null && <Notice kind="bad">{sayError(pdf.error)}</Notice>}
    </section>
  );
}
