import { tableText } from "../../lib/course/dataTable.js";
import type { Figure } from "./bench.js";

interface Machine {
  readonly node: string;
  readonly processors: number;
  readonly model: string;
}

/** What was measured, as JSON can hold it. */
export interface Measured {
  /** The areas asked for, of all shares together. */
  readonly order: readonly string[];
  readonly areas: readonly {
    readonly area: string;
    readonly title: string;
    readonly machine: Machine;
    readonly figures: readonly Figure[];
  }[];
}

/** What all shares measured, in the order in which one run would have. */
export const mergeMeasured = (shares: readonly Measured[]): Measured => {
  const { order } = shares[0]!;
  const areas = shares.flatMap(share => share.areas);
  return { order, areas: [...areas].sort((a, b) => order.indexOf(a.area) - order.indexOf(b.area)) };
};

const number = (value: number): string =>
  value.toLocaleString("en", { maximumSignificantDigits: 3, useGrouping: value >= 1000 });
const ratioOf = ({ value, baseline }: Figure): number | undefined =>
  baseline === undefined ? undefined : value / baseline.value;

const targetText = (figure: Figure): string => {
  const { target } = figure;
  if (target === undefined) return "";
  const value = target.of === "ratio" ? (ratioOf(figure) ?? NaN) : figure.value;
  const met = value <= (target.atMost ?? Infinity) && value >= (target.atLeast ?? -Infinity);
  const bounds = [
    target.atMost !== undefined && `<= ${target.atMost}`,
    target.atLeast !== undefined && `>= ${target.atLeast}`,
  ].filter(bound => bound !== false);
  return `${target.of === "ratio" ? "ratio " : ""}${bounds.join(", ")}: ${met ? "met" : "missed"}`;
};

/** The table of one area. */
export const areaText = ({ area, title, figures }: Measured["areas"][number]): string => {
  const rows = figures.map(figure => {
    const ratio = ratioOf(figure);
    return [
      figure.what,
      `${number(figure.value)} ${figure.unit}`,
      figure.baseline === undefined ? "" : `${figure.baseline.what}: ${number(figure.baseline.value)} ${figure.unit}`,
      ratio === undefined ? "" : number(ratio),
      targetText(figure),
    ];
  });
  const table = tableText({ columns: ["figure", "measured", "beside", "ratio", "target"], rows });
  return `${area}: ${title}\n${table}\n`;
};

const oneMachine = ({ node, processors, model }: Machine): string =>
  `Node ${node}, ${processors} processors (${model})`;

/** The machines that measured: one line where it was one, else one for each area. */
export const machineText = ({ areas }: Measured): string => {
  const texts = new Set(areas.map(({ machine }) => oneMachine(machine)));
  return texts.size <= 1
    ? [...texts].join("")
    : areas.map(({ area, machine }) => `${area}: ${oneMachine(machine)}`).join("\n");
};

/** The figures with their ratios, for a program. */
export const withRatios = ({ areas }: Measured): object => ({
  results: areas.map(each => ({
    ...each,
    figures: each.figures.map(figure => ({ ...figure, ratio: ratioOf(figure) })),
  })),
});
