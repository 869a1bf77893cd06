import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** One measured figure, with what it is compared to and what it should reach. */
export interface Figure {
  readonly what: string;
  /** Lower is better, unless the target says otherwise. */
  readonly value: number;
  /** `s`, `ms`, `µs`, `MB`, `traces/s`. */
  readonly unit: string;
  /** The same work done another way, in the same run and unit. The ratio is `value` over its value. */
  readonly baseline?: { readonly what: string; readonly value: number };
  readonly target?: { readonly of: "value" | "ratio"; readonly atMost?: number; readonly atLeast?: number };
}

/** A file AREA.bench.ts exports one of these as `bench`. */
export interface Bench {
  /** What is measured and how, in one line. */
  readonly title: string;
  run(): Promise<readonly Figure[]>;
}

/** The middle of some measurements. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]!;
};

/** Milliseconds that an action takes. */
export const timed = async (action: () => unknown): Promise<number> => {
  const start = performance.now();
  await action();
  return performance.now() - start;
};

/** Takes garbage out before a measurement, so that it does not pay for what came before. */
export const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
};
