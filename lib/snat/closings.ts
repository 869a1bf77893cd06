/** When the open connections of a group close: a heap, the next one first. */
export class Closings {
  private readonly times: number[] = [];

  get size(): number {
    return this.times.length;
  }

  /** A connection opens that closes at `time`. */
  add(time: number): void {
    const { times } = this;
    let at = times.push(time) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (times[parent]! <= time) break;
      times[at] = times[parent]!;
      at = parent;
    }
    times[at] = time;
  }

  /** How many are open at `now`, which may not go back. */
  openAt(now: number): number {
    while (this.times.length > 0 && this.times[0]! <= now) this.removeFirst();
    return this.times.length;
  }

  private removeFirst(): void {
    const { times } = this;
    const moved = times.pop()!;
    const { length } = times;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && times[child + 1]! < times[child]!) child++;
      if (times[child]! >= moved) break;
      times[at] = times[child]!;
      at = child;
    }
    times[at] = moved;
  }
}
