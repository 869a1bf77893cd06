import { Session } from "node:inspector/promises";

/** What a run has met of some source files: for each, by its address, a 1 at every character of code that ran. */
export type Met = ReadonlyMap<string, Uint8Array>;

/** Tells what code runs, branch by branch, as V8 counts it. */
export const startCoverage = async (of: RegExp) => {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  let turn: Promise<unknown> = Promise.resolve();

  const take = async (): Promise<Met> => {
    const { result } = await session.post("Profiler.takePreciseCoverage");
    const met = new Map<string, Uint8Array>();
    for (const { url, functions } of result) {
      if (!of.test(url)) continue;
      const length = Math.max(...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)));
      const ran = new Uint8Array(length);
      // A function stands after the one around it, a block after the blocks around it.
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      met.set(url, ran);
    }
    return met;
  };

  return {
    /** Does something that waits for nothing, and tells what code it ran. One at a time. */
    during(action: () => Promise<unknown>): Promise<Met> {
      const mine = turn.then(async () => {
        await take();
        await action();
        return take();
      });
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
};

/** How often each character of code has been met, up to a number that is enough. */
export class Tally {
  readonly #counts = new Map<string, Uint8Array>();

  constructor(private readonly enough: number) {}

  /** What a run has met that has not been met often enough, as a number to compare. */
  gain(met: Met): number {
    let gain = 0;
    for (const [url, ran] of met) {
      const counts = this.#counts.get(url);
      for (let i = 0; i < ran.length; i++) if (ran[i] === 1 && (counts?.[i] ?? 0) < this.enough) gain++;
    }
    return gain;
  }

  add(met: Met): void {
    for (const [url, ran] of met) {
      let counts = this.#counts.get(url);
      if (counts === undefined || counts.length < ran.length) {
        const longer = new Uint8Array(ran.length);
        longer.set(counts ?? []);
        this.#counts.set(url, (counts = longer));
      }
      for (let i = 0; i < ran.length; i++) if (ran[i] === 1 && counts[i]! < this.enough) counts[i]!++;
    }
  }

  /** Characters of code met at least once. */
  get met(): number {
    let sum = 0;
    for (const counts of this.#counts.values()) for (const count of counts) if (count > 0) sum++;
    return sum;
  }
}
