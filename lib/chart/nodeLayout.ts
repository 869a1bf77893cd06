import type { ChartChannel, ChartLayer } from "./spec.js";
import { colours } from "./theme.js";
import { count } from "./chartWords.js";

/** Beyond this many, nodes stand side by side in narrow bars rather than below each other with their full names. */
const nodesNamed = 16;

/** The part that all names share, cut where a word ends. */
const sharedStart = (names: readonly string[]): string => {
  let shared = names[0] ?? "";
  for (const name of names) while (!name.startsWith(shared)) shared = shared.slice(0, -1);
  return shared.slice(0, shared.lastIndexOf("-") + 1);
};

/** A page has room for so many side by side. In a larger cluster neighbours share a column, which shows the fullest of them. */
const columnsDrawn = 128;

/** A node's ports at their fullest. */
export interface FullNode {
  readonly node: string;
  readonly used: number;
  readonly allotted: number;
  readonly failed: number;
}

/** Of each `together` neighbours the fullest, with the failures of all of them. */
const fullestOf = (nodes: readonly FullNode[], together: number): readonly FullNode[] => {
  const full = ({ used, allotted }: FullNode): number => used / allotted;
  return Array.from({ length: Math.ceil(nodes.length / together) }, (_, column) => {
    const group = nodes.slice(column * together, (column + 1) * together);
    const fullest = group.reduce((a, b) => (full(b) > full(a) ? b : a));
    return { ...fullest, failed: group.reduce((sum, { failed }) => sum + failed, 0) };
  });
};

/** Below each other with full names, or side by side with a number under some. */
const placement = (nodes: readonly string[], together: number) => {
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
  const every = [1, 2, 5].find(step => nodes.length / step <= 25) ?? 10;
  const title = start === "" ? "node" : start.startsWith("node") ? `${start}…` : `node ${start}…`;
  return {
    along: "y",
    across: "x",
    axis: {
      title: together === 1 ? title : `${title}, the fullest of each ${together}`,
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

/** Which nodes are drawn, and how they are laid out. */
export const nodeLayout = (nodes: readonly FullNode[]) => {
  const together = Math.max(1, Math.ceil(nodes.length / columnsDrawn));
  const drawn = fullestOf(nodes, together);
  const names = new Set(drawn.map(({ node }) => node));
  return {
    ...placement([...names], together),
    drawn,
    isDrawn: ({ node }: { readonly node: string }): boolean => names.has(node),
  };
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
  { drawn, along, across, failedLabel, failedText }: NodeLayout,
  node: ChartChannel,
): readonly ChartLayer[] => {
  const values = drawn
    .filter(({ failed }) => failed > 0)
    .map(({ node, used, allotted, failed }) => ({ node, at: Math.max(used, allotted), label: failedText(failed) }));
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
