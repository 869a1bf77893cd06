import { InputError } from "../errors.js";

/** What every chart's words may be replaced by. */
export interface ChartOptions {
  readonly title?: string;
  readonly subtitle?: string;
}

export const heading = (
  title: string,
  options: ChartOptions,
): { readonly text: string; readonly subtitle?: string } => ({
  text: options.title ?? title,
  ...(options.subtitle === undefined ? {} : { subtitle: options.subtitle }),
});

const groups = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });

/** A figure as prose has it: 1,024. */
export const count = (value: number): string => groups.format(value);

/** `1 connection`, `176 connections`. */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;

/** A share as prose has it, to two digits: 0.25 %. */
export const percent = (share: number): string =>
  share === 0 ? "0 %" : share < 1e-4 ? "under 0.01 %" : `${Number((100 * share).toPrecision(2))} %`;

/** A figure for the rows of a chart, to six digits: more than can be seen, fewer than a notebook should keep. */
export const short = (value: number): number => Number(value.toPrecision(6));

export const noRows = (where: string): InputError =>
  new InputError({ where: `${where} rows`, value: [], problem: "are empty", expected: "at least one row" });
