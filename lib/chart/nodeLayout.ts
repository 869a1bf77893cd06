import type { ChartChannel, ChartLayer } from "./spec.js";
import { colours } from "./theme.js";
import { count } from "./words.js";

/** Beyond this many, nodes stand side by side in narrow bars rather than below each other with their full names. */
const nodesNamed = 16;

/** The part that all names share, cut where a word ends. */
const sharedStart = (names: readonly string[]): string => {
  let shared = names[0] ?? "";
  for (const name of names) while (!name.startsWith(shared)) shared = shared.slice(0, -1);
  return shared.slice(0, shared.lastIndexOf("-") + 1);
};

/** How the nodes are laid out: below each other with full names, or side by side with a number under some. */
export const nodeLayout = (nodes: readonly string[]) => {
  const scale = { type: "band", paddingInner: 0.3 } as const;
  if (nodes.length <= nodesNamed)
    return {
      along: "x",
      across: "y",
      axis: { title: null, labelLimit: 260, ticks: false, grid: false },
      scale,
      width: 440,
      height: { step: 44 },
      limitLabel: { align: "right", dy: -4, at: 0 },
      failedLabel: { align: "left", baseline: "middle", dx: 8 },
      failedText: (failed: number) => `✕ ${count(failed)} failed`,
    } as const;
  const start = sharedStart(nodes);
  const every = [1, 2, 5, 10, 20, 50, 100].find(step => nodes.length / step <= 25) ?? 200;
  return {
    along: "y",
    across: "x",
    axis: {
      title: start === "" ? "node" : start.startsWith("node") ? `${start}…` : `node ${start}…`,
      values: nodes.filter((_, index) => index % every === 0),
      labelAngle: 0,
      labelExpr: `slice(datum.value, ${start.length})`,
      ticks: false,
      grid: false,
    },
    scale: { ...scale, paddingInner: 0.15 },
    width: { step: Math.max(5, Math.min(18, Math.floor(640 / nodes.length))) },
    height: 260,
    limitLabel: { align: "right", dy: -16, at: "width" },
    failedLabel: { align: "center", baseline: "bottom", dy: -3 },
    failedText: () => "✕",
  } as const;
};

type NodeLayout = ReturnType<typeof nodeLayout>;

/** A line at what nodes are allotted, labelled, once for each number of ports. */
export const allotmentLayers = (
  { along, across, limitLabel }: NodeLayout,
  ports: readonly number[],
): readonly ChartLayer[] => {
  const data = { values: [...new Set(ports)].map(allotted => ({ allotted, label: `${count(allotted)} allotted` })) };
  const allotted: ChartChannel = { field: "allotted", type: "quantitative" };
  return [
    {
      data,
      mark: { type: "rule", color: colours.alarm, strokeWidth: 2, strokeDash: [6, 3] },
      encoding: { [along]: allotted },
    },
    {
      data,
      mark: {
        type: "text",
        color: colours.alarm,
        fontWeight: "bold",
        baseline: "bottom",
        align: limitLabel.align,
        dy: limitLabel.dy,
      },
      encoding: { [along]: allotted, [across]: { value: limitLabel.at }, text: { field: "label", type: "nominal" } },
    },
  ];
};

/** What marks the nodes where connections fail, at the end of their bars. */
export const failureLayers = (
  { along, across, failedLabel, failedText }: NodeLayout,
  node: ChartChannel,
  rows: readonly { readonly node: string; readonly at: number; readonly failed: number }[],
): readonly ChartLayer[] => {
  const values = rows
    .filter(({ failed }) => failed > 0)
    .map(({ failed, ...row }) => ({ ...row, label: failedText(failed) }));
  if (values.length === 0) return [];
  return [
    {
      data: { values },
      mark: { type: "text", color: colours.alarm, fontWeight: "bold", ...failedLabel },
      encoding: {
        [across]: node,
        [along]: { field: "at", type: "quantitative" },
        text: { field: "label", type: "nominal" },
      },
    },
  ];
};
