import type { ChartChannel, ChartSpec } from "./spec.js";
import { colours } from "./theme.js";
import { type ChartOptions, count, heading, noRows, percent, short } from "./chartWords.js";

/** What happens with so many ports on each node. */
export interface AllocationRow {
  readonly portsPerNode: number;
  /** The share of connections that fail, 0-1. */
  readonly failure: number;
  /** Outbound addresses that the whole cluster needs for it. */
  readonly ips: number;
}

export interface AllocationOptions extends ChartOptions {
  /** The failure probability that is good enough. */
  readonly target: number;
  /** Where the slider stands at first, one of the rows'. Default: the fewest ports that meet the target. */
  readonly portsPerNode?: number;
}

/** The foot of the chart: the line leaves it there, and the point of the slider stays on it. */
const floor = 1e-6;

const addresses = (ips: number): string => `${count(ips)} address${ips === 1 ? "" : "es"}`;

const label = ({ portsPerNode, failure, ips }: AllocationRow): string =>
  `${count(portsPerNode)} ports, ${addresses(ips)}: ${percent(failure)} fail`;

/**
 * The share of connections that fail against the ports that each node has, with the target. In a live chart a slider sets the ports
 * and reads off failures and addresses.
 * @param rows by ascending ports, evenly spaced
 * @throws InputError without rows
 */
export const allocationCurve = (
  rows: readonly AllocationRow[],
  { target, portsPerNode, ...options }: AllocationOptions,
): ChartSpec => {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) throw noRows("allocationCurve");
  const enough = rows.find(row => row.failure <= target);
  const chosen = rows.find(row => row.portsPerNode === portsPerNode) ?? enough ?? last;
  const x: ChartChannel = {
    field: "ports",
    type: "quantitative",
    axis: { title: "ports per node", format: ",d" },
    scale: { domain: [first.portsPerNode, last.portsPerNode], nice: false },
  };
  const y: ChartChannel = {
    field: "failure",
    type: "quantitative",
    axis: { title: "connections that fail", values: [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1], format: "~%" },
    scale: { type: "log", domain: [floor, 1], nice: false },
  };
  const met =
    enough === undefined
      ? `no number of them meets the target of ${percent(target)}`
      : `${count(enough.portsPerNode)} are the fewest that meet the target of ${percent(target)}, and take ${addresses(enough.ips)}`;
  const atSlider = { filter: "datum.ports === ports" };
  return {
    title: heading("How many ports to allocate", { subtitle: "dashed: the target", ...options }),
    description: `From ${count(first.portsPerNode)} to ${count(last.portsPerNode)} ports per node, failures fall from ${percent(first.failure)} to ${percent(last.failure)}; ${met}.`,
    data: {
      values: rows.map(row => ({
        ports: row.portsPerNode,
        failure: short(Math.max(floor / 1000, row.failure)), // a logarithm has no place for 0
        label: label(row),
      })),
    },
    width: 480,
    height: 260,
    params: [
      {
        name: "ports",
        value: chosen.portsPerNode,
        bind: {
          input: "range",
          name: "ports per node",
          min: first.portsPerNode,
          max: last.portsPerNode,
          step: rows.length === 1 ? 1 : rows[1]!.portsPerNode - first.portsPerNode,
        },
      },
    ],
    layer: [
      { mark: { type: "line", color: colours.blue, clip: true }, encoding: { x, y } },
      {
        data: { values: [{ target }] },
        mark: { type: "rule", color: colours.alarm, strokeWidth: 2, strokeDash: [6, 3] },
        encoding: { y: { ...y, field: "target" } },
      },
      { transform: [atSlider], mark: { type: "rule", color: colours.muted }, encoding: { x } },
      {
        transform: [atSlider, { calculate: `max(datum.failure, ${floor})`, as: "drawn" }],
        mark: { type: "point", filled: true, size: 80, color: colours.blue, opacity: 1 },
        encoding: { x, y: { ...y, field: "drawn" } },
      },
      {
        transform: [atSlider],
        mark: { type: "text", fontWeight: "bold", align: "right", baseline: "bottom", dy: -6 },
        encoding: { x: { value: "width" }, y: { value: 0 }, text: { field: "label", type: "nominal" } },
      },
    ],
  };
};
