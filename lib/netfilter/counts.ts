import type { Counters } from "./ruleset.js";

const firstPlaces = 16;

/**
 * Packets and bytes by number of a counter, held only for the counters that were hit: a node has a hundred thousand rules,
 * and a packet meets ten. A hash table in flat arrays, at most half full.
 */
export class Counts {
  /** 1 + the counter's number; 0 where a place is free. */
  private keys = new Int32Array(0);
  /** Packets at even places, bytes at odd ones. */
  private values = new Float64Array(0);
  private used = 0;

  add(counter: number, bytes: number): void {
    if (this.used * 2 >= this.keys.length) this.grow();
    const place = this.placeOf(counter);
    if (this.keys[place] === 0) {
      this.keys[place] = counter + 1;
      this.used++;
    }
    this.values[place * 2]!++;
    this.values[place * 2 + 1]! += bytes;
  }

  read(counter: number): Counters {
    if (this.used === 0) return { packets: 0, bytes: 0 };
    const place = this.placeOf(counter) * 2;
    return { packets: this.values[place]!, bytes: this.values[place + 1]! };
  }

  /** Where a counter is, or would be. */
  private placeOf(counter: number): number {
    const last = this.keys.length - 1;
    let place = (Math.imul(counter, 0x9e3779b1) >>> 7) & last;
    while (this.keys[place] !== 0 && this.keys[place] !== counter + 1) place = (place + 1) & last;
    return place;
  }

  private grow(): void {
    const { keys, values } = this;
    const places = Math.max(firstPlaces, keys.length * 2);
    this.keys = new Int32Array(places);
    this.values = new Float64Array(places * 2);
    keys.forEach((key, from) => {
      if (key === 0) return;
      const place = this.placeOf(key - 1);
      this.keys[place] = key;
      this.values[place * 2] = values[from * 2]!;
      this.values[place * 2 + 1] = values[from * 2 + 1]!;
    });
  }
}
