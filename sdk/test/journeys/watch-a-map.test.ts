import { beforeEach, expect, test } from "vitest";
import { givenShow, givenStaff, goodCard, tokenOf } from "../../../server/test/given.ts";
import { createTestApp, testStart } from "../../../server/test/test-app.ts";
import { domainErrorOf, type SeatMap, type SeatMapEnd, type SkyfoxClient } from "../../src/index.ts";
import { connect, signIn } from "../connect.ts";

const app = await createTestApp();
beforeEach(() => app.clock.set(testStart));

test("a customer sees live what others hold, buy and give back, until the show is cancelled", async () => {
  const showId = await givenShow(app);
  const [watcher, buyer] = await Promise.all([signIn(app), signIn(app)]);
  const watching = watch(watcher, showId);
  await watching.until(() => watching.status === "live");
  expect(watching.map).toEqual(await watcher.show.seatMap.query({ showId }));

  const changed = await buyer.booking.initialize.mutate({ showId, seatNumbers: ["C3"] });
  await watching.until(() => statusOf(watching.map, "C3") === "held");
  await buyer.booking.cancel.mutate({ bookingId: changed.bookingId });
  await watching.until(() => statusOf(watching.map, "C3") === "free");
  const { bookingId } = await buyer.booking.initialize.mutate({ showId, seatNumbers: ["C4"] });
  await buyer.booking.pay.mutate({ bookingId, method: "Card", card: goodCard });
  await watching.until(() => statusOf(watching.map, "C4") === "sold");
  expect(watching.map).toEqual(await watcher.show.seatMap.query({ showId }));

  const admin = connect(app, await tokenOf(app.deps, await givenStaff(app.deps, "admin")));
  await admin.admin.cancelShow.mutate({ showId, reason: "The projector is broken." });
  await watching.until(() => watching.status === "ended");
  expect(watching.end).toEqual({ why: "show-cancelled", reason: "The projector is broken." });
  while (app.deps.liveMaps.watched.watchers > 0) await app.sql.query("select 1");
});

test("a watch ends with the session, and with its signal", async () => {
  const showId = await givenShow(app, { date: "2026-03-12" });
  const [leaving, staying] = await Promise.all([signIn(app), signIn(app)]);
  const first = watch(leaving, showId);
  const second = watch(staying, showId);
  await first.until(() => first.status === "live");
  await second.until(() => second.status === "live");

  await leaving.auth.logout.mutate();
  await first.until(() => first.status === "ended");
  expect(first.end?.why === "refused" && domainErrorOf(first.end.error)?.code).toBe("SESSION_ENDED");

  second.abort();
  while (app.deps.liveMaps.watched.watchers > 0) await new Promise(setImmediate);
  expect(second.status).toBe("live");
});

test("the stream is there without the fold, too", async () => {
  const showId = await givenShow(app, { date: "2026-03-13" });
  const skyfox = await signIn(app);
  const { promise, resolve } = Promise.withResolvers<SeatMap>();
  const subscription = skyfox.show.watchSeatMap.subscribe(
    { showId },
    {
      onData({ data }) {
        if (data.type === "snapshot") resolve(data.seatMap);
      },
    },
  );
  expect(await promise).toEqual(await skyfox.show.seatMap.query({ showId }));
  subscription.unsubscribe();
});

function watch(skyfox: SkyfoxClient, showId: number) {
  const abort = new AbortController();
  let check = () => {};
  const watching = {
    map: undefined as SeatMap | undefined,
    status: undefined as string | undefined,
    end: undefined as SeatMapEnd | undefined,
    abort: () => abort.abort(),
    until: (isSo: () => boolean) =>
      new Promise<void>((resolve) => {
        check = () => {
          if (isSo()) resolve();
        };
        check();
      }),
  };
  skyfox.watchSeatMap(showId, {
    onChange(map) {
      watching.map = map;
      check();
    },
    onStatus(status, end) {
      watching.status = status;
      watching.end = end;
      check();
    },
    signal: abort.signal,
  });
  return watching;
}

function statusOf(map: SeatMap | undefined, seatNumber: string): string | undefined {
  return map?.rows.flatMap(({ seats }) => seats).find((seat) => seat.seatNumber === seatNumber)?.status;
}
