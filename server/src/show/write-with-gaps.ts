import { transformer } from "../contract/index.ts";

// Postgres holds no such character, so that no text of ours has it.
const gapText = "\0";
const writtenGap = JSON.stringify(gapText);

/** Stands in a value for what is filled in later. */
export const gap = gapText as never;

/** The JSON text before, between and after the gaps of a value. */
export function splitAtGaps(value: unknown): string[] {
  return JSON.stringify(value).split(writtenGap);
}

/** As `splitAtGaps`, for the form that the transformer gives the value. */
export function writeWithGaps(value: unknown): string[] {
  return splitAtGaps(transformer.serialize(value));
}
