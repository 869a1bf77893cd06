/**
 * The simulator in lib/snat/poolRun.ts, written to be read: the same law, one event after the other from a heap, objects in place
 * of one buffer. The tests hold the two to the same results; whoever wants to understand the fast one starts here.
 */
import { arrivalsInPool, batch } from "../../lib/snat/arrivals.js";
import { readings } from "../../lib/snat/poolRun.js";
import type { Job, JobChange } from "../../lib/snat/job.js";
import { type PoolSpec, arrivalsOf, warmUpArrivals } from "../../lib/snat/portPool.js";

/** A binary heap of numbers, the least on top. */
export class Heap {
  private readonly items: number[] = [];

  get size(): number {
    return this.items.length;
  }

  get top(): number {
    return this.items[0] ?? Infinity;
  }

  push(value: number): void {
    const { items } = this;
    let at = items.push(value) - 1;
    for (let up = (at - 1) >> 1; at > 0 && items[up]! > value; up = (at - 1) >> 1) {
      items[at] = items[up]!;
      at = up;
    }
    items[at] = value;
  }

  pop(): number {
    const { items } = this;
    const first = items[0]!;
    const last = items.pop()!;
    if (items.length === 0) return first;
    let at = 0;
    for (let down = 1; down < items.length; down = 2 * at + 1) {
      if (down + 1 < items.length && items[down + 1]! < items[down]!) down++;
      if (items[down]! >= last) break;
      items[at] = items[down]!;
      at = down;
    }
    items[at] = last;
    return first;
  }
}

/** One pool, simulated as plainly as it can be said: a heap of the times at which ports come free. */
export const plainPool = (spec: PoolSpec): { readonly failures: number; readonly events: number } => {
  const arrivals = arrivalsOf(spec);
  const busyUntil = new Heap();
  const total = warmUpArrivals(spec) + spec.arrivals;
  let now = 0;
  let failures = 0;
  let taken = 0;
  for (let i = 0; i < total; i++) {
    const place = i % arrivals.gaps.length;
    if (place === 0) arrivals.next(arrivals.gaps.length);
    now += arrivals.gaps[place]!;
    while (busyUntil.top <= now) busyUntil.pop();
    if (busyUntil.size < spec.ports) {
      busyUntil.push(now + arrivals.holds[place]!);
      taken++;
    } else if (i >= total - spec.arrivals) failures++;
  }
  return { failures, events: total + taken };
};

interface Held {
  readonly until: number;
  /** When the connection ended, or will. */
  readonly closed: number;
  /** Until when the translator counts it as open. */
  readonly openUntil: number;
  readonly group: number;
  readonly port: number;
  readonly pod: number;
}

export interface PlainRow {
  min: number;
  max: number;
  portSeconds: number;
  readonly readings: number[];
  attempts: number;
  failures: number;
}

