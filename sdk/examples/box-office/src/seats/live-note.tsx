import type { SeatMapEnd, SeatMapStatus } from "@skyfox/sdk";

const words = {
  live: "Live",
  "catching-up": "Connecting …",
  stale: "Not up to date. Connecting again …",
} as const;

/** How far the seat map can be trusted, or why it is over. */
export function LiveNote({ status, end }: { status: SeatMapStatus; end: SeatMapEnd | undefined }) {
  return (
    <p className={`live ${status}`} role="status">
      {status === "ended" ? sayEnd(end) : words[status]}
    </p>
  );
}

function sayEnd(end: SeatMapEnd | undefined): string {
  if (end?.why === "show-cancelled") return `This show was cancelled: ${end.reason}`;
  if (end?.why === "refused") return end.error.message;
  return "This show is over.";
}
