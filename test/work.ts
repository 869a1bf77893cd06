import { Session } from "node:inspector";
import * as assert from "uvu/assert";

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[];
  }[];
}

const session = new Session();
session.connect();
const ask = <T>(method: string, parameters: object = {}): T => {
  let answer: { readonly error: Error | null; readonly result: unknown } | undefined;
  session.post(method, parameters, (error, result) => (answer = { error, result })); // in one's own process it answers at once
  if (answer === undefined) throw new Error(`${method} was not answered`);
  if (answer.error !== null) throw answer.error;
  return answer.result as T;
};
ask("Profiler.enable");
ask("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/** How often functions of the library, and blocks within them, have run since it was asked last. */
const taken = (): number => {
  let sum = 0;
  for (const { url, functions } of ask<Coverage>("Profiler.takePreciseCoverage").result)
    if (url.includes("/lib/")) for (const { ranges } of functions) for (const { count } of ranges) sum += count;
  return sum;
};

/**
 * How often functions of the library, and blocks within them, were run by an action: a measure of its work that is the same on
 * every machine, however busy. What the platform does by itself (sorting, searching a text) is not in it.
 */
const work = (action: () => unknown): number => {
  taken();
  action();
  return taken();
};

/**
 * Asserts that twice the size is about twice the work, as with n or n log n, and not four times, as with n squared.
 * @param action does what is asked for at a size, with at least one step for each unit of it
 */
export const growsEvenly = (action: (size: number) => unknown, size: number): void => {
  const half = work(() => action(size / 2));
  const whole = work(() => action(size));
  assert.ok(half > size / 2, `${half} steps for a size of ${size / 2}: the library did not do the work`);
  assert.ok(whole < half * 3, `${half} steps for a size of ${size / 2}, ${whole} for ${size}`);
};
