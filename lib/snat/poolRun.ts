import { largest, smallest } from "../extremes.js";
import { subseed } from "../random.js";
import { type PoolArrivals, arrivalsInPool, batch, batchSize } from "./arrivals.js";
import { Closings } from "./closings.js";
import { Draws } from "./draws.js";
import { meanHold } from "./hold.js";
import { type Job, seedOf } from "./job.js";

/** Not read where it is imported: compiled code knows what a constant of its own module holds. */
const arrived = batch;

/** Figures of one row (one group of destinations, or the pool as a whole) in one bucket of time, in this order. */
export const figuresPerBucket = 7;
export const figure = { min: 0, mean: 1, p95: 2, p99: 3, max: 4, attempts: 5, failures: 6 } as const;

/** What became of one pool in one replication. Flat arrays, as a worker copies them to whom it works for. */
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
  /** By row: connections whose port was taken away by a change of the ports, and those of them that were open. */
  readonly takenAway: Float64Array;
  readonly cutOff: Float64Array;
  /** Arrivals and departures, those of the warm-up included. */
  readonly events: number;
  /** The most connections that held a port at once. */
  readonly peak: number;
}

/** Within each bucket ports in use are read so many times, evenly spaced, for the percentiles. */
export const readings = 100;
/** How many of the highest readings decide the percentiles: the 95th of 100 is the sixth from above, the 99th the second. */
const highest = 6;

/*
 * All that a run works on lies in one buffer, seen as whole numbers and as numbers of 8 bytes: with several, compiled code would
 * look up at every access of each where it is and how long. A place is an index of whole numbers, half of it one of numbers.
 *
 *   0                     wholeRow   portsAt           bitsAt           binsAt         slotsAt
 *   | group rows | pod rows | pool row | ports          | bits           | timing wheel | slots ...
 *   | rowSize each          | rowSize  | portSize each  | groupWords for | first slot   | slotSize each, as many
 *   |                       |          |                | each group     | of each bin  | as connections are held
 *
 *   bits of one group:   | a bit for each word that follows, set when that word is full | a bit for each port, set when taken |
 *
 * What is counted of each row within a bucket of time starts with its port-seconds, those of the bucket as if nothing changed
 * until its end: a change counts for the time that is left then.
 */
const rowSize = 16;
const rowInUse = 2;
const rowLeast = 3;
const rowMost = 4;
const rowAttempts = 5;
const rowFailures = 6;
const rowFirstFailure = 8;

/*
 * Of each port, when a group last gave it back, and how many groups use it. Those that leave between two arrivals have no order,
 * the last one frees the port.
 */
const portSize = 4;
const portUsers = 2;

/* A connection that holds a port: when it gives it back, the next one in its list, and the places of all that it counts in. */
const slotSize = 8;
const slotNext = 2;
const slotRow = 3;
const slotPort = 4;
const slotPod = 5;
const slotWord = 6;
const slotStream = 7;

/** Arrivals, at the highest rate, in the time of one bin of the wheel. */
const arrivalsPerBin = 64;

/** What is known of a leg (see {@link PoolRun}), whoever runs it: nothing of it is needed after the batch. */
const leg = {
  /** By arrival of the batch: the first of the slots whose port is given back between the arrival before it and this one. */
  before: new Int32Array(batchSize + 1),
  /** The time that the leg spans in equal parts, and for each the first arrival in it or after it. */
  parts: new Int32Array(2 * batchSize + 2),
} as const;

/** The lowest bit that is set, 0-31. */
const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

/** A word with the bits from `first` to `end` set, as far as it has them. */
const bitsWithin = (first: number, end: number): number => {
  const below = (bit: number): number => (bit >= 32 ? -1 : bit <= 0 ? 0 : (1 << bit) - 1);
  return below(end) & ~below(first);
};

/**
 * Simulates one pool: connections arrive, take a port that is free for their group or fail, and give it back.
 *
 * Time goes by in legs, most of them from the last arrival of a batch to the last of the next. At the start of a leg the departures
 * within it are put before the first arrival that they precede; among those before the same arrival no order is needed. Later ones
 * wait in a timing wheel of bins, those beyond its turn in an overflow list.
 */
