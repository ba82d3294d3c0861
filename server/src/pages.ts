import { DomainError } from "./errors/domain-error.ts";

/** The id that a cursor stands for: the last one of the page before; undefined on the first page. Throws `VALIDATION_ERROR`. */
export function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "cursor", message: "This is not a cursor of this list." },
  ]);
}

/** A page of what was read, for which one row more than the limit was asked; its cursor is the id of its last item. */
export function toPage<Item>(
  rows: Item[],
  limit: number,
  idOf: (item: Item) => number,
): { items: Item[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : String(idOf(last)) };
}
