import { subseed } from "../random.js";
import { Draws } from "./draws.js";
import { type Hold, drawHold } from "./hold.js";
import { type Job, type JobPool, seedOf } from "./job.js";

/**
 * Tables that pick i with a probability in proportion to weights[i], in constant time (Walker's alias method, built as by Vose):
 * a random number below n has a whole part, the place, and a rest; the place keeps it when the rest is below `keep`.
 */
const aliasTable = (weights: readonly number[]): { readonly keep: Float64Array; readonly other: Int32Array } => {
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

/** A law whose holds are a shifted and scaled exponential: exponential or constant durations that nothing cuts. */
const linear = ({
  duration,
  after = 0,
  cut = Infinity,
}: Hold): { readonly shift: number; readonly scale: number } | undefined => {
  if (cut !== Infinity) return undefined;
  if (duration.kind === "exponential") return { shift: after, scale: duration.mean };
  return duration.kind === "constant" ? { shift: after + duration.seconds, scale: 0 } : undefined;
};

/** Arrivals drawn at a time. */
export const batchSize = 1024;

/**
 * The connections that the pods of a pool open, in order of time: one Poisson process of all streams together, each arrival
 * given to a pod and stream at random in proportion to their rates. Between the steps of the streams' profiles all rates are
 * constant; at a step the next arrival is drawn anew, which is exact, as the process has no memory.
 */
export class PoolArrivals {
  readonly times: Float64Array = new Float64Array(batchSize);
  readonly holds: Float64Array = new Float64Array(batchSize);
  readonly groups: Int32Array = new Int32Array(batchSize);
  readonly pods: Int32Array = new Int32Array(batchSize);
  private readonly gaps = new Float64Array(batchSize);
  private readonly variates = new Float64Array(batchSize);
  private readonly sourceWords = new Uint32Array(batchSize);
  private readonly destinationWords = new Uint32Array(batchSize);
  /** By stream, where a hold is `shift + scale x e` with e exponential of mean 1; NaN where it is not. */
  private readonly holdShift: Float64Array;
  private readonly holdScale: Float64Array;
  private readonly severalDestinations: boolean;
  /** Pods and streams with a rate of their own: the sources that arrivals are given to. */
  private readonly sourcePod: Int32Array;
  private readonly sourceStream: Int32Array;
  /** By stream: how many destinations, and where its part of the tables of destinations starts. */
  private readonly destinationCount: Int32Array;
  private readonly destinationStart: Int32Array;
  private readonly destinationKeep: Float64Array;
  private readonly destinationOther: Int32Array;
  private readonly destinationGroup: Int32Array;
  private readonly steps: readonly number[];
  private readonly draws: Draws;
  private sourceKeep: Float64Array = new Float64Array(0);
  private sourceOther: Int32Array = new Int32Array(0);
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
    this.destinationCount = Int32Array.from(job.streams, ({ groups }) => groups.length);
    let start = 0;
    this.destinationStart = this.destinationCount.map(count => (start += count) - count);
    const tables = job.streams.map(({ shares }) => aliasTable(shares));
    this.destinationKeep = Float64Array.from(tables.flatMap(({ keep }) => [...keep]));
    this.destinationOther = Int32Array.from(tables.flatMap(({ other }) => [...other]));
    this.destinationGroup = Int32Array.from(
      job.streams.flatMap(({ groups }) => groups.map(group => pool.groupIndex[group]!)),
    );
    this.holdShift = Float64Array.from(job.streams, ({ hold }) => linear(hold)?.shift ?? NaN);
    this.holdScale = Float64Array.from(job.streams, ({ hold }) => linear(hold)?.scale ?? NaN);
    this.severalDestinations = job.streams.some(stream => stream.shares.length > 1);
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
      const n = this.rate > 0 ? this.fill(stop) : this.skip(stop);
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

  private skip(stop: number): number {
    this.time = stop;
    this.step(stop);
    return 0;
  }

  private step(stop: number): void {
    if (this.steps[this.stepsEnd] !== stop) return;
    this.stepsEnd++;
    this.setRates();
  }

  /** Gives the first `n` arrivals of the batch their pod, group and hold. */
  private label(n: number): void {
    const { draws, pods, groups, holds, variates, sourceWords, destinationWords, holdShift, holdScale, job } = this;
    const { sourcePod, sourceStream, sourceKeep, sourceOther } = this;
    const { destinationCount, destinationStart, destinationKeep, destinationOther, destinationGroup } = this;
    const sources = sourceKeep.length / 2 ** 32;
    draws.exponentials(variates, n, 0, 1);
    draws.words(sourceWords, n);
    if (this.severalDestinations) draws.words(destinationWords, n);
    for (let i = 0; i < n; i++) {
      const place = sourceWords[i]! * sources;
      let source = place | 0;
      if (place - source >= sourceKeep[source]!) source = sourceOther[source]!;
      pods[i] = sourcePod[source]!;
      const stream = sourceStream[source]!;
      const hold = holdShift[stream]! + holdScale[stream]! * variates[i]!;
      holds[i] = hold === hold ? hold : drawHold(job.streams[stream]!.hold, draws);
      const start = destinationStart[stream]!;
      const count = destinationCount[stream]!;
      let destination = start;
      if (count > 1) {
        const spot = destinationWords[i]! * (count / 2 ** 32);
        const offset = spot | 0;
        destination =
          start + (spot - offset < destinationKeep[start + offset]! ? offset : destinationOther[start + offset]!);
      }
      groups[i] = destinationGroup[destination]!;
    }
  }

  private weightsAt(time: number): readonly number[] {
    const factors = this.job.streams.map(
      ({ rate, profile }) => rate * (profile.findLast(step => step.from <= time)?.factor ?? 1),
    );
    return Array.from(this.sourceStream, stream => factors[stream]!);
  }

  private setRates(): void {
    const weights = this.weightsAt(Math.max(0, this.time));
    this.rate = weights.reduce((sum, weight) => sum + weight, 0);
    if (this.rate > 0) ({ keep: this.sourceKeep, other: this.sourceOther } = aliasTable(weights));
  }
}

export const arrivalsInPool = (job: Job, pool: number, replication: number): PoolArrivals =>
  new PoolArrivals(job, job.pools[pool]!, seedOf(job, pool, replication));