export class PoolRun {
  private readonly arrivals: PoolArrivals;
  private readonly portDraws: Draws;
  private readonly groupCount: number;
  private readonly podCount: number;
  private wholes: Int32Array;
  private numbers: Float64Array;
  /** The row of the pool as a whole: ports that serve at least one group. */
  private readonly wholeRow: number;
  private readonly portsAt: number;
  /** For each group a bit per word of what follows, set when the word is full, then a bit per port, set when taken. */
  private readonly bitsAt: number;
  private readonly takenFrom: number;
  private readonly groupWords: number;
  /** For each bin of the wheel its first slot, 0 for none. */
  private readonly binsAt: number;
  /** How many bins: a power of two. */
  private readonly bins: number;
  private readonly binsPerSecond: number;
  private readonly slotsAt: number;
  private freeSlot = 0;
  private held = 0;
  /** Until when departures are in `before`; those that come later are in the wheel. */
  private horizon: number;
  /** The bin of `horizon`. */
  private cursor = 0;
  /** Where the leg starts, and its parts per second. */
  private legStart = 0;
  private partsPerSecond = 0;
  /** The first arrival of the batch beyond `horizon`. */
  private legEnd = 0;
  private overflow = 0;
  /** When to look at the overflow list, take the next reading, end the bucket of statistics, and change the ports. */
  private wakeAt = Infinity;
  private readAt = Infinity;
  private bucketEnd = 0;
  private changeAt: number;
  /** The ports that there are. */
  private firstPort = 0;
  private ports = 0;
  private perGroup = 0;
  private openPerGroup = Infinity;
  /** By the place of a group's row, from when on it holds more ports than may be open: when its open connections close. */
  private readonly closings = new Map<number, Closings>();
  /** -1 is the warm-up. */
  private bucket = -1;
  private reading = 0;
  private readonly top: Int32Array;
  private readonly start: number;
  private time: number;
  private events = 0;
  private peak = 0;
  private readonly series: Float64Array;
  private readonly podMeans: Float64Array;
  private readonly podAttempts: Float64Array;
  private readonly podFailures: Float64Array;
  private readonly podMax: Float64Array;
  private readonly takenAway: Float64Array;
  private readonly cutOff: Float64Array;

