import type { inferRouterInputs, inferRouterOutputs } from "@trpc/server";
import { expectTypeOf, test } from "vitest";
import type { AppRouter } from "../api.ts";
import type { Decimal, DomainErrorDetails } from "./index.ts";

/** Of every procedure, without its name: `wallet.balance` is no amount. */
type OfEach<Routes> = { [Route in keyof Routes]: Routes[Route][keyof Routes[Route]] }[keyof Routes];
type Inputs = OfEach<inferRouterInputs<AppRouter>>;
type Outputs = OfEach<inferRouterOutputs<AppRouter>>;

/** Every field whose name says that it is money. */
type MoneyName =
  | "amount"
  | "amountDue"
  | "amountPaid"
  | "walletAmount"
  | "cardAmount"
  | "balance"
  | "balanceAfter"
  | "available"
  | "required"
  | "cost"
  | "totalRevenue"
  | "meanRevenue"
  | "medianRevenue"
  | "Standard"
  | "Deluxe";

/** Every field that is a number, and is no money. */
type NumberName =
  | "id"
  | "bookingId"
  | "showId"
  | "paymentId"
  | "questionId"
  | "securityQuestionId"
  | "slotId"
  | "counterNo"
  | "column"
  | "version"
  | "limit"
  | "month"
  | "year"
  | "total"
  | "totalBookings"
  | "totalSeatsBooked"
  | "refunded"
  | "attempts"
  | "availableSeats"
  | "count"
  | "capacity"
  | "cleared"
  | "number"
  | "screenId"
  | "endedSessions"
  | "runtimeMinutes"
  | "expiresInSeconds"
  | "holdSeconds"
  | "maxLiveHolds"
  | "maxSeatsPerBooking"
  | "ageSeconds"
  | "timeRemainingMs";

/** The fields below a type, as name and type, however deep; what has no fields of its own has none. */
type Fields<Type, Name extends string = never> =
  | (Name extends string ? { name: Name; type: Type } : never)
  | (Type extends Decimal | Date | Uint8Array | string | number | boolean | bigint | null | undefined
      ? never
      : Type extends readonly (infer Item)[]
        ? Fields<Item>
        : { [Key in keyof Type & string]: Fields<Type[Key], Key> }[keyof Type & string]);

type NamesOf<Field> = Field extends { name: infer Name } ? Name : never;

/** The names among these fields that are money and can be something else than a Decimal, or absent. */
type NotDecimal<Field> = NotMoney<Field, Decimal>;

/** The same for what is sent: an amount may be text, too. */
type NotSendable<Field> = NotMoney<Field, Decimal | string>;

type NotMoney<Field, Money> = Field extends { name: MoneyName; type: infer Type }
  ? [Exclude<Type, null | undefined>] extends [Money]
    ? never
    : NamesOf<Field>
  : never;

/** The names among these fields that can be a number. */
type Numbers<Field> = Field extends { type: infer Type }
  ? number extends Type
    ? NamesOf<Field>
    : never
  : never;

// The compiler is the judge here: "npm run check:types" fails when one of these does not hold.
test("P15: money is a Decimal in everything that is answered, and a Decimal or its text in what is asked", () => {
  expectTypeOf<NotDecimal<Fields<Outputs>>>().toBeNever();
  expectTypeOf<NotSendable<Fields<Inputs>>>().toBeNever();
  expectTypeOf<NotDecimal<Fields<Inputs>>>().toEqualTypeOf<"amount" | "amountPaid" | "cost">();
  expectTypeOf<NotDecimal<Fields<DomainErrorDetails>>>().toBeNever();
  expectTypeOf<DomainErrorDetails["AMOUNT_TOO_LARGE"]>().toEqualTypeOf<{ max: Decimal }>();
  expectTypeOf<DomainErrorDetails["INVALID_COST"]>().toEqualTypeOf<{ max: Decimal }>();
  expectTypeOf<DomainErrorDetails["INVALID_AMOUNT"]>().toEqualTypeOf<{ expected?: Decimal }>();
});

test("P15: what is a number is an id, a count or a time, and known by its name", () => {
  expectTypeOf<Numbers<Fields<Outputs | Inputs>>>().toEqualTypeOf<NumberName>();
});

test("the tests of types see what is wrong", () => {
  type Wrong = {
    page: { items: { amount: number; cost: Decimal | number; balance: Decimal | null }[] } | null;
  };
  expectTypeOf<NotDecimal<Fields<Wrong>>>().toEqualTypeOf<"amount" | "cost">();
  expectTypeOf<NotSendable<Fields<Wrong>>>().toEqualTypeOf<"amount" | "cost">();
  expectTypeOf<Numbers<Fields<Wrong>>>().toEqualTypeOf<"amount" | "cost">();
});
