import { subseed } from "../random.js";
import { type PoolArrivals, arrivalsInPool } from "./arrivals.js";
import { Draws } from "./draws.js";
import { meanHold } from "./hold.js";
import { type Job, seedOf } from "./job.js";

/** Figures of one row (one group of destinations, or the pool as a whole) in one bucket of time, in this order. */
export const figuresPerBucket = 7;
export const figure = { min: 0, mean: 1, p95: 2, p99: 3, max: 4, attempts: 5, failures: 6 } as const;

/** What became of one pool in one replication. Flat arrays: a worker hands them over without copying. */
export interface PoolOutcome {
  /** By bucket, then row (groups in order, then the pool as a whole), then figure. */
  readonly series: Float64Array;
  /** By bucket, then pod: mean ports held by the pod's connections. */
  readonly podMeans: Float64Array;
  readonly podAttempts: Float64Array;
  readonly podFailures: Float64Array;
  readonly podMax: Float64Array;
  /** By row: when the first connection failed, in seconds; Infinity when none did. */
  readonly firstFailure: Float64Array;
  /** Arrivals and departures, those of the warm-up included. */
  readonly events: number;
  /** The most connections that held a port at once. */
  readonly peak: number;
}

/** Within each bucket ports in use are read so many times, evenly spaced, for the percentiles. */
export const readings = 100;
/** How many of the highest readings decide the percentiles: the 95th of 100 is the sixth from above, the 99th the second. */
const highest = 6;

/* What is counted of each row within a bucket of time. Rows are the groups, then the pods, then the pool as a whole. */
const rowSize = 8;
const inUse = 0;
const least = 1;
const most = 2;
const attempts = 3;
const failures = 4;

/** The lowest bit that is set, 0-31. */
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/*
 * What a connection that holds a port has in `slots`: 32 bytes, so that it lies within one cache line.
 * The first eight are the time at which it gives the port back, `due[slot * dueSize]`.
 */
const slotSize = 8;
const dueSize = 4;
const slotNext = 2;
const slotGroup = 3;
const slotPort = 4;
const slotPod = 5;

/**
 * Simulates one pool: connections arrive, take a port that is free for their group or fail, and give it back.
 * Departures wait in a wheel of time buckets; those beyond its turn wait aside. Within a bucket of the wheel they have no
 * order: they only have to be told from those still to come when a connection arrives.
 */
export class PoolRun {
  private readonly arrivals: PoolArrivals;
  private readonly portDraws: Draws;
  private readonly groupCount: number;
  private readonly podCount: number;
  /** The pool as a whole: ports that serve at least one group. */
  private readonly wholeRow: number;
  private readonly counts: Int32Array;
  /** By row: port-seconds of the bucket, as if nothing changed until its end: a change counts for the time that is left then. */
  private readonly portSeconds: Float64Array;
  /** For each group a bit per word of `taken`, set when the word is full, then a bit per port, set when taken. */
  private readonly bits: Int32Array;
  private readonly takenFrom: number;
  private readonly groupWords: number;
  /** How many groups use each port. */
  private readonly users: Int32Array;
  /** When a group last gave each port back. Departures within a bucket of the wheel have no order, and the last one frees the port. */
  private readonly leftAt: Float64Array;
  private slots: Int32Array = new Int32Array(0);
  private due: Float64Array = new Float64Array(0);
  private freeSlot = -1;
  private held = 0;
  /** The first slot of each bucket of the wheel. */
  private readonly heads: Int32Array;
  private readonly perSecond: number;
  private readonly start: number;
  private cursor = 0;
  private aside = -1;
  /** When to look at what waits aside, take the next reading, and end the bucket of statistics. */
  private wakeAt = Infinity;
  private readAt = Infinity;
  private bucketEnd = 0;
  /** -1 is the warm-up. */
  private bucket = -1;
  private reading = 0;
  private readonly top: Int32Array;
  private firstFailure: Float64Array;
  private time: number;
  private events = 0;
  private peak = 0;
  private readonly series: Float64Array;
  private readonly podMeans: Float64Array;
  private readonly podAttempts: Float64Array;
  private readonly podFailures: Float64Array;
  private readonly podMax: Float64Array;

