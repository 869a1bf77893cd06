import type { ChartChannel, ChartEncoding, ChartLayer, ChartSpec } from "./spec.js";
import { colours, palette } from "./theme.js";
import { type ChartOptions, count, heading, noRows, plural } from "./chartWords.js";

/** Ports in use at one setting of a parameter. */
export interface PortsCurveRow {
  /** The parameter's value: a number, or a name such as a SKU. */
  readonly x: number | string;
  /** On the node that uses most. */
  readonly portsInUse: number;
  /** Ports that each node has. */
  readonly allotted: number;
  readonly failed: number;
  /** Which curve the row belongs to, where there are several. */
  readonly series?: string;
}

export interface PortsCurveOptions extends ChartOptions {
  /** What `x` is, with its unit: `pods per node`. */
  readonly x: string;
}

const use = (row: PortsCurveRow): string => `${count(row.portsInUse)} of ${count(row.allotted)}`;

const numericFinding = (rows: readonly PortsCurveRow[], x: string): string => {
  const [first, last] = [rows[0]!, rows.at(-1)!];
  const failing = rows.find(row => row.failed > 0);
  const end = failing === undefined ? "no connection fails" : `connections fail from ${failing.x} on`;
  return `from ${first.x} to ${last.x} ${x}, the SNAT ports in use on the fullest node go from ${use(first)} to ${use(last)}; ${end}`;
};

const namedFinding = (rows: readonly PortsCurveRow[]): string =>
  rows
    .map(
      row =>
        `with ${row.x}, ${use(row)} SNAT ports are in use on the fullest node and ${row.failed === 0 ? "no connection fails" : `${plural(row.failed, "connection")} cannot be opened`}`,
    )
    .join("; ");

const curvesFinding = (rows: readonly PortsCurveRow[], x: string, numeric: boolean): string => {
  const series = [...new Set(rows.map(row => row.series))];
  const findings = series.map(name => {
    const own = rows.filter(row => row.series === name);
    const finding = numeric ? numericFinding(own, x) : namedFinding(own);
    return name === undefined ? `${finding[0]!.toUpperCase()}${finding.slice(1)}.` : `${name}: ${finding}.`;
  });
  return findings.join(" ");
};

/**
 * SNAT ports in use on the fullest node as one parameter changes: pods, connections per pod, nodes, frontends, SKU.
 * A dashed line is the allotment, a cross stands where connections fail. A parameter that takes names gives bars.
 * @throws InputError without rows
 */
export const portsCurve = (rows: readonly PortsCurveRow[], options: PortsCurveOptions): ChartSpec => {
  if (rows.length === 0) throw noRows("portsCurve");
  const numeric = rows.every(row => typeof row.x === "number");
  const names = [...new Set(rows.flatMap(row => row.series ?? []))];
  const x: ChartChannel = numeric
    ? {
        field: "x",
        type: "quantitative",
        axis: {
          title: options.x,
          format: ",~f",
          values: [...new Set(rows.map(row => Number(row.x)))],
          labelOverlap: "greedy",
        },
        scale: { zero: false, nice: false },
      }
    : {
        field: "x",
        type: "ordinal",
        sort: [...new Set(rows.map(row => row.x))],
        axis: { title: options.x, labelAngle: 0, ticks: false },
      };
  const side: ChartEncoding =
    names.length > 0 ? { [numeric ? "detail" : "xOffset"]: { field: "series", type: "nominal" } } : {};
  const ports = (field: string): ChartChannel => ({
    field,
    type: "quantitative",
    axis: { title: "SNAT ports, fullest node", format: ",d", tickMinStep: 1 },
    scale: { zero: true },
  });
  const colour: ChartChannel =
    names.length > 0
      ? {
          field: "series",
          type: "nominal",
          scale: { domain: names, range: palette.slice(0, names.length) },
          legend: { title: null, orient: "bottom", columns: 2 },
        }
      : { value: colours.blue };
  const tooltip: readonly ChartChannel[] = [
    { field: "x", type: numeric ? "quantitative" : "nominal", title: options.x },
    { field: "portsInUse", type: "quantitative", title: "ports in use", format: "," },
    { field: "allotted", type: "quantitative", format: "," },
    { field: "failed", type: "quantitative", title: "failed connections", format: "," },
  ];
  const layer: readonly ChartLayer[] = [
    {
      mark: numeric
        ? { type: "line", color: colours.alarm, strokeDash: [6, 3], interpolate: "step-after" }
        : { type: "tick", color: colours.alarm, thickness: 3, size: 64, opacity: 1 },
      encoding: { x, y: ports("allotted"), ...(numeric && names.length > 0 ? { color: colour } : {}), ...side },
    },
    {
      mark: numeric ? { type: "line", point: true } : { type: "bar", size: 48 },
      encoding: { x, y: ports("portsInUse"), color: colour, tooltip, ...side },
    },
    // A layer without rows would leave Vega to warn of its empty extent.
    ...(rows.some(({ failed }) => failed > 0)
      ? [
          {
            transform: [{ filter: "datum.failed > 0" }],
            mark: { type: "text", color: colours.alarm, fontWeight: "bold", baseline: "bottom", dy: -6 } as const,
            encoding: { x, y: ports("portsInUse"), text: { value: "✕" }, ...side },
          },
        ]
      : []),
  ];
  return {
    title: heading(`SNAT ports by ${options.x}`, {
      subtitle: `${numeric ? "dashed" : "orange"}: the node's allotment; ✕: connections fail`,
      ...options,
    }),
    description: curvesFinding(rows, options.x, numeric),
    data: { values: rows.map(row => ({ ...row })) },
    width: numeric ? 480 : { step: 140 },
    height: 260,
    layer,
  };
};

