import { largest, smallest } from "../extremes.js";
import type { ChartChannel, ChartSpec } from "./spec.js";
import { colours, palette } from "./theme.js";
import { type ChartOptions, count, heading, noRows, percent, plural, short } from "./chartWords.js";

/** A point of a formula's curve. */
export interface FailureCurveRow {
  readonly portsPerNode: number;
  /** Erlangs towards one destination: connections per second times the seconds that each holds its port. */
  readonly load: number;
  /** 0-1. */
  readonly failure: number;
}

/** What a simulation measured at one load. */
export interface SimulatedFailure extends FailureCurveRow {
  /** Half of the 95 % confidence interval. */
  readonly halfWidth: number;
  /** What the formula gives at the same load. */
  readonly expected: number;
}

export interface FailureCurvesOptions extends ChartOptions {
  /** Failure probabilities for the reader to choose among. Every line needs a row at each; default: all that the lines share. */
  readonly levels?: readonly number[];
}

/** Yellow lines are too faint on paper. */
const lineColours = palette.filter(colour => colour !== colours.yellow);

/** Failures rarer than this lie below the chart. */
const floor = 1e-4;

const within = ({ failure, halfWidth, expected }: SimulatedFailure): boolean =>
  Math.abs(failure - expected) <= halfWidth;

/** The level that the reader sees first: 1 %, or the nearest there is. */
const firstLevel = (levels: readonly number[]): number =>
  levels.reduce((best, level) => (Math.abs(Math.log(level / 0.01)) < Math.abs(Math.log(best / 0.01)) ? level : best));

const finding = (
  lines: readonly FailureCurveRow[],
  points: readonly SimulatedFailure[],
  level: number | undefined,
): string => {
  const carried =
    level === undefined
      ? []
      : lines
          .filter(row => row.failure === level)
          .map(row => `${count(Math.round(row.load))} on ${count(row.portsPerNode)} ports`);
  const ports = new Set(lines.map(row => row.portsPerNode)).size;
  const start =
    carried.length === 0
      ? `How many connections fail by load, for ${plural(ports, "number")} of ports.`
      : `${percent(level!)} of the connections fail at so many erlangs: ${carried.join(", ")}.`;
  if (points.length === 0) return start;
  const good = points.filter(within).length;
  return `${start} Of ${plural(points.length, "simulated point")}, ${good === points.length ? "all" : count(good)} ${good === 1 ? "has" : "have"} the formula's line within the 95 % confidence interval.`;
};

/**
 * The share of connections that fail against the load, a line for each number of ports, with simulated points and their 95 %
 * confidence intervals. Both axes are logarithmic: failures under 0.01 % and points without a failure lie below the chart.
 * Where every line has a row at the same failure probabilities, the reader chooses one of these and sees what load each carries.
 * @param lines by ascending load for each number of ports
 * @throws InputError without rows
 */
