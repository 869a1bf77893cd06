import { InputError, listOf, refuse, someText, withFields } from "egress-lab/input";

/** What a cell of a table can hold. */
export type CellValue = string | number | boolean | bigint | null | undefined;

/** A table by columns and rows; every row has a value for every column. */
export interface TableData {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly CellValue[])[];
  readonly caption?: string;
}

/** Rows of records: the columns are the keys, in the order in which they first appear. */
export type Records = readonly Readonly<Record<string, CellValue>>[];

/** Makes text safe inside HTML, in attributes too. */
export const escapeHtml = (text: string): string =>
  text.replace(
    /[&<>"']/g,
    character => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" })[character]!,
  );

/** Columns and rows of a list of records. */
export const tableOf = (records: Records): TableData => {
  listOf("table", records, "a list of records");
  records.forEach((record, i) => withFields(`table: record ${i}`, record, "values by column"));
  const columns = [...new Set(records.flatMap(record => Object.keys(record)))];
  return { columns, rows: records.map(record => columns.map(column => record[column])) };
};

const isNumber = (value: CellValue): value is number | bigint => typeof value === "number" || typeof value === "bigint";

const cellText = (value: CellValue): string =>
  typeof value === "object" && value !== null
    ? refuse("table: cell", value, "is no value that a cell can hold", "a text, a number, true, false or nothing")
    : String(value ?? "");

/** A column is set to the right when all it holds are numbers. */
const isNumeric = (table: TableData, column: number): boolean => {
  const values = table.rows.map(row => row[column]).filter(value => value !== null && value !== undefined);
  return values.length > 0 && values.every(isNumber);
};

const checked = (table: TableData): TableData => {
  withFields("table", table, "columns and rows");
  listOf("table: columns", table.columns, "the columns' names").forEach((column, i) => {
    if ((column as unknown) !== "") someText(`table: column ${i}`, column, "a name");
  });
  listOf("table: rows", table.rows, "a list of values for each row").forEach((row, i) =>
    listOf(`table: row ${i}`, row, "a list of values"),
  );
  if (table.caption !== undefined && typeof table.caption !== "string")
    refuse("table: caption", table.caption, "is not text", "a text");
  const wrong = table.rows.findIndex(row => row.length !== table.columns.length);
  if (wrong >= 0)
    throw new InputError({
      where: `table: row ${wrong}`,
      value: table.rows[wrong],
      problem: `has ${table.rows[wrong]!.length} values`,
      expected: `${table.columns.length}, one per column`,
    });
  return table;
};

/** A table in characters, numbers to the right. @throws InputError when a row is too short or too long */
export const tableText = (table: TableData): string => {
  const { columns, rows } = checked(table);
  const texts = [columns, ...rows.map(row => row.map(cellText))];
  const widths = columns.map((_, i) => texts.reduce((widest, row) => Math.max(widest, row[i]!.length), 0));
  const numeric = columns.map((_, i) => isNumeric(table, i));
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => (numeric[i] ? text.padStart(widths[i]!) : text.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  const [head, ...body] = texts.map(line);
  return [
    ...(table.caption === undefined ? [] : [table.caption]),
    head,
    widths.map(width => "-".repeat(width)).join("  "),
    ...body,
  ].join("\n");
};

/** A table in HTML, every text escaped. @throws InputError when a row is too short or too long */
export const tableHtml = (table: TableData): string => {
  const { columns, rows, caption } = checked(table);
  const align = columns.map((_, i) =>
    isNumeric(table, i) ? ' style="text-align: right"' : ' style="text-align: left"',
  );
  const head = columns.map((column, i) => `<th scope="col"${align[i]}>${escapeHtml(column)}</th>`).join("");
  const body = rows.map(
    row => `<tr>${row.map((value, i) => `<td${align[i]}>${escapeHtml(cellText(value))}</td>`).join("")}</tr>`,
  );
  const title = caption === undefined ? "" : `<caption>${escapeHtml(caption)}</caption>\n`;
  return `<table>\n${title}<thead><tr>${head}</tr></thead>\n<tbody>\n${body.join("\n")}\n</tbody>\n</table>`;
};