/** Ports that each node gets in a pool of so many nodes. */
export interface TierRow {
  /** 1-1000. */
  readonly nodes: number;
  readonly portsPerNode: number;
}

/**
 * Ports per node against the number of nodes: the steps of the default allocation, the first of them marked.
 * @param rows by ascending number of nodes
 * @throws InputError without rows
 */
export const tierSteps = (rows: readonly TierRow[], options: ChartOptions = {}): ChartSpec => {
  const starts = rows.filter((row, index) => row.portsPerNode !== rows[index - 1]?.portsPerNode);
  const last = rows.at(-1);
  if (last === undefined) throw noRows("tierSteps");
  const drops = starts.slice(1).map(to => ({ from: rows[rows.indexOf(to) - 1]!, to }));
  const first = drops[0];
  const label = (row: TierRow) => ({ ...row, label: count(row.portsPerNode) });
  const x: ChartChannel = {
    field: "nodes",
    type: "quantitative",
    axis: { title: "nodes in the pool", format: ",d", values: [...starts, last].map(row => row.nodes) },
    scale: { nice: false },
  };
  const y: ChartChannel = {
    field: "portsPerNode",
    type: "quantitative",
    axis: { title: "SNAT ports per node", format: ",d", values: starts.map(row => row.portsPerNode) },
    scale: { type: "log", base: 2 },
  };
  const marked: readonly ChartLayer[] =
    first === undefined
      ? []
      : [
          {
            data: { values: [{ ...first.to, before: first.from.portsPerNode }] },
            mark: { type: "rule", color: colours.alarm, strokeWidth: 3 },
            encoding: { x, y, y2: { field: "before" } },
          },
          {
            data: {
              values: [
                {
                  ...first.to,
                  portsPerNode: first.from.portsPerNode,
                  label: `from ${first.to.nodes} nodes: ${count(first.to.portsPerNode)} ports`,
                },
              ],
            },
            mark: { type: "text", color: colours.alarm, fontWeight: "bold", align: "left", baseline: "middle", dx: 10 },
            encoding: { x, y, text: { field: "label", type: "nominal" } },
          },
        ];
  const falls = drops.map(
    ({ from, to }) => `from ${count(from.portsPerNode)} to ${count(to.portsPerNode)} at ${count(to.nodes)} nodes`,
  );
  return {
    title: heading("Ports per node by size of the pool", options),
    description:
      falls.length === 0
        ? `Each node has ${count(last.portsPerNode)} SNAT ports, whatever the number of nodes up to ${count(last.nodes)}.`
        : `A node's SNAT ports fall in steps as the pool grows: ${falls.join(", ")}.`,
    data: {
      values: [...new Set([...starts, ...drops.map(({ from }) => from), last])]
        .sort((a, b) => a.nodes - b.nodes)
        .map(label),
    },
    width: 480,
    height: 260,
    layer: [
      { mark: { type: "line", color: colours.blue, interpolate: "step-after", strokeWidth: 3 }, encoding: { x, y } },
      ...marked,
    ],
  };
};