  constructor(
    private readonly job: Job,
    pool: number,
    replication: number,
  ) {
    const { pods, groups } = job.pools[pool]!;
    this.groupCount = groups.length;
    this.podCount = pods.length;
    this.wholeRow = groups.length + pods.length;
    this.arrivals = arrivalsInPool(job, pool, replication);
    this.portDraws = new Draws(subseed(seedOf(job, pool, replication), "ports"));
    this.counts = new Int32Array((this.wholeRow + 1) * rowSize);
    this.portSeconds = new Float64Array(this.wholeRow + 1);
    const words = Math.ceil(job.ports / 32);
    this.takenFrom = Math.ceil(words / 32);
    this.groupWords = this.takenFrom + words;
    this.bits = new Int32Array(groups.length * this.groupWords);
    this.closeEnds();
    this.users = new Int32Array(job.ports);
    this.leftAt = new Float64Array(job.ports).fill(-job.warmUp);
    const rate = Math.max(this.arrivals.peakRate, 1e-9);
    const holds = [...new Set(pods.flatMap(pod => pod.streams))].map(stream => meanHold(job.streams[stream]!.hold));
    this.heads = new Int32Array(
      2 ** Math.min(20, Math.max(6, Math.ceil(Math.log2(1.5 * Math.max(...holds) * rate)))),
    ).fill(-1);
    // Positions in the wheel are 32-bit numbers, even at the end of a long run.
    this.perSecond = Math.min(rate, 2 ** 30 / (job.warmUp + job.seconds));
    this.start = -job.warmUp;
    this.time = this.start;
    this.top = new Int32Array((groups.length + 1) * highest);
    this.firstFailure = new Float64Array(groups.length + 1).fill(Infinity);
    this.series = new Float64Array(job.buckets * (groups.length + 1) * figuresPerBucket);
    this.podMeans = new Float64Array(job.buckets * pods.length);
    this.podAttempts = new Float64Array(pods.length);
    this.podFailures = new Float64Array(pods.length);
    this.podMax = new Float64Array(pods.length);
    if (job.warmUp === 0) this.openBucket();
  }

  /** The share done, by time. */
  get share(): number {
    return (this.time - this.start) / (this.job.seconds - this.start);
  }

  /** Simulates about `arrivals` more; true when the run is over. */
  advance(arrivals: number): boolean {
    for (let done = 0; done < arrivals;) {
      const n = this.arrivals.next(this.job.seconds);
      if (n === 0) {
        this.arrivals.times[0] = Infinity;
        while (this.bucket < this.job.buckets) {
          this.offer(0, 1);
          this.halt();
        }
        this.time = this.job.seconds;
        return true;
      }
      this.reserve(n);
      for (let i = 0; i < n;) {
        i = this.offer(i, n);
        if (i < n) this.halt();
      }
      this.time = this.arrivals.times[n - 1]!;
      done += n;
    }
    return false;
  }

  result(): PoolOutcome {
    const { series, podMeans, podAttempts, podFailures, podMax, firstFailure, events, peak } = this;
    return { series, podMeans, podAttempts, podFailures, podMax, firstFailure, events, peak };
  }

