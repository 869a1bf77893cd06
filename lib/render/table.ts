import { largest } from "../extremes.js";

/** A column of a table: how it is headed, what it shows of an item, and whether only `-o wide` shows it. */
export interface Column<Item> {
  readonly name: string;
  readonly wide?: boolean;
  readonly value: (item: Item) => string;
}

/** kubectl 1.11 makes no column narrower than this, padding included. */
const narrowest = 10;
const padding = 3;

/** Rows of cells as kubectl draws them: a column is as wide as its widest cell and three more, the last is not padded. */
export const printRows = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(narrowest, largest(rows.map(row => (row[column] ?? "").length + padding))),
  );
  return rows
    .map(row => row.map((cell, column) => (column < row.length - 1 ? cell.padEnd(widths[column]!) : cell)).join(""))
    .join("\n");
};

/** Prints any kind of item through its columns, heading first. */
export const printTable = <Item>(
  columns: readonly Column<Item>[],
  items: readonly Item[],
  options: { readonly wide?: boolean } = {},
): string => {
  const shown = columns.filter(column => options.wide === true || column.wide !== true);
  return printRows([shown.map(column => column.name), ...items.map(item => shown.map(column => column.value(item)))]);
};
