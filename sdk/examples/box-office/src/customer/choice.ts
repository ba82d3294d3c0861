import type { SeatMap } from "@skyfox/sdk";
import { maxSeatsPerBooking } from "@skyfox/sdk";
import { useEffect, useState } from "react";

// By show, so that the choice is still there after signing in.
const kept = new Map<number, string[]>();

/** The seats that a person has chosen and not yet held. */
export interface Choice {
  chosen: string[];
  /** Seats that were chosen, and that another buyer was faster with. */
  lost: string[];
  toggle: (seatNumber: string) => void;
  choose: (seatNumbers: string[]) => void;
  lose: (seatNumbers: string[]) => void;
}

/**
 * Keeps the choice of seats of a show. Seats that others take go from it, but not while `isHolding`: then the map may say that the person's own
 * seats are held before the answer has come.
 */
export function useChoice(
  showId: number,
  seatMap: SeatMap | undefined,
  mine: readonly string[],
  isHolding: boolean,
): Choice {
  const [chosen, setChosen] = useState(() => kept.get(showId) ?? [...mine]);
  const [lost, setLost] = useState<string[]>([]);
  useEffect(() => void kept.set(showId, chosen), [showId, chosen]);

  const lose = (seatNumbers: string[]) => {
    setLost(seatNumbers);
    setChosen((before) => before.filter((one) => !seatNumbers.includes(one)));
  };
  useEffect(() => {
    if (isHolding) return;
    const taken = chosen.filter((one) => !mine.includes(one) && !isFree(seatMap, one));
    if (taken.length > 0) lose(taken);
  }, [seatMap, isHolding, mine, chosen]);

  return {
    chosen,
    lost,
    lose,
    choose(seatNumbers) {
      setLost([]);
      setChosen(seatNumbers);
    },
    toggle(seatNumber) {
      setLost([]);
      setChosen((before) => {
        if (before.includes(seatNumber)) return before.filter((one) => one !== seatNumber);
        return before.length < maxSeatsPerBooking ? [...before, seatNumber] : before;
      });
    },
  };
}

/** Forgets the choice of a show, once its seats are held. */
export function forgetChoice(showId: number): void {
  kept.delete(showId);
}

function isFree(seatMap: SeatMap | undefined, seatNumber: string): boolean {
  const seats = seatMap?.rows.flatMap((row) => row.seats);
  return seats === undefined || seats.find((seat) => seat.seatNumber === seatNumber)?.status === "free";
}
