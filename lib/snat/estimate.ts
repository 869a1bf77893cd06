/** A quantity measured by several independent runs. */
export interface Estimate {
  readonly mean: number;
  /** Standard error of the mean; absent when there was one run only. */
  readonly standardError?: number;
  /** Half the width of the 95 % confidence interval (Student's t); absent when there was one run only. */
  readonly halfWidth?: number;
}

const t975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086,
];

/** The 97.5 % point of Student's t: a table, then the first terms of its expansion about the normal one. */
const studentT = (freedom: number): number => t975[freedom - 1] ?? 1.95996 + 2.3723 / freedom + 2.8225 / freedom ** 2;

/** The share of failures: over all runs together, with the spread between them. */
export const estimate = (runs: readonly { readonly attempts: number; readonly failures: number }[]): Estimate => {
  const attempts = runs.reduce((sum, run) => sum + run.attempts, 0);
  const mean = attempts === 0 ? 0 : runs.reduce((sum, run) => sum + run.failures, 0) / attempts;
  if (runs.length < 2) return { mean };
  const squares = runs.reduce(
    (sum, run) => sum + ((run.attempts === 0 ? 0 : run.failures / run.attempts) - mean) ** 2,
    0,
  );
  const standardError = Math.sqrt(squares / (runs.length - 1) / runs.length);
  return { mean, standardError, halfWidth: studentT(runs.length - 1) * standardError };
};
