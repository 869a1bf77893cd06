import { checkSeed, wholeNumber, withFields, within } from "../checks.js";
import { subseed } from "../random.js";
import { Draws } from "./draws.js";
import { portsAtMost } from "./erlang.js";
import { checkHold, fillHolds, type Hold, meanHold } from "./hold.js";
import { type RunOptions, breathe, checkCancelled } from "./progress.js";

/** One pool of ports towards one destination: Poisson arrivals, each takes a port or fails, nobody waits (M/G/c/c). */
export interface PoolSpec {
  /** 1 to 16 x 64,512. */
  readonly ports: number;
  /** Offered load in erlangs: arrivals per second times the mean hold in seconds. Above 0. */
  readonly load: number;
  /** The law of hold times. Only its shape matters here, as `load` fixes the arrival rate. */
  readonly hold: Hold;
  /** Arrivals to measure, after the warm-up. */
  readonly arrivals: number;
  /** Any 32-bit whole number. */
  readonly seed: number;
  /** Mean hold times to run before measuring. Default 10: a run that starts empty fails 4-6 % too rarely when it is short. */
  readonly warmUpHolds?: number;
}

/** What a simulated pool of ports came to. */
export interface PoolResult {
  readonly attempts: number;
  readonly failures: number;
  readonly failureProbability: number;
  /** Of the failure probability, from the spread of 32 equal parts of the run (batch means). */
  readonly standardError: number;
  /** Mean ports in use: what the accepted connections hold, over the time measured (Little's law). */
  readonly meanInUse: number;
  /** Arrivals and departures simulated, those of the warm-up included. */
  readonly events: number;
}

const batches = 32;
/** Arrivals drawn and simulated at a time: the two arrays stay in the processor's nearest caches. */
const sliceSize = 4096;

/** A bucket of time, measured in mean inter-arrival times, and how many of them the wheel has. */
interface Grid {
  /** Mean inter-arrival times per bucket. */
  readonly bucket: number;
  /** A power of two. */
  readonly buckets: number;
  /** Departures that a bucket has room for, a power of two. */
  readonly room: number;
}

/**
 * A wheel long enough for eight mean holds of up to 1,024 erlangs; larger pools get wider buckets. A bucket as wide as four
 * arrivals is the quickest: with narrower ones the clock has more of them to pass, with wider ones a full pool more to look through.
 */
const gridFor = (load: number): Grid => {
  const buckets = 2048;
  const bucket = 4 * Math.max(1, load / 1024);
  return { bucket, buckets, room: 2 ** Math.ceil(Math.log2(bucket + 6 * Math.sqrt(bucket) + 1)) };
};

/** What decides a run: the gap before each arrival and how long it would hold its port, both in buckets of time. */
export interface Arrivals {
  /** Draws the next `n` arrivals into `gaps` and `holds`. */
  next(n: number): void;
  readonly gaps: Float64Array;
  readonly holds: Float64Array;
}

/** The arrivals of a run. Gaps and holds come from generators of their own. */
export const arrivalsOf = (spec: PoolSpec): Arrivals => {
  const gapDraws = new Draws(subseed(spec.seed, "gaps"));
  const holdDraws = new Draws(subseed(spec.seed, "holds"));
  const { bucket } = gridFor(spec.load);
  const gaps = new Float64Array(sliceSize);
  const holds = new Float64Array(sliceSize);
  const scale = spec.load / meanHold(spec.hold) / bucket;
  return {
    gaps,
    holds,
    next(n) {
      gapDraws.exponentials(gaps, n, 0, 1 / bucket);
      fillHolds(spec.hold, holdDraws, holds, n, scale);
    },
  };
};

/**
 * A count wheel: it holds how many ports come free in each bucket of time, and looks at the order inside a bucket
 * only when every port is taken. Departures beyond the wheel, or that find their bucket full, wait in `late`.
 */
class CountWheel {
  private readonly counts: Uint16Array;
  private readonly slots: Float64Array;
  private readonly late: number[] = [];
  /** The time at which `late` must be looked at. */
  private wakeAt = Infinity;
  private time = 0;
  private cursor = 0;
  /** A whole number of turns before now: times less this fit 32-bit buckets, and the subtraction is exact. */
  private origin = 0;
  private used = 0;
  /** The sum of the holds accepted so far, in buckets. */
  carried = 0;

  constructor(
    private readonly ports: number,
    private readonly grid: Grid,
  ) {
    this.counts = new Uint16Array(grid.buckets);
    this.slots = new Float64Array(grid.buckets * grid.room);
  }

  get now(): number {
    return this.time;
  }