  constructor(
    private readonly job: Job,
    pool: number,
    replication: number,
  ) {
    const { pods, groups } = job.pools[pool]!;
    this.groupCount = groups.length;
    this.podCount = pods.length;
    this.arrivals = arrivalsInPool(job, pool, replication);
    this.portDraws = new Draws(subseed(seedOf(job, pool, replication), "ports"));
    const rate = Math.max(this.arrivals.peakRate, 1e-9);
    const holds = [...new Set(pods.flatMap(pod => pod.streams))].map(stream => meanHold(job.streams[stream]!.hold));
    const perBin = rate / arrivalsPerBin;
    this.bins = 2 ** Math.min(20, Math.max(7, Math.ceil(Math.log2(1.5 * largest(holds) * perBin))));
    // Positions in the wheel are 32-bit numbers, even at the end of a long run.
    this.binsPerSecond = Math.min(perBin, 2 ** 30 / (job.warmUp + job.seconds));
    const { change } = job;
    this.changeAt = change?.at ?? Infinity;
    const ports = Math.max(job.ports, change?.ports ?? 0);
    const words = Math.ceil(ports / 32);
    this.takenFrom = Math.ceil(words / 32);
    this.groupWords = this.takenFrom + words;
    this.wholeRow = (groups.length + pods.length) * rowSize;
    this.portsAt = this.wholeRow + rowSize;
    this.bitsAt = this.portsAt + ports * portSize;
    this.binsAt = this.bitsAt + groups.length * this.groupWords;
    this.slotsAt = Math.ceil((this.binsAt + this.bins) / slotSize) * slotSize;
    this.wholes = new Int32Array(this.slotsAt);
    this.numbers = new Float64Array(this.wholes.buffer);
    this.openPorts(0, job);
    this.start = -job.warmUp;
    this.time = this.start;
    this.horizon = this.start;
    for (let at = this.portsAt; at < this.bitsAt; at += portSize) this.numbers[at / 2] = this.start;
    this.top = new Int32Array((groups.length + 1) * highest);
    this.series = new Float64Array(job.buckets * (groups.length + 1) * figuresPerBucket);
    this.podMeans = new Float64Array(job.buckets * pods.length);
    this.podAttempts = new Float64Array(pods.length);
    this.podFailures = new Float64Array(pods.length);
    this.podMax = new Float64Array(pods.length);
    this.takenAway = new Float64Array(groups.length + 1);
    this.cutOff = new Float64Array(groups.length + 1);
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
      this.legEnd = 0;
      if (n === 0) {
        arrived.times[0] = Infinity;
        while (this.bucket < this.job.buckets) this.offerNext(0, 1);
        leg.before[0] = 0; // what would be given back after the end
        this.time = this.job.seconds;
        return true;
      }
      this.reserve(n);
      for (let i = 0; i < n;) i = this.offerNext(i, n);
      this.time = arrived.times[n - 1]!;
      done += n;
    }
    return false;
  }

  result(): PoolOutcome {
    const { series, podMeans, podAttempts, podFailures, podMax, takenAway, cutOff, events, peak } = this;
    const { groupCount, numbers } = this;
    const firsts = Array.from(
      { length: groupCount },
      (_, group) => numbers[(this.rowOf(group) + rowFirstFailure) / 2]!,
    );
    const firstFailure = Float64Array.from([...firsts, smallest(firsts)]);
    return { series, podMeans, podAttempts, podFailures, podMax, firstFailure, takenAway, cutOff, events, peak };
  }

  /** Where the row of a group starts, and after the last group that of the pool as a whole. */
  private rowOf(place: number): number {
    return place === this.groupCount ? this.wholeRow : place * rowSize;
  }

  /** When the arrivals must be halted next. */
  private get haltAt(): number {
    return Math.min(this.readAt, this.bucketEnd, this.changeAt);
  }

  /** Offers arrivals from `i` of `n` on, up to the next halt at most; returns the first that is left. */
  private offerNext(i: number, n: number): number {
    while (Math.min(arrived.times[i]!, this.haltAt) > this.horizon) this.extend(i, n);
    const end = Math.max(i + 1, this.legEnd);
    const left = this.offer(i, end);
    if (left < end) this.halt(left);
    return left;
  }

  /** Brings `horizon` forward, to the last of the `n` arrivals at most, and puts before each arrival the departures that precede it. */
  private extend(from: number, n: number): void {
    const { times } = arrived;
    const { before, parts } = leg;
    const { bins, binsPerSecond, binsAt, start, wholes, numbers } = this;
    const legStart = this.horizon;
    const furthest = legStart + bins / 4 / binsPerSecond;
    let end = n;
    let horizon = times[n - 1]!;
    if (horizon > furthest) {
      horizon = furthest;
      end = from;
      while (times[end]! <= horizon) end++;
    }
    const count = 2 * (end - from);
    const perSecond = count / (horizon - legStart);
    parts.fill(0, 0, count + 2);
    for (let i = from; i < end; i++) parts[(((times[i]! - legStart) * perSecond) | 0) + 1]!++;
    for (let part = 0, first = from; part <= count; part++) parts[part] = first = (first + parts[part]!) | 0;
    if (this.wakeAt <= horizon) this.wake();
    const last = ((horizon - start) * binsPerSecond) | 0;
    for (let bin = this.cursor; bin <= last; bin++) {
      const binAt = binsAt + (bin & (bins - 1));
      let at = wholes[binAt]!;
      let kept = 0;
      while (at !== 0) {
        const next = wholes[(at + slotNext) | 0]!;
        const due = numbers[at >> 1]!;
        if (due <= horizon) {
          let i = parts[((due - legStart) * perSecond) | 0]!;
          while (i < end && times[i]! < due) i = (i + 1) | 0;
          wholes[(at + slotNext) | 0] = before[i]!;
          before[i] = at;
        } else {
          wholes[(at + slotNext) | 0] = kept;
          kept = at;
        }
        at = next;
      }
      wholes[binAt] = kept;
    }
    this.cursor = last;
    this.horizon = horizon;
    this.legStart = legStart;
    this.partsPerSecond = perSecond;
    this.legEnd = end;
  }

  /**
   * Offers the arrivals from `from` to `to`, up to the next halt; returns the first that is left. At a halt every port due by
   * then has been given back. One long function, as it is where the time goes.
   */
  private offer(from: number, to: number): number {
    const { times, holds, groups: groupOf, pods: podOf, streams: streamOf } = arrived;
    const { before, parts } = leg;
    const { wholes, numbers, horizon, legStart, partsPerSecond, binsPerSecond, start, bucketEnd } = this;
    // Told to be whole numbers, these are added and compared as such.
    const takenFrom = this.takenFrom | 0;
    const groupWords = this.groupWords | 0;
    const groupCount = this.groupCount | 0;
    const wholeRow = this.wholeRow | 0;
    const portsAt = this.portsAt | 0;
    const bitsAt = this.bitsAt | 0;
    const binsAt = this.binsAt | 0;
    const legEnd = this.legEnd | 0;
    const mask = (this.bins - 1) | 0;
    const perGroup = this.perGroup | 0;
    const perPool = Math.min(this.job.perPool, 2 ** 31 - 1) | 0;
    const openPerGroup = Math.min(this.openPerGroup, 2 ** 31 - 1) | 0;
    let watched = this.closings.size > 0;
    const lowest = this.job.choice === "lowest";
    const turn = (this.bins - 2) / binsPerSecond;
    const stop = this.haltAt;
    let overflow = this.overflow | 0;
    let wakeAt = this.wakeAt;
    let freeSlot = this.freeSlot | 0;
    let held = this.held | 0;
    let peak = this.peak | 0;
    let poolInUse = wholes[wholeRow + rowInUse]!;
    let poolLeast = wholes[wholeRow + rowLeast]!;
    let poolMost = wholes[wholeRow + rowMost]!;
    let poolSeconds = numbers[wholeRow / 2]!;
    let departures = 0;
    let i = from | 0;
    for (; i < to; i = (i + 1) | 0) {
      const arrival = times[i]!;
      const time = arrival < stop ? arrival : stop;
      let at = before[i]!;
      if (at !== 0) {
        let kept = 0;
        do {
          const next = wholes[(at + slotNext) | 0]!;
          const due = numbers[at >> 1]!;
          if (due <= time) {
            const left = bucketEnd - due;
            const port = wholes[(at + slotPort) | 0]!;
            const word = wholes[(at + slotWord) | 0]!;
            const summary = (word - takenFrom - (port >>> 5) + (port >>> 10)) | 0;
            wholes[word] = wholes[word]! & ~(1 << port); // a shift goes by the last five bits
            wholes[summary] = wholes[summary]! & ~(1 << (port >>> 5));
            const group = wholes[(at + slotRow) | 0]!;
            const now = (wholes[(group + rowInUse) | 0]! - 1) | 0;
            wholes[(group + rowInUse) | 0] = now;
            if (now < wholes[(group + rowLeast) | 0]!) wholes[(group + rowLeast) | 0] = now;
            numbers[group >> 1] = numbers[group >> 1]! - left;
            const pod = wholes[(at + slotPod) | 0]!;
            wholes[(pod + rowInUse) | 0] = (wholes[(pod + rowInUse) | 0]! - 1) | 0;
            numbers[pod >> 1] = numbers[pod >> 1]! - left;
            const portAt = (portsAt + Math.imul(port, portSize)) | 0;
            const last = numbers[portAt >> 1]! > due ? numbers[portAt >> 1]! : due;
            numbers[portAt >> 1] = last;
            const users = (wholes[(portAt + portUsers) | 0]! - 1) | 0;
            wholes[(portAt + portUsers) | 0] = users;
            if (users === 0) {
              poolInUse = (poolInUse - 1) | 0;
              poolSeconds -= bucketEnd - last;
            }
            wholes[(at + slotNext) | 0] = freeSlot;
            freeSlot = at;
            departures = (departures + 1) | 0;
          } else {
            wholes[(at + slotNext) | 0] = kept;
            kept = at;
          }
          at = next;
        } while (at !== 0);
        before[i] = kept;
        if (poolInUse < poolLeast) poolLeast = poolInUse;
      }
      if (arrival >= stop) break;

      const group = Math.imul(groupOf[i]!, rowSize);
      const pod = Math.imul(groupCount + podOf[i]!, rowSize);
      wholes[(group + rowAttempts) | 0] = (wholes[(group + rowAttempts) | 0]! + 1) | 0;
      wholes[(pod + rowAttempts) | 0] = (wholes[(pod + rowAttempts) | 0]! + 1) | 0;
      const now = (wholes[(group + rowInUse) | 0]! + 1) | 0;
      let full = now > perGroup || ((held - departures) | 0) >= perPool;
      if (now > openPerGroup && !full) {
        full = this.openTowards(group, time, i, overflow) >= openPerGroup;
        watched = true;
      }
      if (full) {
        wholes[(group + rowFailures) | 0] = (wholes[(group + rowFailures) | 0]! + 1) | 0;
        wholes[(pod + rowFailures) | 0] = (wholes[(pod + rowFailures) | 0]! + 1) | 0;
        if (numbers[((group + rowFirstFailure) | 0) >> 1]! > time) numbers[((group + rowFirstFailure) | 0) >> 1] = time;
        continue;
      }
      const first = (bitsAt + Math.imul(groupOf[i]!, groupWords)) | 0;
      let word: number;
      let port: number;
      if (lowest) {
        let summary = first;
        while (wholes[summary] === -1) summary = (summary + 1) | 0;
        const fullWords = wholes[summary]!;
        const inGroup = ((((summary - first) | 0) << 5) + lowestBit(~fullWords)) | 0;
        word = (first + takenFrom + inGroup) | 0;
        const taken = wholes[word]!;
        const free = ~taken & -~taken;
        wholes[word] = taken | free;
        if ((taken | free) === -1) wholes[summary] = fullWords | (1 << inGroup);
        port = ((inGroup << 5) + 31 - Math.clz32(free)) | 0;
      } else {
        port = this.takeRandom(first);
        word = (first + takenFrom + (port >>> 5)) | 0;
      }

      const left = bucketEnd - time;
      wholes[(group + rowInUse) | 0] = now;
      if (now > wholes[(group + rowMost) | 0]!) wholes[(group + rowMost) | 0] = now;
      numbers[group >> 1] = numbers[group >> 1]! + left;
      const podNow = (wholes[(pod + rowInUse) | 0]! + 1) | 0;
      wholes[(pod + rowInUse) | 0] = podNow;
      if (podNow > wholes[(pod + rowMost) | 0]!) wholes[(pod + rowMost) | 0] = podNow;
      numbers[pod >> 1] = numbers[pod >> 1]! + left;
      const users = (portsAt + Math.imul(port, portSize) + portUsers) | 0;
      const others = wholes[users]!;
      wholes[users] = (others + 1) | 0;
      if (others === 0) {
        poolSeconds += left;
        poolInUse = (poolInUse + 1) | 0;
        if (poolInUse > poolMost) poolMost = poolInUse;
      }
      held = (held + 1) | 0;
      if (((held - departures) | 0) > peak) peak = (held - departures) | 0;

      at = freeSlot;
      freeSlot = wholes[(at + slotNext) | 0]!;
      const hold = holds[i]!;
      const due = time + hold;
      numbers[at >> 1] = due;
      wholes[(at + slotRow) | 0] = group;
      wholes[(at + slotPort) | 0] = port;
      wholes[(at + slotPod) | 0] = pod;
      wholes[(at + slotWord) | 0] = word;
      wholes[(at + slotStream) | 0] = streamOf[i]!;
      if (watched) this.closings.get(group)?.add(due - this.closedFor(streamOf[i]!));
      if (due < horizon) {
        let next = Math.max(i + 1, parts[((due - legStart) * partsPerSecond) | 0]!) | 0;
        while (next < legEnd && times[next]! < due) next = (next + 1) | 0;
        wholes[(at + slotNext) | 0] = before[next]!;
        before[next] = at;
      } else if (hold < turn) {
        const bin = (binsAt + (((due - start) * binsPerSecond) & mask)) | 0;
        wholes[(at + slotNext) | 0] = wholes[bin]!;
        wholes[bin] = at;
      } else {
        wholes[(at + slotNext) | 0] = overflow;
        overflow = at;
        wakeAt = Math.min(wakeAt, due - turn / 2);
      }
    }
    this.freeSlot = freeSlot;
    this.held = (held - departures) | 0;
    this.peak = peak;
    this.overflow = overflow;
    this.wakeAt = wakeAt;
    wholes[wholeRow + rowInUse] = poolInUse;
    wholes[wholeRow + rowLeast] = poolLeast;
    wholes[wholeRow + rowMost] = poolMost;
    numbers[wholeRow / 2] = poolSeconds;
    this.events += i - from + departures;
    return i;
  }

  /** For how long at the end of its hold a connection is over; a stream below 0 is one that was forgotten while it was open. */
  private closedFor(stream: number): number {
    return stream < 0 ? 0 : (this.job.streams[stream]!.hold.closed ?? 0);
  }

  /** How many connections of a group are open at arrival `i`, before it is accepted. Counted once, then kept by what opens and closes. */
  private openTowards(group: number, time: number, i: number, overflow: number): number {
    let closings = this.closings.get(group);
    if (closings === undefined || closings.size > 4 * this.openPerGroup) {
      const { wholes, numbers, binsAt, bins, legEnd } = this;
      const found = (closings = new Closings());
      const count = (first: number): void => {
        for (let at = first; at !== 0; at = wholes[at + slotNext]!)
          if (wholes[at + slotRow] === group) found.add(numbers[at / 2]! - this.closedFor(wholes[at + slotStream]!));
      };
      for (let bin = binsAt; bin < binsAt + bins; bin++) count(wholes[bin]!);
      for (let next = i; next <= legEnd; next++) count(leg.before[next]!);
      count(overflow);
      this.closings.set(group, closings);
    }
    return closings.openAt(time);
  }

  /** Does what the run was halted for before arrival `i`, when all that happens until then is done. */
  private halt(i: number): void {
    if (this.changeAt < Math.min(this.readAt, this.bucketEnd)) this.change(i);
    else if (this.readAt < this.bucketEnd) this.read();
    else this.closeBucket(i);
  }

  /** Changes the ports, before arrival `i`. A port that is taken away is given back at once. */
  private change(i: number): void {
    const { wholes, binsAt, bins, legEnd, job } = this;
    const { before } = leg;
    const { firstPort, ports } = job.change!;
    const gone: number[] = [];
    const keep = (first: number): number => {
      let kept = 0;
      for (let at = first, next; at !== 0; at = next) {
        next = wholes[at + slotNext]!;
        const port = wholes[at + slotPort]!;
        if (port < firstPort || port >= firstPort + ports) gone.push(at);
        else {
          wholes[at + slotNext] = kept;
          kept = at;
        }
      }
      return kept;
    };
    for (let bin = binsAt; bin < binsAt + bins; bin++) wholes[bin] = keep(wholes[bin]!);
    for (let next = i; next <= legEnd; next++) before[next] = keep(before[next]!);
    this.overflow = keep(this.overflow);
    for (const at of gone) {
      this.noteGone(at);
      this.numbers[at / 2] = this.changeAt;
      wholes[at + slotNext] = before[i]!;
      before[i] = at;
    }
    this.offer(i, i + 1);
    this.openPorts(firstPort, job.change!);
    this.closings.clear();
    this.changeAt = Infinity;
  }

  /** Counts a connection whose port is taken away. */
  private noteGone(at: number): void {
    const { wholes, numbers, takenAway, cutOff, groupCount, changeAt } = this;
    const stream = wholes[at + slotStream]!;
    const closed = stream < 0 ? numbers[at / 2]! : numbers[at / 2]! - (this.job.streams[stream]!.hold.after ?? 0);
    for (const place of [wholes[at + slotRow]! / rowSize, groupCount]) {
      takenAway[place]!++;
      if (closed > changeAt) cutOff[place]!++;
    }
  }

  /** Moves into the wheel what waits in the overflow list and now fits; the rest is looked at again in half a turn at the earliest. */
  private wake(): void {
    const { wholes, numbers, bins, binsAt, binsPerSecond, start, horizon } = this;
    const turn = (bins - 2) / binsPerSecond;
    let at = this.overflow;
    this.overflow = 0;
    this.wakeAt = Infinity;
    while (at !== 0) {
      const next = wholes[at + slotNext]!;
      const due = numbers[at / 2]!;
      if (due - horizon < turn) {
        const bin = binsAt + (((due - start) * binsPerSecond) & (bins - 1));
        wholes[at + slotNext] = wholes[bin]!;
        wholes[bin] = at;
      } else {
        wholes[at + slotNext] = this.overflow;
        this.overflow = at;
        this.wakeAt = Math.min(this.wakeAt, due - turn / 2);
      }
      at = next;
    }
  }

  /**
   * A random port; from the 32nd that is taken on, the next free one after it.
   * @param first where the group's bits start
   */
  private takeRandom(first: number): number {
    const { wholes, portDraws, firstPort, ports } = this;
    const taken = first + this.takenFrom;
    const words = this.groupWords - this.takenFrom;
    let port = 0;
    for (let tries = 0; tries < 32; tries++) {
      port = firstPort + Math.floor(portDraws.word() * (ports / 2 ** 32));
      const word = taken + (port >>> 5);
      const bit = 1 << (port & 31);
      if ((wholes[word]! & bit) === 0) {
        wholes[word]! |= bit;
        return port;
      }
    }
    let word = port >>> 5;
    while (wholes[taken + word] === -1) word = word + 1 === words ? 0 : word + 1;
    const free = lowestBit(~wholes[taken + word]!);
    wholes[taken + word]! |= 1 << free;
    return (word << 5) + free;
  }

  /** Room for `n` more connections. */
  private reserve(n: number): void {
    const capacity = (this.wholes.length - this.slotsAt) / slotSize;
    if (this.held + n <= capacity) return;
    const { wholes, slotsAt } = this;
    this.wholes = new Int32Array(slotsAt + 2 ** Math.ceil(Math.log2(this.held + n)) * slotSize);
    this.wholes.set(wholes);
    this.numbers = new Float64Array(this.wholes.buffer);
    for (let at = wholes.length; at < this.wholes.length; at += slotSize) {
      this.wholes[at + slotNext] = this.freeSlot;
      this.freeSlot = at;
    }
  }

  /** From now on there are so many ports from `first` on; all others count as taken. Those that are held must be among them. */
  private openPorts(
    first: number,
    { ports: count, perGroup, openPerGroup }: Pick<Job, "ports" | "perGroup" | "openPerGroup">,
  ): void {
    const { wholes, takenFrom, groupWords, firstPort, ports } = this;
    const masks = Array.from({ length: takenFrom * 32 }, (_, word) => {
      const there = bitsWithin(first - 32 * word, first + count - 32 * word);
      const added = there & ~bitsWithin(firstPort - 32 * word, firstPort + ports - 32 * word);
      return { there, added };
    });
    for (let group = 0; group < this.groupCount; group++) {
      const start = this.bitsAt + group * groupWords;
      masks.forEach(({ there, added }, word) => {
        const at = start + takenFrom + word;
        const bits = there === 0 ? -1 : (wholes[at]! | ~there) & ~added;
        if (word < groupWords - takenFrom) wholes[at] = bits;
        const summary = start + (word >>> 5);
        wholes[summary] = bits === -1 ? wholes[summary]! | (1 << word) : wholes[summary]! & ~(1 << word);
      });
    }
    this.firstPort = first;
    this.ports = count;
    this.perGroup = Math.min(perGroup, count);
    this.openPerGroup = openPerGroup;
  }

  private openBucket(): void {
    this.bucket++;
    const length = this.job.seconds / this.job.buckets;
    this.bucketEnd = length * (this.bucket + 1);
    this.reading = 0;
    this.readAt = length * (this.bucket + 0.5 / readings);
    this.top.fill(-1);
    const { wholes, numbers } = this;
    for (let at = 0; at <= this.wholeRow; at += rowSize) {
      wholes[at + rowLeast] = wholes[at + rowMost] = wholes[at + rowInUse]!;
      wholes[at + rowAttempts] = wholes[at + rowFailures] = 0;
      numbers[at / 2] = wholes[at + rowInUse]! * length;
      if (this.bucket === 0) numbers[(at + rowFirstFailure) / 2] = Infinity;
    }
  }

  /** Notes the ports in use, as far as they are among the highest readings of the bucket. */
  private read(): void {
    for (let place = 0; place <= this.groupCount; place++) this.note(place, this.wholes[this.rowOf(place) + rowInUse]!);
    this.reading++;
    this.readAt =
      this.reading < readings
        ? (this.job.seconds / this.job.buckets) * (this.bucket + (this.reading + 0.5) / readings)
        : Infinity;
  }

  private note(place: number, ports: number): void {
    const { top } = this;
    const first = place * highest;
    if (ports <= top[first + highest - 1]!) return;
    let at = first + highest - 1;
    for (; at > first && top[at - 1]! < ports; at--) top[at] = top[at - 1]!;
    top[at] = ports;
  }

  /** Ends a bucket of statistics (or the warm-up) before arrival `i`, writes it down and starts the next. */
  private closeBucket(i: number): void {
    if (this.bucket >= 0) this.writeBucket();
    if (this.changeAt === this.bucketEnd) this.change(i); // the next one does not know how it was before
    this.openBucket();
  }

  private writeBucket(): void {
    const { wholes, numbers, groupCount, podCount, wholeRow, bucket, podMeans } = this;
    const length = this.job.seconds / this.job.buckets;
    for (let group = 0; group < groupCount; group++)
      for (const field of [rowAttempts, rowFailures]) wholes[wholeRow + field]! += wholes[this.rowOf(group) + field]!;
    for (let place = 0; place <= groupCount; place++) this.writeRow(place);
    for (let pod = 0; pod < podCount; pod++) {
      const at = (groupCount + pod) * rowSize;
      podMeans[bucket * podCount + pod] = numbers[at / 2]! / length;
      this.podAttempts[pod]! += wholes[at + rowAttempts]!;
      this.podFailures[pod]! += wholes[at + rowFailures]!;
      this.podMax[pod] = Math.max(this.podMax[pod]!, wholes[at + rowMost]!);
    }
  }

  private writeRow(place: number): void {
    const { series, top, wholes, numbers } = this;
    const at = this.rowOf(place);
    const out = (this.bucket * (this.groupCount + 1) + place) * figuresPerBucket;
    series[out + figure.min] = wholes[at + rowLeast]!;
    series[out + figure.mean] = (numbers[at / 2]! * this.job.buckets) / this.job.seconds;
    series[out + figure.p95] = top[place * highest + 5]!;
    series[out + figure.p99] = top[place * highest + 1]!;
    series[out + figure.max] = wholes[at + rowMost]!;
    series[out + figure.attempts] = wholes[at + rowAttempts]!;
    series[out + figure.failures] = wholes[at + rowFailures]!;
  }
}
