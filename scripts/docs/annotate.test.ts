import { expect, test } from "vitest";
import { annotateContract, annotateRouter, sharer, typeNamesIn } from "./annotate.ts";
import type { Descriptions } from "./descriptions.ts";

const descriptions: Descriptions = {
  procedures: {},
  schemas: {
    "booking.byId": { input: "bookingIdInput", output: "bookingSchema" },
    "booking.find": { input: "bookingIdInput", output: "foundOutput" },
  },
  fields: {
    bookingIdInput: { "": "Which.", bookingId: "Its id." },
    bookingSchema: { "": "A booking.", refund: "What was given back.", "refund.at": "When." },
    foundOutput: { "": "Some.", items: "Those found.", "items.at": "When each." },
  },
  codes: {},
};

const contract = `import { z } from "zod";
/** A booking. */
export declare const bookingSchema: z.ZodObject<{
    refund: z.ZodNullable<z.ZodObject<{
        at: z.ZodDate;
        kind: z.ZodEnum<{
            at: "at";
        }>;
    }, z.core.$strip>>;
}, z.core.$strip>;
export type Booking = z.output<typeof bookingSchema>;
export declare const other: z.ZodObject<{
    refund: z.ZodDate;
}, z.core.$strip>;
`;

test("each field of a schema has its sentence, and what has none stays as it is", () => {
  expect(annotateContract(contract, descriptions)).toBe(`import { z } from "zod";
/** A booking. */
export declare const bookingSchema: z.ZodObject<{
    /** What was given back. */
    refund: z.ZodNullable<z.ZodObject<{
        /** When. */
        at: z.ZodDate;
        kind: z.ZodEnum<{
            at: "at";
        }>;
    }, z.core.$strip>>;
}, z.core.$strip>;
export type Booking = z.output<typeof bookingSchema>;
export declare const other: z.ZodObject<{
    refund: z.ZodDate;
}, z.core.$strip>;
`);
});

test("an output of a router is written by its name, or has the sentences", () => {
  const router = `export declare const bookingRouter: {
    /** One booking. */
    byId: import("@trpc/server").TRPCQueryProcedure<{
        input: {
            bookingId: number;
        };
        output: {
            refund: {
                at: Date;
            } | null;
        } | null;
        meta: object;
    }>;
    find: import("@trpc/server").TRPCQueryProcedure<{
        input: {
            bookingId: number;
        } | undefined;
        output: {
            items: {
                at: Date;
            }[];
        };
        meta: object;
    }>;
};
`;
  const names = new Map(typeNamesIn(contract));
  expect(annotateRouter(router, "booking", descriptions, names)).toBe(`export declare const bookingRouter: {
    /** One booking. */
    byId: import("@trpc/server").TRPCQueryProcedure<{
        input: {
            /** Its id. */
            bookingId: number;
        };
        output: import("../contract/index.ts").Booking | null;
        meta: object;
    }>;
    find: import("@trpc/server").TRPCQueryProcedure<{
        input: {
            /** Its id. */
            bookingId: number;
        } | undefined;
        output: {
            /** Those found. */
            items: {
                /** When each. */
                at: Date;
            }[];
        };
        meta: object;
    }>;
};
`);
});

test("a schema inside of another is written by its name", () => {
  const [inside] = /z\.ZodObject<\{\n[\s\S]*?\n\}, z\.core\.\$strip>/.exec(contract) ?? [""];
  const page = (item: string) => `export declare const pageSchema: z.ZodObject<{
    items: z.ZodArray<${item}>;
}, z.core.$strip>;
`;
  const share = sharer([{ name: "booking", text: contract }]);
  expect(share(page(inside.replaceAll("\n", "\n    ")))).toBe(
    page('typeof import("./booking.ts").bookingSchema'),
  );
  expect(share(contract)).toBe(contract);
});

test("the type of a list does not stand for its item", () => {
  const list = `export declare const questionsOutput: z.ZodArray<z.ZodObject<{
    id: z.ZodInt;
}, z.core.$strip>>;
export type Questions = z.output<typeof questionsOutput>;
`;
  expect(typeNamesIn(contract)).not.toEqual([]);
  expect(typeNamesIn(list)).toEqual([]);
});
