import type { AnyTRPCProcedure } from "@trpc/server";
import { beforeAll, describe, expect, test } from "vitest";
import { givenCustomer, givenShow, givenStaff, goodCard, tokenOf } from "../../test/given.ts";
import { mutate, query } from "../../test/rpc-call.ts";
import { createTestApp } from "../../test/test-app.ts";
import { appRouter } from "../app-router.ts";
import { movesMoney } from "../contract/index.ts";

const procedures = Object.entries(appRouter._def.procedures as unknown as Record<string, AnyTRPCProcedure>);
const moving = procedures.flatMap(([path]) => (movesMoney(path) ? [path] : []));

const living = await createTestApp();
const showing = await createTestApp({ beside: living, settings: { background: false } });
const tokens = { customer: "", admin: "" };
beforeAll(async () => {
  tokens.customer = await tokenOf(living.deps, await givenCustomer(living.deps));
  tokens.admin = await tokenOf(living.deps, await givenStaff(living.deps, "admin"));
});

function tokenFor(path: string): string {
  return path.startsWith("admin.") ? tokens.admin : tokens.customer;
}

describe("a server with BACKGROUND=off", () => {
  test("refuses whatever moves money, before its input is read", async () => {
    expect(moving).toEqual(
      expect.arrayContaining([
        "booking.pay",
        "wallet.addFunds",
        "admin.refundBooking",
        "admin.cancelShow",
        "admin.resolvePayment",
      ]),
    );
    for (const path of moving) {
      for (const input of [{ no: "field" }, undefined]) {
        const { status, error } = await mutate(showing, path, input, { token: tokenFor(path) });
        expect([path, status, error?.data.domain]).toEqual([
          path,
          409,
          { code: "BACKGROUND_OFF", details: null },
        ]);
      }
      const elsewhere = await mutate(living, path, { no: "field" }, { token: tokenFor(path) });
      expect([path, elsewhere.status]).toEqual([path, 400]);
    }
  });

  test("says no more to those who may not call at all", async () => {
    const stranger = await mutate(showing, "booking.pay", {});
    expect(stranger.error?.data.domain?.code).toBe("MISSING_TOKEN");
    const customer = await mutate(showing, "admin.refundBooking", {}, { token: tokens.customer });
    expect(customer.error?.data.domain?.code).toBe("FORBIDDEN");
  });

  test("holds seats, gives them up and sells for cash; a card is not charged", async () => {
    const showId = await givenShow(living);
    const token = tokens.customer;
    const hold = async (seatNumbers: string[]) =>
      (await mutate(showing, "booking.initialize", { showId, seatNumbers }, { token })).data as {
        bookingId: number;
      };
    const { bookingId } = await hold(["A1"]);
    const pay = { bookingId, method: "Card", card: goodCard };
    expect(await mutate(showing, "booking.pay", pay, { token })).toMatchObject({ status: 409 });
    expect(living.gateway.calls()).toEqual([]);
    expect(await mutate(showing, "booking.cancel", { bookingId }, { token })).toMatchObject({ status: 200 });
    const sale = { showId, customerName: "Anna Lee", phoneNumber: "9000000001", seatNumbers: ["A2"] };
    expect(await mutate(showing, "admin.createBooking", sale, { token: tokens.admin })).toMatchObject({
      status: 200,
      data: { status: "Confirmed", paymentType: "Cash" },
    });
  });

  test("is ready, and says what it does not do", async () => {
    const ready = async ({ app }: typeof living) => {
      const response = await app.request("/ready");
      return [response.status, await response.json()];
    };
    expect(await ready(showing)).toEqual([200, { status: "ready", background: "off" }]);
    expect(await ready(living)).toEqual([200, { status: "ready" }]);
  });

  test("shows what is there", async () => {
    const showId = await givenShow(living);
    expect(await query(showing, "show.seatMap", { showId }, { token: tokens.customer })).toMatchObject({
      status: 200,
    });
    expect(await query(showing, "admin.paymentsInDoubt", undefined, { token: tokens.admin })).toMatchObject({
      status: 200,
    });
  });
});
