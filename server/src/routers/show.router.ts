import type { TRPCRouterRecord } from "@trpc/server";
import { z } from "zod";
import * as contract from "../contract/index.ts";
import { signedInProcedure } from "../rpc/procedures.ts";
import { readyOutput } from "../rpc/ready-answer.ts";
import { withReadyAnswer, withUser, withUserStreaming } from "../rpc/resolve.ts";
import { trackedEvents } from "../rpc/tracked-events.ts";
import { watchSeatMap } from "../live-map/watch-seat-map.ts";
import { getBestSeats } from "../show/get-best-seats.ts";
import { getWrittenSeatMap } from "../show/get-seat-map.ts";
import { getShow } from "../show/get-show.ts";
import { listShows } from "../show/list-shows.ts";

export const showRouter = {
  /** The shows of one cinema date, by start and screen. */
  list: signedInProcedure
    .input(contract.listShowsInput)
    .output(readyOutput(z.array(contract.showSchema)))
    .query(withReadyAnswer(listShows)),

  /** One show. */
  byId: signedInProcedure.input(contract.showIdInput).output(contract.showSchema).query(withUser(getShow)),

  /** Every seat of a show with its status and the prices. */
  seatMap: signedInProcedure
    .input(contract.showIdInput)
    .output(readyOutput(contract.seatMapSchema))
    .query(withReadyAnswer(getWrittenSeatMap)),

  /** The seat map of a show, and what happens to it until the show is over. */
  watchSeatMap: signedInProcedure
    .input(contract.watchSeatMapInput)
    .output(trackedEvents(contract.seatMapEventSchema))
    .subscription(withUserStreaming(watchSeatMap)),

  /** The best adjacent seats that are free now, or null. */
  bestAvailable: signedInProcedure
    .input(contract.bestSeatsInput)
    .output(contract.bestAvailableOutput)
    .query(withUser(getBestSeats)),
} satisfies TRPCRouterRecord;
