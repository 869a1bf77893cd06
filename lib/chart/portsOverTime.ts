import { largest } from "../extremes.js";
import type { ChartChannel, ChartLayer, ChartSpec } from "./spec.js";
import { colours } from "./theme.js";
import { type ChartOptions, count, heading, noRows, percent, short } from "./chartWords.js";

/** Ports of one pool in use within one stretch of time. */
export interface PortsOverTimeRow {
  /** Seconds from the start. */
  readonly from: number;
  readonly to: number;
  /** Ports in use, the mean over time. */
  readonly min: number;
  readonly mean: number;
  readonly max: number;
  /** Ports that there are. */
  readonly limit: number;
  /** Connections that began, and those of them that found no port. */
  readonly attempts: number;
  readonly failures: number;
  /** What a formula expects the mean to be. */
  readonly expected?: number;
}

const units = [
  { least: 6 * 3600, seconds: 3600, one: "hour", many: "hours" },
  { least: 600, seconds: 60, one: "minute", many: "minutes" },
  { least: 0, seconds: 1, one: "second", many: "seconds" },
] as const;

const tenths = (value: number): string => count(Math.round(value * 10) / 10);

type Stretch = Pick<PortsOverTimeRow, "from" | "to" | "limit">;

/** Rows that follow each other as one. */
const stretches = (rows: readonly Stretch[]): readonly Stretch[] =>
  rows.reduce<readonly Stretch[]>((done, { from, to, limit }) => {
    const last = done.at(-1);
    return last?.to === from && last.limit === limit
      ? [...done.slice(0, -1), { ...last, to }]
      : [...done, { from, to, limit }];
  }, []);

/**
 * SNAT ports in use over time: the mean as a line in the band from least to most, the limit, and where connections fail.
 * A row's `expected` is drawn as a dotted line.
 * @param rows by time, such as those of a simulation's `use` for one pool and destination
 * @throws InputError without rows
 */
export const portsOverTime = (rows: readonly PortsOverTimeRow[], options: ChartOptions = {}): ChartSpec => {
  const end = rows.at(-1);
  if (end === undefined) throw noRows("portsOverTime");
  const unit = units.find(({ least }) => end.to > least) ?? units[2];
  const at = (seconds: number): number => short(seconds / unit.seconds);
  const failing = rows.filter(({ failures }) => failures > 0);
  const [firstFailure] = failing;
  const limit = largest(rows.map(row => row.limit));
  const x: ChartChannel = {
    field: "at",
    type: "quantitative",
    axis: { title: unit.many, format: ",~f" },
    scale: { domain: [at(rows[0]!.from), at(end.to)], nice: false },
  };
  const ports = (field: string): ChartChannel => ({
    field,
    type: "quantitative",
    axis: { title: "SNAT ports in use", format: ",d", tickMinStep: 1 },
    scale: { domain: [0, Math.ceil(limit * 1.12)], nice: false },
  });
  const tooltip: readonly ChartChannel[] = [
    { field: "at", type: "quantitative", title: unit.one, format: ".1f" },
    { field: "mean", type: "quantitative", title: "mean in use", format: ",.0f" },
    { field: "max", type: "quantitative", title: "most in use", format: "," },
    { field: "limit", type: "quantitative", format: "," },
    { field: "failures", type: "quantitative", title: "failed connections", format: "," },
    { field: "attempts", type: "quantitative", title: "of", format: "," },
  ];
  const share = ({ failures, attempts }: { readonly failures: number; readonly attempts: number }): string =>
    percent(attempts === 0 ? 0 : failures / attempts);
  const inAll = rows.reduce(
    (sum, row) => ({ failures: sum.failures + row.failures, attempts: sum.attempts + row.attempts }),
    { failures: 0, attempts: 0 },
  );
  const late = firstFailure !== undefined && firstFailure.from - rows[0]!.from >= (end.to - rows[0]!.from) / 2;
  const marked: readonly ChartLayer[] =
    firstFailure === undefined
      ? []
      : [
          {
            data: { values: stretches(failing).map(({ from, to, limit }) => ({ at: at(from), until: at(to), limit })) },
            mark: { type: "rule", color: colours.alarm, strokeWidth: 6 },
            encoding: { x, x2: { field: "until" }, y: ports("limit") },
          },
          {
            data: {
              values: [
                {
                  at: at(firstFailure.from),
                  limit, // where no ports are in use
                  label: `✕ connections fail from ${unit.one} ${tenths(firstFailure.from / unit.seconds)}`,
                },
              ],
            },
            mark: {
              type: "text",
              color: colours.alarm,
              fontWeight: "bold",
              align: late ? "right" : "left",
              baseline: "bottom",
              dy: -8,
            },
            encoding: { x, y: ports("limit"), text: { field: "label", type: "nominal" } },
          },
        ];
  const most = largest(rows.map(row => row.max));
  const fate =
    firstFailure === undefined
      ? "no connection fails"
      : `connections fail from ${unit.one} ${tenths(firstFailure.from / unit.seconds)} on, ${share(inAll)} of all and ${share(end)} of the last`;
  const hasExpected = rows.some(row => row.expected !== undefined);
  return {
    title: heading("SNAT ports in use over time", {
      subtitle: `line: mean; band: least to most; dashed: the limit${hasExpected ? "; dotted: Erlang's formula" : ""}`,
      ...options,
    }),
    description: `Within ${tenths((end.to - rows[0]!.from) / unit.seconds)} ${unit.many} the SNAT ports in use go from ${count(Math.round(rows[0]!.mean))} to ${count(Math.round(end.mean))} of ${count(end.limit)}, at most ${count(most)}; ${fate}.`,
    data: {
      values: rows.map(row => ({
        at: at((row.from + row.to) / 2),
        min: row.min,
        mean: short(row.mean),
        max: row.max,
        limit: row.limit,
        attempts: row.attempts,
        failures: row.failures,
        ...(row.expected === undefined ? {} : { expected: short(row.expected) }),
      })),
    },
    width: 480,
    height: 260,
    layer: [
      {
        mark: { type: "area", color: colours.sky, opacity: 0.45 },
        encoding: { x, y: { ...ports("min"), stack: null }, y2: { field: "max" } },
      },
      {
        data: {
          values: [
            ...stretches(rows).map(({ from, limit }) => ({ at: at(from), limit })),
            { at: at(end.to), limit: end.limit },
          ],
        },
        mark: { type: "line", interpolate: "step-after", color: colours.alarm, strokeWidth: 2, strokeDash: [6, 3] },
        encoding: { x, y: ports("limit") },
      },
      ...(hasExpected
        ? [
            {
              transform: [{ filter: "isValid(datum.expected)" }],
              mark: { type: "line", color: colours.ink, strokeWidth: 2, strokeDash: [2, 3] } as const,
              encoding: { x, y: ports("expected") },
            },
          ]
        : []),
      { mark: { type: "line", color: colours.blue }, encoding: { x, y: ports("mean"), tooltip } },
      ...marked,
    ],
  };
};
