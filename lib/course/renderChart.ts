import { type ChartSpec, vegaLite } from "egress-lab/chart";
import { chartSvg } from "./chartSvg.js";
import { svgToPng } from "./png.js";

/** A chart in every form that a notebook or a page may show. */
export interface RenderedChart {
  /** The Vega-Lite 5 specification, theme included, for a live chart. */
  readonly spec: object;
  readonly svg: string;
  /** At twice the size of the SVG. */
  readonly png: Uint8Array;
  /** What the chart shows, in words. */
  readonly alt: string;
}

/**
 * Draws a chart. Equal charts give equal bytes. Node only.
 * @throws InputError when the chart has no description
 */
export const renderChart = async (spec: ChartSpec): Promise<RenderedChart> => {
  const svg = await chartSvg(spec);
  return { spec: vegaLite(spec), svg, png: await svgToPng(svg), alt: spec.description };
};
