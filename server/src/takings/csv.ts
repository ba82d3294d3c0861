import { stringify } from "csv-stringify/sync";

// Most names and every phone number: letters and digits in one line, which need no closer look.
const harmless = /^[A-Za-z\d][A-Za-z\d .'-]*$/;

// Where the text begins, and where a cell or a line begins for a spreadsheet that separates by semicolons and so sees none of our quotes.
const beginnings = /(?<=^|[;\t\r\n])/u;

/**
 * The text of a cell that no spreadsheet runs as a formula: what it could take for one gets an apostrophe in front, everything else stays as
 * it is. That is what begins with =, +, - or @, in any of their forms and also behind characters that are not seen, and what begins with a
 * tab or a line break (OWASP, "CSV Injection"); also behind a semicolon, which separates cells where the comma separates decimals. For text
 * that people gave us only: a number of ours stays one.
 */
export function inertCell(text: string): string {
  if (harmless.test(text)) return text;
  const inert = text.split(beginnings).map((part) => (isFormula(part) ? `'${part}` : part));
  return (/^[\t\r\n]/.test(text) ? "'" : "") + inert.join("");
}

function isFormula(text: string): boolean {
  // Also as it stands: a mark can melt into the sign before it.
  return [text, text.normalize("NFKC")].some((form) =>
    /^[\s\p{C}\p{Default_Ignorable_Code_Point}"]*[=+\-@]/u.test(form),
  );
}

/** Records of several cells as lines of RFC 4180: cells are quoted where they have to be, and each line ends with CR LF. */
export function toCsv(records: string[][]): string {
  let lines = "";
  for (const record of records) lines += isPlain(record) ? `${record.join(",")}\r\n` : quotedLine(record);
  return lines;
}

// The library costs several times what a line without anything to quote does.
function isPlain(record: string[]): boolean {
  return record.every((cell) => !/[",\r\n]/.test(cell));
}

function quotedLine(record: string[]): string {
  // Many readers take a CR or an LF alone for the end of a line.
  return stringify([record], { record_delimiter: "windows", quoted_match: /[\r\n]/ });
}
