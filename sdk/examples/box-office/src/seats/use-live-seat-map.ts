import type { SeatMap, SeatMapEnd, SeatMapStatus } from "@skyfox/sdk";
import { useEffect, useState } from "react";
import { skyfox } from "../client.ts";
import { useSession } from "../session.ts";

/** The seat map of a show as it is now, and how far to trust it. */
export interface LiveSeatMap {
  seatMap: SeatMap | undefined;
  status: SeatMapStatus;
  end: SeatMapEnd | undefined;
}

/** Follows the seat map of a show for as long as the component is there. */
export function useLiveSeatMap(showId: number): LiveSeatMap {
  const token = useSession()?.token;
  const [seatMap, setSeatMap] = useState<SeatMap>();
  const [{ status, end }, setStatus] = useState<Omit<LiveSeatMap, "seatMap">>({
    status: "catching-up",
    end: undefined,
  });
  useEffect(() => {
    const watch = new AbortController();
    skyfox.watchSeatMap(showId, {
      onChange: setSeatMap,
      onStatus: (now, why) => setStatus({ status: now, end: why }),
      signal: watch.signal,
    });
    return () => watch.abort();
  }, [showId, token]);
  return { seatMap, status, end };
}
