import { largest } from "../extremes.js";
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

/*
 * Arrays that a module makes once and keeps are reached by an address in the compiled code, all others by a look at what and
 * where they are; but only those that a function reads from here before it comes to its loop.
 */

/** The batch that was drawn last, by whichever pool: whoever draws one is done with it before the next is drawn. */
export const batch = {
  /** Seconds. */
  times: new Float64Array(batchSize),
  holds: new Float64Array(batchSize),
  groups: new Int32Array(batchSize),
  pods: new Int32Array(batchSize),
  /** The stream of the job; where the hold ends as it is cut, not the connection, the same with every bit turned. */
  streams: new Int32Array(batchSize),
} as const;

const drawn = {
  gaps: new Float64Array(batchSize),
  variates: new Float64Array(batchSize),
  sourceWords: new Uint32Array(batchSize),
  destinationWords: new Uint32Array(batchSize),
} as const;

/*
 * The tables by which an arrival finds its source and destination, one after the other in one buffer, seen as numbers of 8 bytes
 * and as whole numbers. All records are 32 bytes: numbers at 0 and 1, whole numbers from 4 on.
 */
const recordSize = 8;
/* Of a source, a pod and one of its streams: its place in the alias table. */
const sourceKeep = 0;
const sourceOther = 4;
const sourcePod = 5;
const sourceStream = 6;
/* Of a stream. A hold is `shift + scale x e` with e exponential of mean 1; both are NaN where it is not. */
const streamShift = 0;
const streamScale = 1;
const streamDestinations = 4;
const streamCount = 5;
const streamNumber = 6;
/* Of one of a stream's destinations: its place in the alias table. */
const destinationKeep = 0;
const destinationGroup = 4;
const destinationOther = 5;

/**
 * The connections that the pods of a pool open, in order of time: one Poisson process of all streams together, each arrival
 * given to a pod and stream at random in proportion to their rates. Between the steps of the streams' profiles all rates are
 * constant; at a step the next arrival is drawn anew, which is exact, as the process has no memory.
 */
export class PoolArrivals {
  private readonly severalDestinations: boolean;
  /** Holds of some streams are not `shift + scale x e`. */
  private readonly otherLaws: boolean;
  /** Pods and streams with a rate of their own: the sources that arrivals are given to. */
  private readonly streamOf: readonly number[];
  private readonly wholes: Int32Array;
  private readonly numbers: Float64Array;
  private readonly steps: readonly number[];
  private readonly draws: Draws;
  private rate = 0;
  private stepsEnd = 0;
  private time: number;

  constructor(
    private readonly job: Job,
    pool: JobPool,
    seed: number,
  ) {
    const sources = pool.pods.flatMap((pod, p) => pod.streams.map(stream => ({ p, stream })));
    this.streamOf = sources.map(source => source.stream);
    const firstStream = sources.length * recordSize;
    const destinationsAt = firstStream + job.streams.length * recordSize;
    const ends = job.streams.reduce(
      (before, { shares }) => [...before, before.at(-1)! + shares.length * recordSize],
      [destinationsAt],
    );
    this.wholes = new Int32Array(ends.at(-1)!);
    this.numbers = new Float64Array(this.wholes.buffer);
    const { wholes, numbers } = this;
    sources.forEach(({ p, stream }, i) => {
      wholes[i * recordSize + sourcePod] = p;
      wholes[i * recordSize + sourceStream] = firstStream + stream * recordSize;
    });
    job.streams.forEach(({ hold, groups, shares }, s) => {
      const at = firstStream + s * recordSize;
      const law = linear(hold);
      numbers[at / 2 + streamShift] = law?.shift ?? NaN;
      numbers[at / 2 + streamScale] = law?.scale ?? NaN;
      wholes[at + streamDestinations] = ends[s]!;
      wholes[at + streamCount] = shares.length;
      wholes[at + streamNumber] = s;
      const { keep, other } = aliasTable(shares);
      groups.forEach((group, d) => {
        const place = ends[s]! + d * recordSize;
        numbers[place / 2 + destinationKeep] = keep[d]!;
        wholes[place + destinationGroup] = pool.groupIndex[group]!;
        wholes[place + destinationOther] = pool.groupIndex[groups[other[d]!]!]!;
      });
    });
    this.severalDestinations = job.streams.some(stream => stream.shares.length > 1);
    const used = new Set(this.streamOf);
    this.otherLaws = [...used].some(stream => linear(job.streams[stream]!.hold) === undefined);
    const starts = [...used].flatMap(stream => job.streams[stream]!.profile.map(step => step.from));
    this.steps = [...new Set(starts)].filter(from => from > 0).sort((a, b) => a - b);
    this.draws = new Draws(subseed(seed, "arrivals"));
    this.time = -job.warmUp;
    this.setRates();
  }