  /**
   * Offers the arrivals from `from` on, up to the next halt (a look aside, a reading, the end of a bucket); returns the first
   * that is left. At a halt every port due by then has been given back. One long function, as it is where the time goes.
   */
  private offer(from: number, n: number): number {
    const { times, holds, groups: groupOf, pods: podOf } = this.arrivals;
    const {
      heads,
      due,
      slots,
      counts,
      portSeconds,
      bits,
      users,
      leftAt,
      takenFrom,
      groupWords,
      groupCount,
      perSecond,
      start,
      bucketEnd,
    } = this;
    const { perGroup, ports } = this.job;
    const perPool = Math.min(this.job.perPool, 2 ** 31 - 1);
    const lowest = this.job.choice === "lowest";
    const whole = this.wholeRow * rowSize;
    const mask = heads.length - 1;
    const turn = (heads.length - 2) / perSecond;
    let cursor = this.cursor | 0;
    let freeSlot = this.freeSlot | 0;
    let held = this.held | 0;
    let peak = this.peak | 0;
    let poolInUse = counts[whole]!;
    let poolLeast = counts[whole + least]!;
    let poolMost = counts[whole + most]!;
    let poolSeconds = portSeconds[this.wholeRow]!;
    let stop = Math.min(this.wakeAt, this.readAt, bucketEnd);
    let departures = 0;
    let i = from;
    for (; i < n; i++) {
      const arrival = times[i]!;
      const time = arrival < stop ? arrival : stop;
      const position = ((time - start) * perSecond) | 0;
      for (;;) {
        let slot = heads[cursor & mask]!;
        if (slot >= 0) {
          let keep = -1;
          do {
            const at = slot * slotSize;
            const next = slots[at + slotNext]!;
            const end = due[slot * dueSize]!;
            if (end <= time) {
              const group = slots[at + slotGroup]!;
              const port = slots[at + slotPort]!;
              const pod = slots[at + slotPod]!;
              const left = bucketEnd - end;
              const first = group * groupWords;
              bits[first + takenFrom + (port >>> 5)]! &= ~(1 << (port & 31));
              bits[first + (port >>> 10)]! &= ~(1 << ((port >>> 5) & 31));
              const row = group * rowSize;
              const now = counts[row]! - 1;
              counts[row] = now;
              if (now < counts[row + least]!) counts[row + least] = now;
              portSeconds[group]! -= left;
              counts[pod * rowSize]!--;
              portSeconds[pod]! -= left;
              const last = leftAt[port]! > end ? leftAt[port]! : end;
              leftAt[port] = last;
              if (--users[port]! === 0) {
                poolInUse--;
                poolSeconds -= bucketEnd - last;
              }
              slots[at + slotNext] = freeSlot;
              freeSlot = slot;
              departures++;
            } else {
              slots[at + slotNext] = keep;
              keep = slot;
            }
            slot = next;
          } while (slot >= 0);
          heads[cursor & mask] = keep;
        }
        if (cursor === position) break;
        cursor++;
      }
      if (poolInUse < poolLeast) poolLeast = poolInUse;
      if (arrival >= stop) break;

      const group = groupOf[i]!;
      const pod = groupCount + podOf[i]!;
      const row = group * rowSize;
      const podRow = pod * rowSize;
      counts[row + attempts]!++;
      counts[podRow + attempts]!++;
      const now = counts[row]! + 1;
      if (now > perGroup || held - departures >= perPool) {
        this.fail(group, pod, time);
        continue;
      }
      let port: number;
      if (lowest) {
        const first = group * groupWords;
        let summary = first;
        while (bits[summary] === -1) summary++;
        const fullBits = bits[summary]!;
        const word = ((summary - first) << 5) + lowestBit(~fullBits);
        const wordBits = bits[first + takenFrom + word]!;
        const free = ~wordBits & -~wordBits;
        bits[first + takenFrom + word] = wordBits | free;
        if ((wordBits | free) === -1) bits[summary] = fullBits | (1 << (word & 31));
        port = (word << 5) + 31 - Math.clz32(free);
      } else port = this.takeRandom(group, ports);

      const left = bucketEnd - time;
      counts[row] = now;
      if (now > counts[row + most]!) counts[row + most] = now;
      portSeconds[group]! += left;
      const podNow = counts[podRow]! + 1;
      counts[podRow] = podNow;
      if (podNow > counts[podRow + most]!) counts[podRow + most] = podNow;
      portSeconds[pod]! += left;
      const others = users[port]!;
      users[port] = others + 1;
      if (others === 0) {
        poolSeconds += left;
        if (++poolInUse > poolMost) poolMost = poolInUse;
      }
      if (++held - departures > peak) peak = held - departures;

      const slot = freeSlot;
      const at = slot * slotSize;
      freeSlot = slots[at + slotNext]!;
      const hold = holds[i]!;
      const end = time + hold;
      due[slot * dueSize] = end;
      slots[at + slotGroup] = group;
      slots[at + slotPort] = port;
      slots[at + slotPod] = pod;
      if (hold < turn) {
        const index = ((end - start) * perSecond) & mask;
        slots[at + slotNext] = heads[index]!;
        heads[index] = slot;
      } else {
        this.putAside(slot, end);
        stop = Math.min(stop, this.wakeAt);
      }
    }
    this.cursor = cursor;
    this.freeSlot = freeSlot;
    this.held = held - departures;
    this.peak = peak;
    counts[whole] = poolInUse;
    counts[whole + least] = poolLeast;
    counts[whole + most] = poolMost;
    portSeconds[this.wholeRow] = poolSeconds;
    this.events += i - from + departures;
    return i;
  }

