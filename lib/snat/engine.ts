import { subseed } from "../random.js";
import { type PoolArrivals, arrivalsInPool } from "./arrivals.js";
import { Draws } from "./draws.js";
import { type Job, seedOf } from "./job.js";
import { meanHold } from "./hold.js";

/** Figures of one row (the pool, or one group of destinations) in one bucket of time, in this order. */
export const figuresPerBucket = 7;
export const figure = { min: 0, mean: 1, p95: 2, p99: 3, max: 4, attempts: 5, failures: 6 } as const;

/** What became of one pool in one replication. All times in seconds, all arrays flat: a worker hands them over without copying. */
export interface PoolOutcome {
  /** By bucket, then row (groups in order, then the pool as a whole), then figure. */
  readonly series: Float64Array;
  /** By bucket, then pod: mean ports held by the pod's connections. */
  readonly podMeans: Float64Array;
  readonly podAttempts: Float64Array;
  readonly podFailures: Float64Array;
  readonly podMax: Float64Array;
  /** By row: when the first connection failed; Infinity when none did. */
  readonly firstFailure: Float64Array;
  /** Arrivals and departures, those of the warm-up included. */
  readonly events: number;
  /** The most connections that held a port at once. */
  readonly peak: number;
}

/* What is kept of each group, pod and the pool, a cache line each: how many ports are in use now, then these. */
const stride = 8;
const since = 1;
const portSeconds = 2;
const least = 3;
const most = 4;
const attempts = 5;
const failures = 6;
const firstFailed = 7;

/* A connection that holds a port. */
const slotStride = 4;
const nextSlot = 0;
const slotGroup = 1;
const slotPort = 2;
const slotPod = 3;

/** Levels that time is kept for, to take percentiles: exact up to so many ports, to within ports / 4096 above. */
const levelsAtMost = 4096;
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/**
 * Simulates one pool: connections arrive, take a port that is free for their group or fail, and give it back.
 * Departures wait in a wheel of time buckets, each a list in order; those beyond its turn wait aside.
 */
export class PoolRun {
  private readonly arrivals: PoolArrivals;
  private readonly portDraws: Draws;
  private readonly groupCount: number;
  private readonly podCount: number;
  /** Rows: the groups, the pool, the pods. */
  private readonly rows: Float64Array;
  private readonly levels: Float64Array;
  private readonly levelShift: number;
  private readonly levelCount: number;
  /** A bit per port and group, set when taken; and a bit per word of these, set when the word is full. */
  private readonly taken: Int32Array;
  private readonly full: Int32Array;
  private readonly words: number;
  private readonly fullWords: number;
  /** How many groups use each port. */
  private readonly users: Uint16Array | Uint32Array;
  private slots = new Int32Array(0);
  private due = new Float64Array(0);
  private freeSlot = -1;
  private capacity = 0;
  private held = 0;
  private readonly heads: Int32Array;
  private readonly perSecond: number;
  private readonly start: number;
  private cursor = 0;
  private lateHead = -1;
  private wakeAt = Infinity;
  private time: number;
  private bucket = -1; // the warm-up
  private bucketEnd = 0;
  private events = 0;
  private peak = 0;
  private readonly outcome: Omit<PoolOutcome, "events" | "peak">;

  constructor(
    private readonly job: Job,
    pool: number,
    replication: number,
  ) {
    const { pods, groups } = job.pools[pool]!;
    this.arrivals = arrivalsInPool(job, pool, replication);
    this.portDraws = new Draws(subseed(seedOf(job, pool, replication), "ports"));
    this.groupCount = groups.length;
    this.podCount = pods.length;
    this.rows = new Float64Array((groups.length + 1 + pods.length) * stride);
    this.levelShift = Math.max(0, Math.ceil(Math.log2((job.ports + 1) / levelsAtMost)));
    this.levelCount = (job.ports >> this.levelShift) + 1;
    this.levels = new Float64Array((groups.length + 1) * this.levelCount);
    this.words = Math.ceil(job.ports / 32);
    this.fullWords = Math.ceil(this.words / 32);
    this.taken = new Int32Array(groups.length * this.words);
    this.full = new Int32Array(groups.length * this.fullWords);
    this.closeEnds();
    this.users = groups.length < 65_536 ? new Uint16Array(job.ports) : new Uint32Array(job.ports);
    const rate = Math.max(this.arrivals.peakRate, 1e-9);
    const span = Math.max(...pods.flatMap(pod => pod.streams).map(stream => meanHold(job.streams[stream]!.hold)));
    this.heads = new Int32Array(2 ** Math.min(20, Math.max(6, Math.ceil(Math.log2(4 * span * rate))))).fill(-1);
    // Wheel positions are 32-bit numbers, even at the end of a long run.
    this.perSecond = Math.min(rate, 2 ** 30 / (job.warmUp + job.seconds));
    this.start = -job.warmUp;
    this.time = this.start;
    for (let row = 0; row < this.rows.length; row += stride) {
      this.rows[row + since] = this.start;
      this.resetRow(row);
    }
    if (job.warmUp === 0) this.openBucket();
    this.outcome = {
      series: new Float64Array(job.buckets * (groups.length + 1) * figuresPerBucket),
      podMeans: new Float64Array(job.buckets * pods.length),
      podAttempts: new Float64Array(pods.length),
      podFailures: new Float64Array(pods.length),
      podMax: new Float64Array(pods.length),
      firstFailure: new Float64Array(groups.length + 1).fill(Infinity),
    };
  }