  /** Offers `n` arrivals; returns how many failed. */
  offer(gaps: Float64Array, holds: Float64Array, n: number): number {
    this.moveOrigin();
    const { counts, slots, ports, origin } = this;
    const { room, buckets } = this.grid;
    const mask = buckets - 1;
    const shift = 31 - Math.clz32(room);
    let { time, carried, wakeAt } = this;
    let cursor = this.cursor | 0; // told to be integers: a loop over doubles is half as fast
    let used = this.used | 0;
    let failed = 0;
    for (let i = 0; i < n; i++) {
      time += gaps[i]!;
      const bucket = (time - origin) | 0;
      for (; cursor < bucket; cursor++) {
        const index = cursor & mask;
        used -= counts[index]!;
        counts[index] = 0;
      }
      if (time >= wakeAt) {
        used -= this.wake(time);
        wakeAt = this.wakeAt;
      }
      if (used >= ports) {
        const index = bucket & mask;
        const first = index << shift;
        let end = first + counts[index]!;
        for (let slot = first; slot < end;) {
          if (slots[slot]! <= time) {
            slots[slot] = slots[--end]!;
            used--;
          } else slot++;
        }
        counts[index] = end - first;
        if (used >= ports) {
          failed++;
          continue;
        }
      }
      const hold = holds[i]!;
      const due = time + hold;
      carried += hold;
      used++;
      if (hold < mask - 1) {
        const index = (due - origin) & mask;
        const count = counts[index]!;
        if (count < room) {
          slots[(index << shift) + count] = due;
          counts[index] = count + 1;
          continue;
        }
      }
      this.defer(due, time);
      wakeAt = this.wakeAt;
    }
    this.time = time;
    this.cursor = cursor;
    this.used = used;
    this.carried = carried;
    return failed;
  }

  private moveOrigin(): void {
    const origin = Math.floor(this.time / this.grid.buckets) * this.grid.buckets;
    this.cursor -= origin - this.origin;
    this.origin = origin;
  }

  private defer(due: number, time: number): void {
    this.late.push(due);
    this.wakeAt = Math.min(this.wakeAt, this.wakeTime(due, time));
  }

  /** Half a turn ahead for what lies beyond the wheel, its own time for what found its bucket full. */
  private wakeTime(due: number, time: number): number {
    const ahead = due - this.grid.buckets / 2;
    return ahead > time ? ahead : due;
  }

  /** Frees what is due and moves into the wheel what now fits; returns the ports freed. */
  private wake(time: number): number {
    const { counts, slots, late, origin } = this;
    const { room, buckets } = this.grid;
    let freed = 0;
    let kept = 0;
    this.wakeAt = Infinity;
    for (const due of late) {
      if (due <= time) {
        freed++;
        continue;
      }
      if (due - time < buckets - 2) {
        const index = (due - origin) & (buckets - 1);
        const count = counts[index]!;
        if (count < room) {
          slots[index * room + count] = due;
          counts[index] = count + 1;
          continue;
        }
      }
      late[kept++] = due;
      this.wakeAt = Math.min(this.wakeAt, this.wakeTime(due, time));
    }
    late.length = kept;
    return freed;
  }
}

/** Refuses a pool that cannot be simulated. @throws InputError naming the field */
const checkPool = (spec: PoolSpec): void => {
  const { ports, load, arrivals, seed, warmUpHolds } = withFields("pool", spec, "ports, load, hold, arrivals and seed");
  const loadAtMost = 10 * portsAtMost;
  wholeNumber("pool.ports", ports, { least: 1, most: portsAtMost }, "ports");
  within("pool.load", load, load > 0 && load <= loadAtMost, `erlangs above 0, at most ${loadAtMost}`);
  wholeNumber("pool.arrivals", arrivals, { least: batches, most: Infinity }, "arrivals");
  checkSeed("pool.seed", seed);
  if (warmUpHolds !== undefined)
    within("pool.warmUpHolds", warmUpHolds, warmUpHolds >= 0 && warmUpHolds <= 1e6, "mean hold times, 0 to 1,000,000");
  checkHold(spec.hold, "pool.hold");
};

/** Arrivals of the warm-up: `load` arrive in one mean hold. */
export const warmUpArrivals = ({ load, warmUpHolds = 10 }: PoolSpec): number => Math.ceil(load * warmUpHolds);

/**
 * Simulates one pool: tens of millions of events a second.
 * Agrees with Erlang's B formula whatever the law of hold times, as the system is insensitive to it.
 * @throws InputError on a spec out of range
 */
export const simulatePool = async (spec: PoolSpec, options: RunOptions = {}): Promise<PoolResult> => {
  checkPool(spec);
  const arrivals = arrivalsOf(spec);
  const grid = gridFor(spec.load);
  const wheel = new CountWheel(spec.ports, grid);
  const warmUp = warmUpArrivals(spec);
  const total = warmUp + spec.arrivals;
  let done = 0;
  const runTo = async (end: number): Promise<number> => {
    let failed = 0;
    while (done < end) {
      const n = Math.min(sliceSize, end - done);
      arrivals.next(n);
      failed += wheel.offer(arrivals.gaps, arrivals.holds, n);
      done += n;
      if (done % (512 * sliceSize) < n) await breathe(options, done / total);
    }
    return failed;
  };
  checkCancelled(options);
  const warmUpFailures = await runTo(warmUp);
  const start = { time: wheel.now, carried: wheel.carried };
  const fractions: number[] = [];
  let failures = 0;
  for (let batch = 1; batch <= batches; batch++) {
    const before = done;
    const failed = await runTo(warmUp + Math.round((spec.arrivals * batch) / batches));
    failures += failed;
    fractions.push(failed / (done - before));
  }
  await breathe(options, 1);
  const mean = failures / spec.arrivals;
  const spread = fractions.reduce((sum, fraction) => sum + (fraction - mean) ** 2, 0) / (batches - 1);
  return {
    attempts: spec.arrivals,
    failures,
    failureProbability: mean,
    standardError: Math.sqrt(spread / batches),
    meanInUse: (wheel.carried - start.carried) / (wheel.now - start.time),
    events: 2 * total - failures - warmUpFailures,
  };
};
