import { InputError } from "../errors.js";
import { largest } from "../extremes.js";
import { type Data, printJson, printYaml, sortKeys } from "./document.js";

/** az's `--output` formats known here. */
export type AzFormat = "json" | "tsv" | "table" | "yaml" | "none";

const formats: readonly AzFormat[] = ["json", "tsv", "table", "yaml", "none"];

/** Reads `--output`. @throws InputError naming the formats that exist */
export const azFormat = (text: string): AzFormat => {
  const found = formats.find(format => format === text);
  if (found === undefined)
    throw new InputError({
      where: "az -o",
      value: text,
      problem: "is not an output format",
      expected: formats.join(", "),
    });
  return found;
};

type Fields = Readonly<Record<string, Data>>;
const isFields = (data: Data): data is Fields => typeof data === "object" && data !== null && !Array.isArray(data);
const isList = (data: Data): data is readonly Data[] => Array.isArray(data);

/** A cell of tsv: nested lists become their length, nested objects nothing. */
const tsvCell = (data: Data): string => {
  if (isList(data)) return String(data.length);
  if (isFields(data)) return "";
  return data === null ? "None" : String(data);
};

const tsvRow = (data: Data): string => {
  if (isList(data)) return data.map(tsvCell).join("\t");
  return isFields(data) ? Object.values(data).map(tsvCell).join("\t") : tsvCell(data);
};

const printTsv = (data: Data): string => (isList(data) ? data : [data]).map(tsvRow).join("\n");

/** Keys that az leaves out of every table. */
const unshown = ["id", "type", "etag", "revision"];

const capital = (key: string): string => key.charAt(0).toUpperCase() + key.slice(1);

/** An item as a row: nested values are not shown, a list's columns are numbered. */
const tableRow = (data: Data): Readonly<Record<string, Data>> => {
  if (isList(data))
    return Object.fromEntries(
      data.flatMap((value, index) => (isList(value) || isFields(value) ? [] : [[`Column${index + 1}`, value]])),
    );
  if (!isFields(data)) return { Result: data };
  return Object.fromEntries(
    Object.entries(data).flatMap(([key, value]) =>
      isList(value) || isFields(value) || unshown.includes(key) ? [] : [[capital(key), value]],
    ),
  );
};

const tableCell = (data: Data | undefined): string =>
  data === undefined || data === null ? "" : typeof data === "boolean" ? (data ? "True" : "False") : String(data);

/** Rows as az draws them: a column is two wider than its heading at least, numbers stand at the right. */
const printAzTable = (data: Data, order: readonly string[] | undefined): string => {
  const rows = (isList(data) ? data : [data]).map(tableRow);
  const names = order?.map(capital) ?? [...new Set(rows.flatMap(row => Object.keys(row)))];
  if (names.length === 0) return "";
  const columns = names.map(name => {
    const cells = rows.map(row => tableCell(row[name]));
    const width = Math.max(name.length + 2, largest(cells.map(cell => cell.length)));
    const pad = rows.every(row => typeof row[name] === "number")
      ? (text: string) => text.padStart(width)
      : (text: string) => text.padEnd(width);
    return [pad(name), "-".repeat(width), ...cells.map(pad)];
  });
  return Array.from({ length: rows.length + 2 }, (_, line) =>
    columns
      .map(column => column[line])
      .join("  ")
      .trimEnd(),
  ).join("\n");
};

const print = (data: Data, format: AzFormat, columns?: readonly string[]): string => {
  switch (format) {
    case "json":
      return printJson(data, 2);
    case "yaml":
      return printYaml(data);
    case "tsv":
      return printTsv(data);
    case "table":
      return printAzTable(data, columns);
    case "none":
      return "";
  }
};

/**
 * Data as the az command line prints it, the fields of each object by name.
 * @param columns the keys that a table shows, in order, where the command has its own; otherwise all, by name
 */
export const printAz = (data: Data, format: AzFormat, columns?: readonly string[]): string =>
  print(sortKeys(data), format, columns);

/** What `--query` found: tables and tsv keep the order in which the query names its fields; JSON and YAML sort them. */
export const printFound = (data: Data, format: AzFormat): string => print(data, format);