  /** The share done, by time. */
  get share(): number {
    return (this.time - this.start) / (this.job.seconds - this.start);
  }

  /** Simulates about `arrivals` more; true when the run is over. */
  advance(arrivals: number): boolean {
    for (let done = 0; done < arrivals; ) {
      const n = this.arrivals.next(this.job.seconds);
      if (n === 0) {
        while (this.bucket < this.job.buckets) this.closeBucket();
        this.time = this.job.seconds;
        return true;
      }
      this.reserve(n);
      for (let i = 0; i < n; ) {
        if (this.arrivals.times[i]! >= this.bucketEnd) this.closeBucket();
        else i = this.offer(i, n);
      }
      this.time = this.arrivals.times[n - 1]!;
      done += n;
    }
    return false;
  }

  result(): PoolOutcome {
    return { ...this.outcome, events: this.events, peak: this.peak };
  }

  /** Offers the arrivals from `from` on, as far as the bucket of statistics goes; returns the first that is left. */
  private offer(from: number, n: number): number {
    const { times, holds, groups, pods } = this.arrivals;
    const { rows, heads, due, slots, taken, full, users, words, fullWords, perSecond, start, bucketEnd, groupCount } = this;
    const { perGroup, perPool, ports, choice } = this.job;
    const lowest = choice === "lowest";
    const mask = heads.length - 1;
    const turn = (heads.length - 2) / perSecond;
    const poolRow = groupCount * stride;
    let departures = 0;
    let i = from;
    for (; i < n; i++) {
      const time = times[i]!;
      if (time >= bucketEnd) break;
      const position = ((time - start) * perSecond) | 0;
      if (time >= this.wakeAt) departures += this.passTo(time);
      else if (this.cursor < position || (heads[position & mask]! >= 0 && due[heads[position & mask]!]! <= time)) departures += this.drain(time, position);

      const group = groups[i]!;
      const groupRow = group * stride;
      const podRow = (groupCount + 1 + pods[i]!) * stride;
      rows[groupRow + attempts]!++;
      rows[podRow + attempts]!++;
      if (rows[groupRow]! >= perGroup || this.held >= perPool) {
        this.fail(groupRow, podRow, time);
        continue;
      }

      let port: number;
      if (lowest) {
        let summary = group * fullWords;
        while (full[summary] === -1) summary++;
        const word = ((summary - group * fullWords) << 5) + lowestBit(~full[summary]!);
        const bits = taken[group * words + word]!;
        const free = lowestBit(~bits);
        const now = bits | (1 << free);
        taken[group * words + word] = now;
        if (now === -1) full[summary]! |= 1 << (word & 31);
        port = (word << 5) + free;
      } else port = this.takeRandom(group, ports);

      this.settle(groupRow, group, time, 1);
      if (users[port]!++ === 0) this.settle(poolRow, groupCount, time, 1);
      this.settlePod(podRow, time, 1);

      const slot = this.freeSlot;
      const at = slot * slotStride;
      this.freeSlot = slots[at]!;
      const hold = holds[i]!;
      const end = time + hold;
      due[slot] = end;
      slots[at + slotGroup] = group;
      slots[at + slotPort] = port;
      slots[at + slotPod] = podRow;
      this.held++;
      if (hold < turn) this.insert(slot, end);
      else this.putAside(slot, end);
    }
    this.events += i - from + departures;
    this.peak = Math.max(this.peak, this.held);
    return i;
  }

  /** Puts a departure into its bucket's list, in order of time. */
  private insert(slot: number, end: number): void {
    const { heads, slots, due } = this;
    const index = this.positionOf(end) & (heads.length - 1);
    let next = heads[index]!;
    if (next < 0 || due[next]! > end) {
      slots[slot * slotStride] = next;
      heads[index] = slot;
      return;
    }
    let before = next;
    for (next = slots[before * slotStride]!; next >= 0 && due[next]! <= end; next = slots[before * slotStride]!) before = next;
    slots[slot * slotStride] = next;
    slots[before * slotStride] = slot;
  }

