import type { ChartSpec } from "egress-lab/chart";
import { type Records, type TableData, escapeHtml, tableHtml, tableOf, tableText } from "./dataTable.js";

/** A picture in SVG and the same in words. */
export interface Diagram {
  readonly svg: string;
  /** What the picture shows; never empty. */
  readonly alt: string;
}

type WriteDisplayData = (
  message: { readonly data: object; readonly metadata: object; readonly transient: object },
  update: boolean,
) => void;

/**
 * How tslab lets a cell write a whole MIME bundle; undefined outside tslab, where nothing loads it.
 * Node's module list is asked, not imported, so that this file also loads in a browser.
 */
const writer = (): WriteDisplayData | undefined => {
  const modules = globalThis.process?.getBuiltinModule?.("module");
  const cache = modules?.createRequire(import.meta.url).cache ?? {};
  const kernel = Object.keys(cache).find(path => /[\\/]tslab[\\/]dist[\\/]jupyter\.js$/.test(path));
  return kernel === undefined
    ? undefined
    : ((cache[kernel]?.exports as { lastWriteDisplayData: WriteDisplayData | null }).lastWriteDisplayData ?? undefined);
};

const write = (
  data: { readonly "text/plain": string; readonly [type: string]: unknown },
  metadata: object = {},
): void => {
  const display = writer();
  if (display === undefined) console.log(data["text/plain"]);
  else display({ data, metadata, transient: {} }, false);
};

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(""));

/** An image element is the one form of SVG that every notebook reader shows, trusted or not. */
const showDiagram = ({ svg, alt }: Diagram): void =>
  write({
    "text/html": `<img alt="${escapeHtml(alt)}" src="data:image/svg+xml;base64,${base64(new TextEncoder().encode(svg))}">`,
    "text/plain": alt,
  });

/** No HTML here: JupyterLab would prefer it to the live chart. */
const showChart = async (chart: ChartSpec): Promise<void> => {
  if (writer() === undefined) return write({ "text/plain": chart.description });
  const { renderChart } = await import("./renderChart.js");
  const { spec, png, alt } = await renderChart(chart);
  write(
    { "application/vnd.vegalite.v5+json": spec, "image/png": base64(png), "text/plain": alt },
    { "image/png": { alt } },
  );
};

const isRecords = (value: object): value is Records => Array.isArray(value);

/**
 * Shows a value under the cell of a notebook, or prints it as text outside tslab.
 * A text is shown as it is, line by line; a table comes from rows of records, or from columns and rows; a diagram brings
 * its own words. A chart is drawn, so it is awaited: `await show(chart)`.
 * @throws InputError for a table whose rows differ in length, or a chart without description
 */
export function show(value: string | Records | TableData | Diagram): void;
export function show(value: ChartSpec): Promise<void>;
export function show(value: string | Records | TableData | Diagram | ChartSpec): void | Promise<void> {
  if (typeof value === "string") return write({ "text/plain": value });
  if (isRecords(value) || "rows" in value) {
    const table = isRecords(value) ? tableOf(value) : value;
    return write({ "text/html": tableHtml(table), "text/plain": tableText(table) });
  }
  return "svg" in value ? showDiagram(value) : showChart(value);
}