/** One pool of a cluster, lowest free port first, as plainly as it can be said; rows as in the engine: groups, then the whole. */
export const plainCluster = (
  job: Job,
  pool: number,
): {
  readonly rows: readonly (readonly PlainRow[])[];
  readonly podMeans: readonly (readonly number[])[];
  readonly events: number;
  readonly takenAway: readonly number[];
  readonly cutOff: readonly number[];
} => {
  const { groups, pods } = job.pools[pool]!;
  const source = arrivalsInPool(job, pool, 0);
  const arrivals: (Omit<Held, "port" | "until"> & { readonly time: number; readonly hold: number })[] = [];
  for (let n = source.next(job.seconds); n > 0; n = source.next(job.seconds))
    for (let i = 0; i < n; i++) {
      const { times, holds, groups, pods, streams } = batch;
      const [time, hold, stream] = [times[i]!, holds[i]!, streams[i]!];
      const { after = 0, closed: tail = 0 } = stream < 0 ? {} : job.streams[stream]!.hold;
      const closed = time + hold - after;
      const openUntil = time + hold - tail;
      arrivals.push({ time, hold, closed, openUntil, group: groups[i]!, pod: pods[i]! });
    }

  let held: Held[] = []; // in order of `until`
  const portsOf = groups.map(() => new Set<number>());
  const podHolds = pods.map(() => 0);
  const inUse = (): number[] => [
    ...portsOf.map(ports => ports.size),
    new Set(portsOf.flatMap(ports => [...ports])).size,
  ];
  const newRows = (): PlainRow[] =>
    inUse().map(ports => ({ min: ports, max: ports, portSeconds: 0, readings: [], attempts: 0, failures: 0 }));
  const length = job.seconds / job.buckets;
  const rows: PlainRow[][] = [];
  const podMeans: number[][] = [];
  let now = -job.warmUp;
  let current: PlainRow[] | undefined;
  let podSeconds = pods.map(() => 0);
  let events = 0;

  const passTo = (time: number): void => {
    const use = inUse();
    current?.forEach((row, i) => {
      row.portSeconds += use[i]! * (time - now);
      row.min = Math.min(row.min, use[i]!);
      row.max = Math.max(row.max, use[i]!);
    });
    podSeconds = podSeconds.map((sum, pod) => sum + podHolds[pod]! * (time - now));
    now = time;
  };
  const releaseTo = (time: number): void => {
    for (let first = held[0]; first !== undefined && first.until <= time; first = held[0]) {
      passTo(first.until);
      release([first]);
    }
    passTo(time);
  };
  const marks = Array.from({ length: job.buckets }, (_, bucket) => [
    { time: bucket * length, mark: "start" },
    ...Array.from({ length: readings }, (_, k) => ({
      time: length * (bucket + (k + 0.5) / readings),
      mark: "read" as const,
    })),
  ]).flat();
  const { change } = job;
  if (change !== undefined && !marks.some(({ time, mark }) => mark === "start" && time === change.at)) {
    const next = marks.findIndex(({ time }) => time > change.at);
    marks.splice(next < 0 ? marks.length : next, 0, { time: change.at, mark: "change" });
  }
  let [firstPort, ports, perGroup, openPerGroup] = [0, job.ports, job.perGroup, job.openPerGroup];
  const takenAway = [...groups.map(() => 0), 0];
  const cutOff = [...takenAway];
  const release = (gone: readonly Held[]): void => {
    held = held.filter(each => !gone.includes(each));
    for (const { group, port, pod } of gone) {
      portsOf[group]!.delete(port);
      podHolds[pod]!--;
      events++;
    }
  };
  const changePorts = (time: number, next: JobChange): void => {
    ({ firstPort, ports, perGroup, openPerGroup } = next);
    const gone = held.filter(({ port }) => port < firstPort || port >= firstPort + ports);
    for (const { group, closed } of gone)
      for (const place of [group, groups.length]) {
        takenAway[place]!++;
        if (closed > time) cutOff[place]!++;
      }
    release(gone);
  };
  const endBucket = (): void => {
    if (current !== undefined) podMeans.push(podSeconds.map(sum => sum / length));
    podSeconds = pods.map(() => 0);
  };
  const passMarks = (time: number): void => {
    while (marks.length > 0 && marks[0]!.time <= time) {
      const { time: at, mark } = marks.shift()!;
      releaseTo(at);
      if (mark === "change") changePorts(at, change!);
      else if (mark === "read") inUse().forEach((ports, i) => current![i]!.readings.push(ports));
      else {
        endBucket();
        if (at === change?.at) changePorts(at, change);
        rows.push((current = newRows()));
      }
    }
    releaseTo(time);
  };
  for (const { time, hold, closed, openUntil, group, pod } of arrivals) {
    passMarks(time);
    events++;
    const touched = current === undefined ? [] : [current[group]!, current[groups.length]!];
    touched.forEach(row => row.attempts++);
    const taken = portsOf[group]!;
    const open = held.filter(each => each.group === group && each.openUntil > time).length;
    if (taken.size >= Math.min(ports, perGroup) || open >= openPerGroup || held.length >= job.perPool) {
      touched.forEach(row => row.failures++);
      continue;
    }
    let port = firstPort;
    while (taken.has(port)) port++;
    taken.add(port);
    podHolds[pod]!++;
    const at = held.findLastIndex(each => each.until <= time + hold) + 1;
    held = [...held.slice(0, at), { until: time + hold, closed, openUntil, group, port, pod }, ...held.slice(at)];
  }
  passMarks(job.seconds);
  endBucket();
  return { rows, podMeans, events, takenAway, cutOff };
};