  private putAside(slot: number, end: number): void {
    this.slots[slot * slotStride] = this.lateHead;
    this.lateHead = slot;
    // Half a turn before it is due it surely fits the wheel.
    this.wakeAt = Math.min(this.wakeAt, end - this.heads.length / 2 / this.perSecond);
  }

  /** Moves into the wheel what was put aside and now fits; the rest is looked at again in half a turn at the earliest. */
  private wake(time: number): void {
    const { slots, due } = this;
    const turn = (this.heads.length - 2) / this.perSecond;
    let slot = this.lateHead;
    this.lateHead = -1;
    this.wakeAt = Infinity;
    while (slot >= 0) {
      const next = slots[slot * slotStride]!;
      if (due[slot]! - time < turn) this.insert(slot, due[slot]!);
      else this.putAside(slot, due[slot]!);
      slot = next;
    }
  }

  /** Gives back every port due at `time` or before, also of what is still aside; returns how many. */
  private passTo(time: number): number {
    let count = 0;
    while (time >= this.wakeAt) {
      const at = this.wakeAt;
      count += this.drain(at, this.positionOf(at));
      this.wake(at);
    }
    return count + this.drain(time, this.positionOf(time));
  }

  private positionOf(time: number): number {
    return ((time - this.start) * this.perSecond) | 0;
  }

  /** Gives back every port due at `time` or before that is in the wheel; returns how many. `position` is the wheel's for `time`. */
  private drain(time: number, position: number): number {
    const { heads, due, slots } = this;
    const mask = heads.length - 1;
    let count = 0;
    for (let cursor = this.cursor; cursor <= position; cursor++) {
      const index = cursor & mask;
      let slot = heads[index]!;
      while (slot >= 0 && due[slot]! <= time) {
        const next = slots[slot * slotStride]!;
        this.release(slot, due[slot]!);
        slot = next;
        count++;
      }
      heads[index] = slot;
    }
    this.cursor = position;
    return count;
  }

  private release(slot: number, time: number): void {
    const { slots, taken, full, users, words, fullWords, groupCount } = this;
    const at = slot * slotStride;
    const group = slots[at + slotGroup]!;
    const port = slots[at + slotPort]!;
    const word = port >>> 5;
    taken[group * words + word]! &= ~(1 << (port & 31));
    full[group * fullWords + (word >>> 5)]! &= ~(1 << (word & 31));
    this.settle(group * stride, group, time, -1);
    if (--users[port]! === 0) this.settle(groupCount * stride, groupCount, time, -1);
    this.settlePod(slots[at + slotPod]!, time, -1);
    slots[at + nextSlot] = this.freeSlot;
    this.freeSlot = slot;
    this.held--;
  }

  /** Books the time that a group, or the pool, spent at its level, and changes the level. */
  private settle(row: number, index: number, time: number, change: number): void {
    const { rows, levels } = this;
    const level = rows[row]!;
    const spent = time - rows[row + since]!;
    levels[index * this.levelCount + (level >> this.levelShift)]! += spent;
    rows[row + portSeconds]! += level * spent;
    rows[row + since] = time;
    const now = level + change;
    rows[row] = now;
    if (now > rows[row + most]!) rows[row + most] = now;
    else if (now < rows[row + least]!) rows[row + least] = now;
  }

  private settlePod(row: number, time: number, change: number): void {
    const { rows } = this;
    const level = rows[row]!;
    rows[row + portSeconds]! += level * (time - rows[row + since]!);
    rows[row + since] = time;
    rows[row] = level + change;
    if (level + change > rows[row + most]!) rows[row + most] = level + change;
  }

  private fail(groupRow: number, podRow: number, time: number): void {
    const { rows } = this;
    const poolRow = this.groupCount * stride;
    for (const row of [groupRow, podRow, poolRow]) {
      rows[row + failures]!++;
      if (rows[row + firstFailed] === Infinity) rows[row + firstFailed] = time;
    }
  }

  /** A random port; from the 32nd that is taken on, the next free one after it. */
  private takeRandom(group: number, ports: number): number {
    const { taken, words, portDraws } = this;
    const first = group * words;
    let port = 0;
    for (let tries = 0; tries < 32; tries++) {
      port = Math.floor((portDraws.word() / 2 ** 32) * ports);
      const word = first + (port >>> 5);
      const bit = 1 << (port & 31);
      if ((taken[word]! & bit) === 0) {
        taken[word]! |= bit;
        return port;
      }
    }
    let word = port >>> 5;
    while (taken[first + word] === -1) word = word + 1 === words ? 0 : word + 1;
    const free = lowestBit(~taken[first + word]!);
    taken[first + word]! |= 1 << free;
    return (word << 5) + free;
  }

