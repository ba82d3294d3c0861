import { procedureCodes, type DomainCode } from "../../server/src/contract/index.ts";
import type { ContractTexts } from "./read-contract.ts";

/** The texts of the contract, as `server/src/contract/descriptions.json` has them for whatever describes the API. */
export interface Descriptions {
  /** What each procedure promises, by its path. */
  procedures: Record<string, string>;
  /** The names of the schemas that a procedure's input and output are made of. */
  schemas: Record<string, { input: string; output: string }>;
  /** By the name of a schema: each field's sentence by its path, and under "" that of the whole. Lists are left out of a path. */
  fields: Record<string, Record<string, string>>;
  /** When each domain code is answered. */
  codes: Record<string, string>;
}

export function describe({ procedures, schemas, codes }: ContractTexts): Descriptions {
  return {
    procedures: Object.fromEntries(procedures.map(({ path, text }) => [path, text])),
    schemas: Object.fromEntries(procedures.map(({ path, input, output }) => [path, { input, output }])),
    fields: Object.fromEntries(
      Object.entries(schemas).map(([name, { text, fields }]) => [
        name,
        { "": text, ...Object.fromEntries(fields.map((field) => [field.path, field.text])) },
      ]),
    ),
    codes: Object.fromEntries(Object.entries(codes).map(([code, { text }]) => [code, text])),
  };
}

/** What is missing or wrong in the texts, a line each: something without a sentence, or a procedure that names a code it cannot answer. */
export function findGaps({ procedures, schemas, codes }: ContractTexts): string[] {
  const listed: Record<string, readonly DomainCode[]> = procedureCodes;
  const silent = [
    ...procedures.map(({ path, text }) => ({ name: `the procedure ${path}`, text })),
    ...Object.entries(schemas).flatMap(([name, { text, fields }]) => [
      { name, text },
      ...fields.map((field) => ({ name: `${name}: ${field.path}`, text: field.text })),
    ]),
    ...Object.entries(codes).map(([code, { text }]) => ({ name: `the code ${code}`, text })),
  ].filter(({ text }) => text === "");
  const foreign = procedures.flatMap(({ path, text }) =>
    [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)]
      .map(([, code = ""]) => code)
      .filter((code) => code in codes && !listed[path]?.includes(code as DomainCode))
      .map((code) => `the text of ${path} names ${code}, which it does not list`),
  );
  return [...silent.map(({ name }) => `no JSDoc: ${name}`), ...foreign];
}
