import { subseed } from "../random.js";
import { Draws } from "./draws.js";
import { drawHold } from "./hold.js";
import { type Job, type JobPool, seedOf } from "./job.js";

/** Picks i with a probability in proportion to weights[i], in constant time (Walker's alias method, tables as by Vose). */
interface AliasTable {
  readonly keep: Float64Array;
  readonly other: Int32Array;
}

const aliasTable = (weights: readonly number[]): AliasTable => {
  const n = weights.length;
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const scaled = weights.map(weight => (weight * n) / sum);
  const keep = new Float64Array(n).fill(1);
  const other = Int32Array.from(weights, (_, i) => i);
  const small: number[] = [];
  const large: number[] = [];
  scaled.forEach((weight, i) => (weight < 1 ? small : large).push(i));
  while (small.length > 0 && large.length > 0) {
    const less = small.pop()!;
    const more = large.at(-1)!;
    keep[less] = scaled[less]!;
    other[less] = more;
    scaled[more]! -= 1 - scaled[less]!;
    if (scaled[more]! < 1) small.push(large.pop()!);
  }
  return { keep, other };
};

const pick = ({ keep, other }: AliasTable, draws: Draws): number => {
  const place = (draws.word() / 2 ** 32) * keep.length;
  const index = Math.floor(place);
  return place - index < keep[index]! ? index : other[index]!;
};

/** Arrivals drawn at a time. */
export const batchSize = 1024;

/**
 * The connections that the pods of a pool open, in order of time: one Poisson process of all streams together, each arrival
 * given to a pod and stream at random in proportion to their rates. Between the steps of the streams' profiles all rates are
 * constant; at a step the next arrival is drawn anew, which is exact, as the process has no memory.
 */
export class PoolArrivals {
  readonly times = new Float64Array(batchSize);
  readonly holds = new Float64Array(batchSize);
  readonly groups = new Int32Array(batchSize);
  readonly pods = new Int32Array(batchSize);
  private readonly gaps = new Float64Array(batchSize);
  /** Pods and streams with a rate of their own: the sources that arrivals are given to. */
  private readonly sourcePod: Int32Array;
  private readonly sourceStream: Int32Array;
  private readonly destinations: readonly { readonly table: AliasTable | undefined; readonly groups: Int32Array }[];
  private readonly steps: readonly number[];
  private readonly draws: Draws;
  private table: AliasTable | undefined;
  private rate = 0;
  private stepsEnd = 0;
  private time: number;

  constructor(
    private readonly job: Job,
    pool: JobPool,
    seed: number,
  ) {
    const sources = pool.pods.flatMap((pod, p) => pod.streams.map(stream => ({ p, stream })));
    this.sourcePod = Int32Array.from(sources, source => source.p);
    this.sourceStream = Int32Array.from(sources, source => source.stream);
    this.destinations = job.streams.map(({ groups, shares }) => ({
      table: shares.length > 1 ? aliasTable(shares) : undefined,
      groups: Int32Array.from(groups, group => pool.groupIndex[group]!),
    }));
    const used = new Set(sources.map(source => source.stream));
    const starts = [...used].flatMap(stream => job.streams[stream]!.profile.map(step => step.from));
    this.steps = [...new Set(starts)].filter(from => from > 0).sort((a, b) => a - b);
    this.draws = new Draws(subseed(seed, "arrivals"));
    this.time = -job.warmUp;
    this.setRates();
  }

  /** The highest rate of any moment. */
  get peakRate(): number {
    return Math.max(...[0, ...this.steps].map(from => this.weightsAt(from).reduce((sum, weight) => sum + weight, 0)));
  }

  /** Draws the next arrivals, those before `end` at most; returns how many. Fewer than a batch is no sign of the end: 0 is. */
  next(end: number): number {
    for (;;) {
      const stop = Math.min(end, this.steps[this.stepsEnd] ?? Infinity);
      const n = this.rate > 0 ? this.fill(stop) : 0;
      if (n > 0) return n;
      if (stop === end) return 0;
    }
  }

  private fill(stop: number): number {
    const { times, gaps, draws } = this;
    const expected = (stop - this.time) * this.rate;
    const drawn = Math.min(batchSize, Math.ceil(expected + 4 * Math.sqrt(expected) + 4));
    draws.exponentials(gaps, drawn, 0, 1 / this.rate);
    let time = this.time;
    let n = 0;
    while (n < drawn && (time += gaps[n]!) < stop) times[n++] = time;
    this.label(n);
    this.time = n < drawn ? stop : time;
    if (this.time === stop) this.step(stop);
    return n;
  }

  private step(stop: number): void {
    if (this.steps[this.stepsEnd] !== stop) return;
    this.stepsEnd++;
    this.setRates();
  }

  /** Gives the first `n` arrivals of the batch their pod, group and hold. */
  private label(n: number): void {
    const { sourcePod, sourceStream, destinations, draws, pods, groups, holds, job } = this;
    const table = this.table!;
    for (let i = 0; i < n; i++) {
      const source = pick(table, draws);
      const stream = sourceStream[source]!;
      const to = destinations[stream]!;
      pods[i] = sourcePod[source]!;
      groups[i] = to.groups[to.table === undefined ? 0 : pick(to.table, draws)]!;
      holds[i] = drawHold(job.streams[stream]!.hold, draws);
    }
  }

  private weightsAt(time: number): readonly number[] {
    const factors = this.job.streams.map(({ rate, profile }) => rate * (profile.findLast(step => step.from <= time)?.factor ?? 1));
    return Array.from(this.sourceStream, stream => factors[stream]!);
  }

  private setRates(): void {
    const weights = this.weightsAt(Math.max(0, this.time));
    this.rate = weights.reduce((sum, weight) => sum + weight, 0);
    this.table = this.rate > 0 ? aliasTable(weights) : undefined;
  }
}

export const arrivalsInPool = (job: Job, pool: number, replication: number): PoolArrivals =>
  new PoolArrivals(job, job.pools[pool]!, seedOf(job, pool, replication));
