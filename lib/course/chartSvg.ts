import { type ChartSpec, textWidth, vegaLite } from "egress-lab/chart";

/** What is used of vega and vega-lite; both are loaded only when a chart is drawn. */
interface Vega {
  readonly Warn: number;
  parse(spec: object): object;
  View: new (
    runtime: object,
    options: { readonly renderer: "none"; readonly logLevel: number },
  ) => { toSVG(): Promise<string>; finalize(): void };
  readonly textMetrics: { width(item: TextItem, line: unknown): number };
  resetSVGDefIds(): void;
}
interface TextItem {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
  readonly limit?: number;
}
interface VegaLite {
  compile(spec: object): { readonly spec: object };
}

const lineWidth = (item: TextItem, line: unknown): number => {
  const width = textWidth(
    String(line ?? "").trim(),
    item.fontSize ?? 11,
    item.fontWeight === "bold" ? "bold" : "normal",
  );
  return item.limit ? Math.min(item.limit, width) : width;
};

const load = async (): Promise<{ readonly vega: Vega; readonly lite: VegaLite }> => {
  const vega = (await import("vega")) as unknown as Vega;
  const lite = (await import("vega-lite")) as unknown as VegaLite;
  vega.textMetrics.width = lineWidth; // left alone, vega asks a canvas where there is one: pictures would differ between machines
  return { vega, lite };
};

/** Draws a chart as SVG text. The same chart gives the same text on every machine. */
export const chartSvg = async (spec: ChartSpec): Promise<string> => {
  const full = vegaLite(spec);
  const { vega, lite } = await load();
  vega.resetSVGDefIds();
  const view = new vega.View(vega.parse(lite.compile(full).spec), { renderer: "none", logLevel: vega.Warn });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
};