  /** Does what the run was halted for, when all that happens before is done. */
  private halt(): void {
    const now = Math.min(this.wakeAt, this.readAt, this.bucketEnd);
    if (now === this.wakeAt) this.wake(now);
    else if (now === this.readAt) this.read();
    else this.closeBucket();
  }

  private putAside(slot: number, end: number): void {
    this.slots[slot * slotSize + slotNext] = this.aside;
    this.aside = slot;
    // Half a turn before it is due it surely fits the wheel.
    this.wakeAt = Math.min(this.wakeAt, end - this.heads.length / 2 / this.perSecond);
  }

  /** Moves into the wheel what waits aside and now fits; the rest is looked at again in half a turn at the earliest. */
  private wake(time: number): void {
    const { slots, due, heads, perSecond, start } = this;
    const turn = (heads.length - 2) / perSecond;
    let slot = this.aside;
    this.aside = -1;
    this.wakeAt = Infinity;
    while (slot >= 0) {
      const next = slots[slot * slotSize + slotNext]!;
      const end = due[slot * dueSize]!;
      if (end - time < turn) {
        const index = ((end - start) * perSecond) & (heads.length - 1);
        slots[slot * slotSize + slotNext] = heads[index]!;
        heads[index] = slot;
      } else this.putAside(slot, end);
      slot = next;
    }
  }

  private fail(group: number, pod: number, time: number): void {
    const { firstFailure, counts } = this;
    for (const row of [group, pod]) counts[row * rowSize + failures]!++;
    if (this.bucket < 0) return;
    const all = firstFailure.length - 1;
    if (firstFailure[group] === Infinity) firstFailure[group] = time;
    if (firstFailure[all] === Infinity) firstFailure[all] = time;
  }

  /** A random port; from the 32nd that is taken on, the next free one after it. */
  private takeRandom(group: number, ports: number): number {
    const { bits, portDraws } = this;
    const first = group * this.groupWords + this.takenFrom;
    const words = this.groupWords - this.takenFrom;
    let port = 0;
    for (let tries = 0; tries < 32; tries++) {
      port = Math.floor(portDraws.word() * (ports / 2 ** 32));
      const word = first + (port >>> 5);
      const bit = 1 << (port & 31);
      if ((bits[word]! & bit) === 0) {
        bits[word]! |= bit;
        return port;
      }
    }
    let word = port >>> 5;
    while (bits[first + word] === -1) word = word + 1 === words ? 0 : word + 1;
    const free = lowestBit(~bits[first + word]!);
    bits[first + word]! |= 1 << free;
    return (word << 5) + free;
  }

  /** Room for `n` more connections. */
  private reserve(n: number): void {
    const before = this.due.length / dueSize;
    if (this.held + n <= before) return;
    const capacity = 2 ** Math.ceil(Math.log2(this.held + n));
    const due = new Float64Array(capacity * dueSize);
    due.set(this.due);
    const slots = new Int32Array(due.buffer);
    for (let slot = before; slot < capacity; slot++)
      slots[slot * slotSize + slotNext] = slot + 1 < capacity ? slot + 1 : this.freeSlot;
    this.freeSlot = before;
    this.slots = slots;
    this.due = due;
  }