  /** Room for `n` more connections. */
  private reserve(n: number): void {
    const needed = this.held + n;
    if (needed <= this.capacity) return;
    const before = this.capacity;
    const capacity = 2 ** Math.ceil(Math.log2(needed));
    const slots = new Int32Array(capacity * slotStride);
    const due = new Float64Array(capacity);
    slots.set(this.slots);
    due.set(this.due);
    for (let slot = before; slot < capacity; slot++) slots[slot * slotStride] = slot + 1 < capacity ? slot + 1 : this.freeSlot;
    this.freeSlot = before;
    this.slots = slots;
    this.due = due;
    this.capacity = capacity;
  }

  /** The bits beyond the last port count as taken. */
  private closeEnds(): void {
    const { taken, full, words, fullWords, groupCount } = this;
    for (let group = 0; group < groupCount; group++) {
      for (let port = this.job.ports; port < words * 32; port++) taken[group * words + (port >>> 5)]! |= 1 << (port & 31);
      for (let word = words; word < fullWords * 32; word++) full[group * fullWords + (word >>> 5)]! |= 1 << (word & 31);
    }
  }

  private openBucket(): void {
    this.bucket++;
    this.bucketEnd = (this.job.seconds * (this.bucket + 1)) / this.job.buckets;
  }

  /** Ends a bucket of statistics (or the warm-up), writes it down and starts the next. */
  private closeBucket(): void {
    const end = this.bucketEnd;
    this.events += this.passTo(end);
    const { rows, groupCount } = this;
    let arrived = 0;
    for (let index = 0; index < groupCount; index++) {
      const count = rows[index * stride + attempts]!;
      arrived += count;
      this.closeRow(index, end, count);
    }
    this.closeRow(groupCount, end, arrived);
    for (let pod = 0; pod < this.podCount; pod++) this.closePod(pod, end);
    this.openBucket();
  }

  private closeRow(index: number, end: number, arrived: number): void {
    const { rows, groupCount, outcome, bucket, levelShift, levelCount } = this;
    const row = index * stride;
    this.settle(row, index, end, 0);
    const low = rows[row + least]!;
    const high = rows[row + most]!;
    if (bucket >= 0) {
      const length = this.job.seconds / this.job.buckets;
      const out = (bucket * (groupCount + 1) + index) * figuresPerBucket;
      const { series, firstFailure } = outcome;
      series[out + figure.min] = low;
      series[out + figure.mean] = rows[row + portSeconds]! / length;
      series[out + figure.p95] = this.percentile(index, low, high, 0.95 * length);
      series[out + figure.p99] = this.percentile(index, low, high, 0.99 * length);
      series[out + figure.max] = high;
      series[out + figure.attempts] = arrived;
      series[out + figure.failures] = rows[row + failures]!;
      firstFailure[index] = Math.min(firstFailure[index]!, rows[row + firstFailed]!);
    }
    this.levels.fill(0, index * levelCount + (low >> levelShift), index * levelCount + (high >> levelShift) + 1);
    this.resetRow(row);
  }

  private resetRow(row: number): void {
    const { rows } = this;
    rows[row + portSeconds] = 0;
    rows[row + least] = rows[row]!;
    rows[row + most] = rows[row]!;
    rows[row + attempts] = 0;
    rows[row + failures] = 0;
    rows[row + firstFailed] = Infinity;
  }

  private closePod(pod: number, end: number): void {
    const { rows, outcome, bucket, podCount } = this;
    const row = (this.groupCount + 1 + pod) * stride;
    this.settlePod(row, end, 0);
    if (bucket >= 0) {
      outcome.podMeans[bucket * podCount + pod] = (rows[row + portSeconds]! * this.job.buckets) / this.job.seconds;
      outcome.podAttempts[pod]! += rows[row + attempts]!;
      outcome.podFailures[pod]! += rows[row + failures]!;
      outcome.podMax[pod] = Math.max(outcome.podMax[pod]!, rows[row + most]!);
    }
    this.resetRow(row);
  }

  /** The level not exceeded for `target` seconds of the bucket. */
  private percentile(index: number, low: number, high: number, target: number): number {
    const first = index * this.levelCount;
    let below = 0;
    for (let level = low >> this.levelShift; level < high >> this.levelShift; level++) {
      below += this.levels[first + level]!;
      if (below >= target) return Math.min(high, ((level + 1) << this.levelShift) - 1);
    }
    return high;
  }
}
