import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inertCell, toCsv } from "./csv.ts";

const runs = 2_000;
const formulaStarts = ["=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫"];
const unseen = [
  " ",
  "\t",
  "\r",
  "\n",
  "\v",
  "\u00A0",
  "\u3000",
  "\uFEFF",
  "\u200B",
  "\u2028",
  "\u0000",
  "\u202E",
  "\u034F",
  "\u3164",
  "\u{E0100}",
];

/** Any text, and often one that begins as a formula does or has what RFC 4180 has to quote. */
const hostileText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc
    .array(
      fc.oneof(fc.constantFrom(...formulaStarts, ...unseen, '"', '""', ",", ";", "'", "\r\n"), fc.string()),
      {
        maxLength: 8,
      },
    )
    .map((parts) => parts.join("")),
);

describe("S7: a cell is inert", () => {
  test.each([
    "=1+1",
    '=HYPERLINK("http://evil.example")',
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "-2+3",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "﹦1",
    "\tx",
    "\rx",
    "\nx",
    " =1",
    "\u00A0=1",
    "\u3000＝1",
    "\uFEFF=1",
    "\u200B-1",
    "\u202E@x",
    "\u034F=1",
    "\u3164-1",
    "=\u0338A1",
    "\u0000=1",
    "=",
    "-",
  ])("when it is %j: an apostrophe comes first", (text) => {
    expect(inertCell(text)).toBe(`'${text}`);
  });

  // Quotes count only for those who separate by commas.
  test.each([
    ["Anna;=1+1", "Anna;'=1+1"],
    ["Anna; ＝1;+1", "Anna;' ＝1;'+1"],
    ["Anna\r\n=1", "Anna\r\n'=1"],
    ['Anna;"=1+1', `Anna;'"=1+1`],
    ["Anna\t@x", "Anna\t'@x"],
    ["\r\n=1", "'\r\n'=1"],
  ])("when a spreadsheet that separates by semicolons finds one inside %j", (text, cell) => {
    expect(inertCell(text)).toBe(cell);
  });

  test.each([
    "",
    "Asha Rao",
    "d'Arc",
    "O’Neil-Smith",
    "1=1",
    "a-b",
    "x@y",
    "९८७",
    "आशा राव",
    "'=1",
    "9876543210",
    " x",
    "₹5",
  ])("when it is %j: it stays as it is", (text) => {
    expect(inertCell(text)).toBe(text);
  });

  test("whatever is in it: no part begins as a formula does, and but for apostrophes it is the same text", () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const cell = inertCell(text);
        for (const part of cell.split(/[;\t\r\n]/))
          expect(formulaStarts).not.toContain(
            part.replace(/^[\s\p{C}\p{Default_Ignorable_Code_Point}"]+/u, "")[0],
          );
        expect(cell).not.toMatch(/^[\t\r\n]/);
        expect(cell.replaceAll("'", "")).toBe(text.replaceAll("'", ""));
      }),
      { numRuns: runs, seed: 20_270_101 },
    );
  });

  test("and no cell's text leaks into another cell or line: RFC 4180 gives back what went in", () => {
    const records = fc.array(fc.array(hostileText.map(inertCell), { minLength: 2, maxLength: 4 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(records, (rows) => {
        expect(parse(toCsv(rows), { record_delimiter: "\r\n", relax_column_count: true })).toEqual(rows);
      }),
      { numRuns: runs, seed: 20_270_101 },
    );
  });

  test.each([
    ["a CR", "Asha\rRao", '"Asha\rRao"'],
    ["an LF", "Asha\nRao", '"Asha\nRao"'],
    ["a CR LF", "Asha\r\nRao", '"Asha\r\nRao"'],
    ["quotes", 'Asha "Ash" Rao', '"Asha ""Ash"" Rao"'],
    ["a comma", "Rao, Asha", '"Rao, Asha"'],
    ["none of them", "Asha Rao", "Asha Rao"],
  ])("a name with %s is one cell, for readers of each kind of line end too", (_what, name, cell) => {
    const rows = [
      ["7", name, "9876543210"],
      ["8", "Anna", name],
    ];
    expect(toCsv(rows)).toBe(`7,${cell},9876543210\r\n8,Anna,${cell}\r\n`);
    expect(parse(toCsv(rows), { record_delimiter: ["\r\n", "\n", "\r"] })).toEqual(rows);
  });
});
