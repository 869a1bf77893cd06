import { type PoolSpec, arrivalsOf, warmUpArrivals } from "../../lib/snat/pool.js";

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
