import type { TRPCRouterRecord } from "@trpc/server";
import { z } from "zod";
import * as contract from "../contract/index.ts";
import { publicProcedure, viewerProcedure } from "../rpc/procedures.ts";
import { readyOutput } from "../rpc/ready-answer.ts";
import { withInput, withReadyAnswer, withViewer, withViewerStreaming } from "../rpc/resolve.ts";
import { trackedEvents } from "../rpc/tracked-events.ts";
import { watchSeatMap } from "../live-map/watch-seat-map.ts";
import { describeCinema } from "../show/describe-cinema.ts";
import { getBestSeats } from "../show/get-best-seats.ts";
import { getWrittenSeatMap } from "../show/get-seat-map.ts";
import { getShow } from "../show/get-show.ts";
import { listShows } from "../show/list-shows.ts";

export const showRouter = {
  /** The cinema: its name, zone and currency, what day and time it is there, and its limits. Needs no session. */
  cinema: publicProcedure
    .input(contract.cinemaInput)
    .output(contract.cinemaOutput)
    .query(withInput(describeCinema)),

  /**
   * The shows of one cinema date, by start and screen. Needs no session; visitors and customers see today and the six days after it, staff and
   * admins any date.
   */
  list: viewerProcedure
    .input(contract.listShowsInput)
    .output(readyOutput(z.array(contract.showSchema)))
    .query(withReadyAnswer(listShows)),

  /** One show. Needs no session; visitors and customers see those of today and the six days after it, staff and admins all. */
  byId: viewerProcedure.input(contract.showIdInput).output(contract.showSchema).query(withViewer(getShow)),

  /** Every seat of a show with its status and the prices. Needs no session. A hold whose time is over reads as free at once. */
  seatMap: viewerProcedure
    .input(contract.showIdInput)
    .output(readyOutput(contract.seatMapSchema))
    .query(withReadyAnswer(getWrittenSeatMap)),

  /**
   * The seat map of a show, and each change of it until the show is over. Needs no session. It goes on after the last event that was seen. Too
   * many streams of one caller are `RATE_LIMITED`; the SDK's `watchSeatMap` puts the events into a map.
   */
  watchSeatMap: viewerProcedure
    .input(contract.watchSeatMapInput)
    .output(trackedEvents(contract.seatMapEventSchema))
    .subscription(withViewerStreaming(watchSeatMap)),

  /** The best adjacent seats of one row that are free now and what they cost, or null when no row has so many. Holds nothing. Needs no session. */
  bestAvailable: viewerProcedure
    .input(contract.bestSeatsInput)
    .output(contract.bestAvailableOutput)
    .query(withViewer(getBestSeats)),
} satisfies TRPCRouterRecord;
