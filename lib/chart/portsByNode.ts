import { largest, smallest } from "../extremes.js";
import { allotmentLayers, failureLayers, nodeLayout } from "./nodeLayout.js";
import type { ChartChannel, ChartLayer, ChartSpec } from "./spec.js";
import { colours } from "./theme.js";
import { type ChartOptions, count, heading, noRows, percent, plural, short } from "./chartWords.js";

/** How far a node's ports were in use during a stretch of time. */
export interface NodePortsRow {
  readonly node: string;
  readonly mean: number;
  /** Not exceeded for 99 % of the time. */
  readonly p99: number;
  readonly max: number;
  /** Ports that the node has. */
  readonly allotted: number;
  readonly attempts: number;
  readonly failures: number;
}

const finding = (rows: readonly NodePortsRow[]): string => {
  const range = (values: readonly number[]): string => {
    const [least, most] = [smallest(values), largest(values)];
    return least === most ? count(most) : `${count(least)} to ${count(most)}`;
  };
  const full = rows.filter(row => row.max >= row.allotted).length;
  const failing = rows.filter(row => row.failures > 0);
  const total = rows.reduce(
    (sum, row) => ({ failures: sum.failures + row.failures, attempts: sum.attempts + row.attempts }),
    { failures: 0, attempts: 0 },
  );
  const each = rows.length === 1 ? "uses" : "use";
  const fate =
    failing.length === 0
      ? "no connection fails"
      : `connections fail on ${failing.length === rows.length ? "every node" : `${count(failing.length)} of them`}, ${percent(total.failures / total.attempts)} in all`;
  return `At their peaks ${plural(rows.length, "node")} ${each} ${range(rows.map(row => row.max))} of ${range(rows.map(row => row.allotted))} SNAT ports; ${full === 0 ? "none" : count(full)} of them ${full > 1 ? "have" : "has"} them all in use at some time; ${fate}.`;
};

/**
 * Ports in use node by node: what is not exceeded for 99 % of the time, the peak above it, and the node's allotment; a cross marks
 * a node where connections fail. Up to 16 nodes lie below each other, more stand side by side; of more than 128, each bar is
 * the fullest of some neighbours, and its cross stands for all of them.
 * @throws InputError without rows
 */
export const portsByNode = (rows: readonly NodePortsRow[], options: ChartOptions = {}): ChartSpec => {
  if (rows.length === 0) throw noRows("portsByNode");
  const layout = nodeLayout(
    rows.map(({ node, max, allotted, failures }) => ({ node, used: max, allotted, failed: failures })),
  );
  const { along, across, axis, scale, width, height } = layout;
  const node: ChartChannel = { field: "node", type: "nominal", sort: null, axis, scale };
  const most = Math.max(1, largest(rows.map(row => Math.max(row.max, row.allotted))));
  const ports = (field: string): ChartChannel => ({
    field,
    type: "quantitative",
    stack: null,
    axis: { title: "SNAT ports in use", format: ",d", tickMinStep: 1 },
    scale: { domain: [0, most * 1.02], nice: false },
  });
  const parts = ["not exceeded for 99 % of the time", "peak"];
  const bar = (field: "p99" | "max", part: string): ChartLayer => ({
    mark: { type: "bar" },
    encoding: {
      [across]: node,
      [along]: ports(field),
      color: {
        datum: part,
        type: "nominal",
        scale: { domain: parts, range: [colours.blue, colours.sky] },
        legend: { title: null, orient: "bottom", columns: 2 },
      },
      tooltip: [
        { field: "node", type: "nominal" },
        { field: "mean", type: "quantitative", title: "mean in use", format: ",.0f" },
        { field: "p99", type: "quantitative", title: "99 % of the time at most", format: "," },
        { field: "max", type: "quantitative", title: "peak", format: "," },
        { field: "allotted", type: "quantitative", format: "," },
        { field: "failures", type: "quantitative", title: "failed connections", format: "," },
        { field: "attempts", type: "quantitative", title: "of", format: "," },
      ],
    },
  });
  return {
    title: heading("SNAT ports in use, node by node", options),
    description: finding(rows),
    data: { values: rows.filter(layout.isDrawn).map(row => ({ ...row, mean: short(row.mean) })) },
    width,
    height,
    layer: [
      bar("max", parts[1]!),
      bar("p99", parts[0]!),
      ...allotmentLayers(
        layout,
        rows.map(row => row.allotted),
      ),
      ...failureLayers(layout, node),
    ],
  };
};
