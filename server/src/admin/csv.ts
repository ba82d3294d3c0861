import { stringify } from "csv-stringify/sync";

/**
 * The text of a cell that no spreadsheet runs as a formula: what it could take for one gets an apostrophe in front, everything else stays as
 * it is. That is what begins with =, +, - or @, in any of their forms and also behind characters that are not seen, and what begins with a
 * tab or a line break (OWASP, "CSV Injection"). For text that people gave us only: a number of ours stays one.
 */
export function inertCell(text: string): string {
  return /^[\t\r\n]/.test(text) || /^[\s\p{C}]*[=+\-@]/u.test(text.normalize("NFKC")) ? `'${text}` : text;
}

/** Records as lines of RFC 4180: cells are quoted where they have to be, and each line ends with CR LF. */
export function toCsv(records: string[][]): string {
  return stringify(records, { record_delimiter: "windows" });
}
