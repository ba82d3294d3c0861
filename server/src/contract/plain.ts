// What needs no zod: the SDK's main entry loads this part of the contract, and its schemas only with the forms.
export * from "./best-seats.ts";
export * from "./choices.ts";
export * from "./constants.ts";
export * from "./errors.ts";
export * from "./exports.ts";
export * from "./fold.ts";
export * from "./money.ts";
export * from "./procedure-roles.ts";
export * from "./procedures.ts";
export * from "./refusals.ts";
export * from "./roles.ts";
export * from "./statuses.ts";
export * from "./transformer.ts";
