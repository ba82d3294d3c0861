import { DomainError } from "../errors/domain-error.ts";

/** The id that a cursor stands for: the last one of the page before; undefined on the first page. Throws `VALIDATION_ERROR`. */
export function readCursor(cursor: string | null | undefined): number | undefined {
  if (cursor === undefined || cursor === null) return undefined;
  if (/^[1-9]\d{0,14}$/.test(cursor)) return Number(cursor);
  throw notACursor();
}

/** The refusal of what is no cursor of the list that it was sent to. */
export function notACursor(): DomainError {
  return new DomainError({ code: "VALIDATION_ERROR" }, [
    { field: "cursor", message: "This is not a cursor of this list." },
  ]);
}

/** A page of what was read, for which one row more than the limit was asked; its cursor is what stands for its last item. */
export function toPage<Item>(
  rows: Item[],
  limit: number,
  cursorOf: (item: Item) => number | string,
): { items: Item[]; nextCursor: string | null } {
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : String(cursorOf(last)) };
}