  /** The highest rate of any moment. */
  get peakRate(): number {
    return largest([0, ...this.steps].map(from => this.weightsAt(from).reduce((sum, weight) => sum + weight, 0)));
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
    const { times } = batch;
    const { gaps } = drawn;
    const { draws } = this;
    const expected = (stop - this.time) * this.rate;
    const tries = Math.min(batchSize, Math.ceil(expected + 4 * Math.sqrt(expected) + 4));
    draws.exponentials(gaps, tries, 0, 1 / this.rate);
    let time = this.time;
    let n = 0;
    while (n < tries && (time += gaps[n]!) < stop) times[n++] = time;
    this.label(n);
    this.time = n < tries ? stop : time;
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
    const { holds, groups, pods, streams } = batch;
    const { variates, sourceWords, destinationWords } = drawn;
    const { draws, wholes, numbers } = this;
    const sources = this.streamOf.length / 2 ** 32;
    draws.exponentials(variates, n, 0, 1);
    draws.words(sourceWords, n);
    if (this.severalDestinations) draws.words(destinationWords, n);
    for (let i = 0; i < n; i = (i + 1) | 0) {
      const place = sourceWords[i]! * sources;
      let at = Math.imul(place | 0, recordSize);
      if (place - (place | 0) >= numbers[at >> 1]!) at = wholes[(at + sourceOther) | 0]!;
      pods[i] = wholes[(at + sourcePod) | 0]!;
      at = wholes[(at + sourceStream) | 0]!;
      streams[i] = wholes[(at + streamNumber) | 0]!;
      holds[i] = numbers[at >> 1]! + numbers[((at >> 1) + streamScale) | 0]! * variates[i]!;
      const spot = destinationWords[i]! * (wholes[(at + streamCount) | 0]! / 2 ** 32);
      at = (wholes[(at + streamDestinations) | 0]! + Math.imul(spot | 0, recordSize)) | 0;
      const kept = spot - (spot | 0) < numbers[at >> 1]!;
      groups[i] = wholes[(at + (kept ? destinationGroup : destinationOther)) | 0]!;
    }
    if (this.otherLaws) this.drawHolds(n);
  }

  /** Draws the holds that are no shifted and scaled exponential. */
  private drawHolds(n: number): void {
    const { holds, streams } = batch;
    for (let i = 0; i < n; i++) {
      if (!Number.isNaN(holds[i])) continue;
      const { hold } = this.job.streams[streams[i]!]!;
      holds[i] = drawHold(hold, this.draws);
      if (holds[i] === hold.cut) streams[i] = ~streams[i]!;
    }
  }

  private weightsAt(time: number): readonly number[] {
    const factors = this.job.streams.map(
      ({ rate, profile }) => rate * (profile.findLast(step => step.from <= time)?.factor ?? 1),
    );
    return this.streamOf.map(stream => factors[stream]!);
  }

  private setRates(): void {
    const weights = this.weightsAt(Math.max(0, this.time));
    this.rate = weights.reduce((sum, weight) => sum + weight, 0);
    if (!(this.rate > 0)) return;
    const { keep, other } = aliasTable(weights);
    keep.forEach((share, i) => {
      this.numbers[(i * recordSize) / 2 + sourceKeep] = share;
      this.wholes[i * recordSize + sourceOther] = other[i]! * recordSize;
    });
  }
}

export const arrivalsInPool = (job: Job, pool: number, replication: number): PoolArrivals =>
  new PoolArrivals(job, job.pools[pool]!, seedOf(job, pool, replication));