  /** The bits beyond the last port count as taken. */
  private closeEnds(): void {
    const { bits, takenFrom, groupWords } = this;
    const words = groupWords - takenFrom;
    for (let group = 0; group < this.groupCount; group++) {
      const first = group * groupWords;
      for (let word = words; word < takenFrom * 32; word++) bits[first + (word >>> 5)]! |= 1 << (word & 31);
      for (let port = this.job.ports; port < words * 32; port++)
        bits[first + takenFrom + (port >>> 5)]! |= 1 << (port & 31);
    }
  }

  private openBucket(): void {
    this.bucket++;
    const length = this.job.seconds / this.job.buckets;
    this.bucketEnd = length * (this.bucket + 1);
    this.reading = 0;
    this.readAt = length * (this.bucket + 0.5 / readings);
    this.top.fill(-1);
    const { counts, portSeconds } = this;
    for (let row = 0; row <= this.wholeRow; row++) {
      const at = row * rowSize;
      counts[at + least] = counts[at + most] = counts[at]!;
      counts[at + attempts] = counts[at + failures] = 0;
      portSeconds[row] = counts[at]! * length;
    }
  }

  /** Notes the ports in use, as far as they are among the highest readings of the bucket. */
  private read(): void {
    const { counts, groupCount } = this;
    for (let group = 0; group < groupCount; group++) this.note(group, counts[group * rowSize + inUse]!);
    this.note(groupCount, counts[this.wholeRow * rowSize + inUse]!);
    this.reading++;
    this.readAt =
      this.reading < readings
        ? (this.job.seconds / this.job.buckets) * (this.bucket + (this.reading + 0.5) / readings)
        : Infinity;
  }

  private note(row: number, ports: number): void {
    const { top } = this;
    const first = row * highest;
    if (ports <= top[first + highest - 1]!) return;
    let at = first + highest - 1;
    for (; at > first && top[at - 1]! < ports; at--) top[at] = top[at - 1]!;
    top[at] = ports;
  }

  /** Ends a bucket of statistics (or the warm-up), writes it down and starts the next. */
  private closeBucket(): void {
    if (this.bucket >= 0) this.writeBucket();
    this.openBucket();
  }

  private writeBucket(): void {
    const { counts, portSeconds, groupCount, podCount, wholeRow, bucket, podMeans } = this;
    const length = this.job.seconds / this.job.buckets;
    for (let group = 0; group < groupCount; group++) {
      this.writeRow(group, group);
      for (const field of [attempts, failures]) counts[wholeRow * rowSize + field]! += counts[group * rowSize + field]!;
    }
    this.writeRow(groupCount, wholeRow);
    for (let pod = 0; pod < podCount; pod++) {
      const at = (groupCount + pod) * rowSize;
      podMeans[bucket * podCount + pod] = portSeconds[groupCount + pod]! / length;
      this.podAttempts[pod]! += counts[at + attempts]!;
      this.podFailures[pod]! += counts[at + failures]!;
      this.podMax[pod] = Math.max(this.podMax[pod]!, counts[at + most]!);
    }
  }

  /** @param place the row's place in the results @param row its number here */
  private writeRow(place: number, row: number): void {
    const { series, top, counts } = this;
    const at = row * rowSize;
    const out = (this.bucket * (this.groupCount + 1) + place) * figuresPerBucket;
    series[out + figure.min] = counts[at + least]!;
    series[out + figure.mean] = (this.portSeconds[row]! * this.job.buckets) / this.job.seconds;
    series[out + figure.p95] = top[place * highest + 5]!;
    series[out + figure.p99] = top[place * highest + 1]!;
    series[out + figure.max] = counts[at + most]!;
    series[out + figure.attempts] = counts[at + attempts]!;
    series[out + figure.failures] = counts[at + failures]!;
  }
}
