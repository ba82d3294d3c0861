import type { SeatMap, Show } from "../contract/index.ts";
import type { ReadyAnswer } from "../rpc/ready-answer.ts";

/** A show's seats at one moment. */
export interface SeatMapReading {
  /** The show's date in the cinema's zone. */
  date: string;
  seatMap(): SeatMap;
  written(): ReadyAnswer<SeatMap>;
}

/** Reads shows as they are when it is called, from memory where nothing has changed. */
export interface ShowReader {
  /** Every seat of a show as it is now; undefined when there is no such show. */
  readSeatMap(showId: number): Promise<SeatMapReading | undefined>;
  /** The shows of a cinema date as they are now, by start and screen. */
  listShows(date: string): Promise<ReadyAnswer<Show[]>>;
}
