/** What every chart's words may be replaced by. */
export interface ChartOptions {
  readonly title?: string;
  readonly subtitle?: string;
}

export const heading = (title: string, options: ChartOptions): { readonly text: string; readonly subtitle?: string } => ({
  text: options.title ?? title,
  ...(options.subtitle === undefined ? {} : { subtitle: options.subtitle }),
});

const groups = new Intl.NumberFormat("en-US", { maximumFractionDigits: 3 });

/** A figure as prose has it: 1,024. */
export const count = (value: number): string => groups.format(value);

/** `1 connection`, `176 connections`. */
export const plural = (value: number, noun: string): string => `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
