import { largest } from "../extremes.js";
import type { ChartChannel, ChartSpec } from "./spec.js";
import { colours } from "./theme.js";
import { type ChartOptions, count, heading, noRows, percent, short } from "./chartWords.js";

/** How likely a connection fails with so many pods on the node, each with so many connections. */
export interface FailureHeatMapRow {
  readonly podsPerNode: number;
  readonly connectionsPerPod: number;
  /** 0-1. */
  readonly failure: number;
  /** Ports that the node has. With several of them the live chart has a list to choose from. */
  readonly portsPerNode: number;
}

export interface FailureHeatMapOptions extends ChartOptions {
  /** What `connectionsPerPod` counts. Default: `connections per pod`. */
  readonly connections?: string;
  /** Ports per node that a picture shows. Default: those of the first row. */
  readonly portsPerNode?: number;
}

const bands = [
  { below: 1e-4, name: "under 0.01 %", colour: "#eef3f7" },
  { below: 1e-3, name: "0.01 - 0.1 %", colour: "#fdebc8" },
  { below: 1e-2, name: "0.1 - 1 %", colour: "#fccf8a" },
  { below: 0.1, name: "1 - 10 %", colour: "#f59d4a" },
  { below: 0.5, name: "10 - 50 %", colour: "#b84a00" },
  { below: Infinity, name: "50 % and more", colour: "#6b2400" },
] as const;

const bandOf = (failure: number) => bands.find(({ below }) => failure < below)!;

/** What fails, and the least that fails with the most pods. */
const finding = (rows: readonly FailureHeatMapRow[], connections: string): string => {
  const [{ portsPerNode }] = rows as readonly [FailureHeatMapRow];
  const bad = (row: FailureHeatMapRow) => row.failure >= 0.01;
  const most = largest(rows.map(row => row.podsPerNode));
  const first = rows
    .filter(row => row.podsPerNode === most && bad(row))
    .sort((a, b) => a.connectionsPerPod - b.connectionsPerPod)[0];
  const worst = rows.reduce((a, b) => (b.failure > a.failure ? b : a));
  const of = `With ${count(portsPerNode)} ports per node`;
  if (worst.failure < 0.01)
    return `${of}, at most ${percent(worst.failure)} of the connections fail, with ${count(worst.podsPerNode)} pods per node and ${count(worst.connectionsPerPod)} ${connections}.`;
  const edge =
    first === undefined
      ? ""
      : ` with ${count(most)} pods per node, 1 % or more fail from ${count(first.connectionsPerPod)} ${connections} on;`;
  return `${of}, 1 % or more of the connections fail in ${count(rows.filter(bad).length)} of ${count(rows.length)} cases:${edge} the worst is ${percent(worst.failure)}, with ${count(worst.podsPerNode)} pods and ${count(worst.connectionsPerPod)} ${connections}.`;
};

/**
 * A table of colours: how many connections fail, by pods on the node and connections of each pod.
 * The figures in it are percent; none stands where fewer than 0.01 % fail.
 * @param rows one for each pair, and for each number of ports; at most a few hundred of each
 * @throws InputError without rows
 */
export const failureHeatMap = (rows: readonly FailureHeatMapRow[], options: FailureHeatMapOptions = {}): ChartSpec => {
  const [first] = rows;
  if (first === undefined) throw noRows("failureHeatMap");
  const { connections = "connections per pod", portsPerNode = first.portsPerNode, ...words } = options;
  const ports = [...new Set(rows.map(row => row.portsPerNode))].sort((a, b) => b - a);
  const ascending = (pick: (row: FailureHeatMapRow) => number) => [...new Set(rows.map(pick))].sort((a, b) => a - b);
  const shown = rows.filter(row => row.portsPerNode === portsPerNode);
  const x: ChartChannel = {
    field: "pods",
    type: "ordinal",
    sort: ascending(row => row.podsPerNode),
    axis: { title: "pods per node", labelAngle: 0, ticks: false, grid: false },
  };
  const liveTitle =
    ports.length > 1 && words.title === undefined
      ? { text: { expr: "format(portsPerNode, ',') + ' ports per node'" } }
      : {};
  const levels = ascending(row => row.connectionsPerPod).reverse();
  const y: ChartChannel = {
    field: "connections",
    type: "ordinal",
    sort: levels,
    axis: { title: connections, ticks: false, grid: false },
  };
  return {
    title: {
      ...heading(`${count(portsPerNode)} ports per node`, { subtitle: "connections that fail, in percent", ...words }),
      ...liveTitle,
    },
    description: shown.length === 0 ? `No row has ${count(portsPerNode)} ports per node.` : finding(shown, connections),
    data: {
      values: rows.map(row => ({
        pods: row.podsPerNode,
        connections: row.connectionsPerPod,
        ports: row.portsPerNode,
        failure: short(row.failure),
        band: bandOf(row.failure).name,
        label: row.failure < 1e-4 ? "" : `${Number((100 * row.failure).toPrecision(row.failure < 1e-3 ? 1 : 2))}`,
      })),
    },
    width: 480,
    height: 26 * levels.length,
    ...(ports.length > 1
      ? {
          params: [
            {
              name: "portsPerNode",
              value: portsPerNode,
              bind: { input: "select" as const, name: "ports per node", options: ports, labels: ports.map(count) },
            },
          ],
          transform: [{ filter: "datum.ports === portsPerNode" }],
        }
      : {}),
    layer: [
      {
        mark: { type: "rect", stroke: colours.paper, strokeWidth: 1 },
        encoding: {
          x,
          y,
          color: {
            field: "band",
            type: "nominal",
            scale: { domain: bands.map(({ name }) => name), range: bands.map(({ colour }) => colour) },
            legend: { title: "connections that fail", orient: "bottom", columns: 3 },
          },
          tooltip: [
            { field: "pods", type: "quantitative", title: "pods per node" },
            { field: "connections", type: "quantitative", title: connections },
            { field: "ports", type: "quantitative", title: "ports per node", format: "," },
            { field: "failure", type: "quantitative", title: "failure probability", format: ".2p" },
          ],
        },
      },
      // A colour's channel would share the scale of the rectangles, so light and dark cells have texts of their own.
      {
        transform: [{ filter: "datum.failure < 0.1" }],
        mark: { type: "text", color: colours.ink, baseline: "middle" },
        encoding: { x, y, text: { field: "label", type: "nominal" } },
      },
      {
        transform: [{ filter: "datum.failure >= 0.1" }],
        mark: { type: "text", color: colours.paper, baseline: "middle" },
        encoding: { x, y, text: { field: "label", type: "nominal" } },
      },
    ],
  };
};
