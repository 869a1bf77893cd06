import { largest, smallest } from "../extremes.js";
import { colours, palette } from "./theme.js";
import type { ChartChannel, ChartLayer, ChartRow, ChartSpec } from "./spec.js";
import { type FullNode, allotmentLayers, failureLayers, nodeLayout } from "./nodeLayout.js";
import { type ChartOptions, count, heading, plural } from "./chartWords.js";

/** What one pod holds of its node's SNAT ports. */
export interface SnatPortsRow {
  readonly node: string;
  /** Absent for a node without pods. */
  readonly pod?: string;
  readonly portsInUse: number;
  /** Ports that the whole node has. */
  readonly allotted: number;
  readonly failed: number;
}

/** Beyond this many, pods get two alternating tones and no legend. */
const podsNamed = 8;
const twoTones = ["odd", "even"];
const noPod = "no pod";

const nodeTotals = (rows: readonly SnatPortsRow[]): readonly FullNode[] => {
  const totals = new Map<string, FullNode>();
  for (const { node, portsInUse, allotted, failed } of rows) {
    const before = totals.get(node) ?? { node, used: 0, allotted, failed: 0 };
    totals.set(node, { node, allotted, used: before.used + portsInUse, failed: before.failed + failed });
  }
  return [...totals.values()];
};

const failures = (failed: number): string =>
  failed === 0 ? "no connection fails" : `${plural(failed, "connection")} ${failed === 1 ? "fails" : "fail"}`;

const oneNode = ({ node, used, allotted, failed }: FullNode): string =>
  `${node} has ${count(used)} of its ${count(allotted)} SNAT ports in use and ${failures(failed)}`;

const finding = (totals: readonly FullNode[]): string => {
  if (totals.length === 0) return "No node has SNAT ports.";
  if (totals.length <= 4) return `${totals.map(oneNode).join("; ")}.`;
  const inUse = totals.map(total => total.used);
  const full = totals.filter(total => total.used >= total.allotted).length;
  const failed = totals.reduce((sum, total) => sum + total.failed, 0);
  const [least, most] = [smallest(inUse), largest(inUse)];
  const range = least === most ? count(most) : `${count(least)} to ${count(most)}`;
  const allotments = [...new Set(totals.map(total => total.allotted))].map(count).join(" or ");
  return `${plural(totals.length, "node")} use ${range} of their ${allotments} SNAT ports each; ${full === 0 ? "none has" : `${count(full)} of them ${full === 1 ? "has" : "have"}`} all in use, and ${failures(failed)}.`;
};

/** Rows with the tone of each pod: its own where few have to be told apart, else one of two in turn on each node. */
const toned = (rows: readonly SnatPortsRow[], named: boolean): readonly ChartRow[] => {
  const places = new Map<string, number>();
  return rows.map(row => {
    const place = places.get(row.node) ?? 0;
    places.set(row.node, place + 1);
    const { node, pod = noPod, portsInUse, allotted, failed } = row;
    return { node, pod, place, tone: named ? pod : twoTones[place % 2]!, portsInUse, allotted, failed };
  });
};

/**
 * SNAT ports in use, a bar for each node, stacked by pod, with a line at what a node is allotted and the failed connections beside it.
 * Up to 16 nodes lie below each other with their names, more stand side by side; of more than 128, each bar is the fullest of
 * some neighbours, and its cross stands for all of them.
 */
export const snatPortsPerNode = (rows: readonly SnatPortsRow[], options: ChartOptions = {}): ChartSpec => {
  const totals = nodeTotals(rows);
  const pods = [...new Set(rows.flatMap(row => row.pod ?? []))];
  const named = pods.length <= podsNamed;
  const layout = nodeLayout(totals);
  const { along, across, axis, scale, width, height } = layout;
  const nodeChannel: ChartChannel = { field: "node", type: "nominal", sort: null, axis, scale };
  const most = Math.max(1, largest(totals.map(total => Math.max(total.used, total.allotted))));
  const portsChannel: ChartChannel = {
    field: "portsInUse",
    type: "quantitative",
    stack: "zero",
    axis: { title: "SNAT ports in use", format: ",d", tickMinStep: 1 },
    scale: { domain: [0, most * 1.02], nice: false },
  };

  const layer: readonly ChartLayer[] = [
    {
      mark: { type: "bar", stroke: colours.paper, strokeWidth: 0.5 },
      encoding: {
        [across]: nodeChannel,
        [along]: portsChannel,
        color: {
          field: "tone",
          type: "nominal",
          scale: named
            ? { domain: pods, range: palette.slice(0, pods.length) }
            : { domain: twoTones, range: [colours.blue, colours.sky] },
          legend: named && pods.length > 0 ? { title: "pod", orient: "bottom", columns: 2, labelLimit: 260 } : null,
        },
        order: { field: "place", type: "quantitative" },
        tooltip: [
          { field: "node", type: "nominal" },
          { field: "pod", type: "nominal" },
          { field: "portsInUse", type: "quantitative", title: "ports in use", format: "," },
          { field: "allotted", type: "quantitative", format: "," },
          { field: "failed", type: "quantitative", title: "failed connections", format: "," },
        ],
      },
    },
    ...allotmentLayers(
      layout,
      totals.map(total => total.allotted),
    ),
    ...failureLayers(layout, nodeChannel),
  ];
  return {
    title: heading("SNAT ports in use per node", options),
    description: finding(totals),
    data: {
      values: toned(rows.filter(layout.isDrawn), named),
    },
    width,
    height,
    layer,
  };
};