export const failureCurves = (
  lines: readonly FailureCurveRow[],
  points: readonly SimulatedFailure[] = [],
  { levels, ...options }: FailureCurvesOptions = {},
): ChartSpec => {
  if (lines.length === 0) throw noRows("failureCurves");
  const ports = [...new Set(lines.map(row => row.portsPerNode))].sort((a, b) => b - a);
  const has = (size: number, failure: number): boolean =>
    lines.some(row => row.portsPerNode === size && row.failure === failure);
  const shared = [...new Set(levels ?? lines.map(row => row.failure))]
    .filter(failure => failure >= floor && failure < 1 && ports.every(size => has(size, failure)))
    .sort((a, b) => a - b);
  const level = shared.length === 0 ? undefined : firstLevel(shared);
  const drawn = lines.filter(row => row.failure >= floor && row.load > 0);
  const loads = [...drawn, ...points].map(row => row.load);
  const x: ChartChannel = {
    field: "load",
    type: "quantitative",
    axis: { title: "erlangs towards one destination", format: ",~f", grid: true },
    scale: { type: "log", base: 2, domain: [smallest(loads) / 1.1, largest(loads) * 1.1], nice: false },
  };
  const y = (field: string): ChartChannel => ({
    field,
    type: "quantitative",
    axis: { title: "connections that fail", values: [1e-4, 1e-3, 1e-2, 0.1, 1], format: "~%" },
    scale: { type: "log", domain: [floor, 1], nice: false },
  });
  const color: ChartChannel = {
    field: "series",
    type: "nominal",
    scale: { domain: ports.map(count), range: lineColours.slice(0, ports.length) },
    legend: { title: "ports per node", orient: "bottom", columns: 6 },
  };
  const row = ({ portsPerNode, load, failure }: FailureCurveRow) => ({
    series: count(portsPerNode),
    load: short(load),
    failure: short(failure),
  });
  const atLevel = { filter: "datum.failure === level" };
  return {
    title: heading("How many connections fail, by load", {
      subtitle:
        points.length === 0 ? "Erlang's formula" : "lines: Erlang's formula; points: simulated, with 95 % confidence",
      ...options,
    }),
    description: finding(lines, points, level),
    data: { values: drawn.map(row) },
    width: 480,
    height: 300,
    ...(level === undefined
      ? {}
      : {
          params: [
            {
              name: "level",
              value: short(level),
              bind: {
                input: "select" as const,
                name: "connections that may fail",
                options: shared.map(short),
                labels: shared.map(percent),
              },
            },
          ],
        }),
    layer: [
      {
        mark: { type: "line" },
        encoding: {
          x,
          y: y("failure"),
          color,
          tooltip: [
            { field: "series", type: "nominal", title: "ports per node" },
            { field: "load", type: "quantitative", title: "erlangs", format: ",.1f" },
            { field: "failure", type: "quantitative", title: "failure probability", format: ".2p" },
          ],
        },
      },
      ...(level === undefined
        ? []
        : [
            {
              transform: [
                atLevel,
                { aggregate: [{ op: "min" as const, field: "failure", as: "failure" }], groupby: [] },
              ],
              mark: { type: "rule", color: colours.muted, strokeDash: [6, 3] } as const,
              encoding: { y: y("failure") },
            },
            {
              transform: [atLevel, { calculate: "format(datum.load, ',.0f')", as: "label" }],
              mark: { type: "text", fontWeight: "bold", align: "right", baseline: "bottom", dx: -6, dy: -5 } as const,
              encoding: { x, y: y("failure"), text: { field: "label", type: "nominal" } as const },
            },
          ]),
      ...(points.length === 0
        ? []
        : [
            {
              data: {
                values: points
                  .filter(point => point.failure >= floor)
                  .map(point => ({
                    ...row(point),
                    low: short(Math.max(floor, point.failure - point.halfWidth)),
                    high: short(Math.min(1, point.failure + point.halfWidth)),
                    expected: short(point.expected),
                  })),
              },
              mark: { type: "rule", strokeWidth: 2 } as const,
              encoding: { x, y: y("low"), y2: { field: "high" }, color },
            },
            {
              data: {
                values: points
                  .filter(point => point.failure >= floor)
                  .map(point => ({
                    ...row(point),
                    halfWidth: short(point.halfWidth),
                    expected: short(point.expected),
                  })),
              },
              mark: {
                type: "point",
                filled: true,
                size: 45,
                opacity: 1,
                stroke: colours.paper,
                strokeWidth: 0.7,
              } as const,
              encoding: {
                x,
                y: y("failure"),
                color,
                tooltip: [
                  { field: "series", type: "nominal", title: "ports per node" },
                  { field: "load", type: "quantitative", title: "erlangs", format: ",.1f" },
                  { field: "failure", type: "quantitative", title: "simulated", format: ".3p" },
                  { field: "halfWidth", type: "quantitative", title: "±", format: ".2p" },
                  { field: "expected", type: "quantitative", title: "Erlang", format: ".3p" },
                ] as const,
              },
            },
          ]),
    ],
  };
};
