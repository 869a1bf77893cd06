import { seeded } from "../random.js";

/*
 * Exponential variates by the ziggurat of Marsaglia and Tsang: 256 layers of equal area, each a rectangle that a
 * draw falls into 98.9 times of 100. `limit` is compared with 24 random bits, `width` turns those bits into the variate.
 */
const layers = 256;
const tail = 7.69711747013104972;
const area = 3.949659822581572e-3;
const bits24 = 2 ** 24;
const limit = new Int32Array(layers);
const width = new Float64Array(layers);
const height = new Float64Array(layers);

const fillTables = (): void => {
  let x = tail;
  let above = tail;
  const base = area / Math.exp(-tail);
  limit[0] = (x / base) * bits24;
  width[0] = base / bits24;
  width[layers - 1] = x / bits24;
  height[0] = 1;
  height[layers - 1] = Math.exp(-x);
  for (let i = layers - 2; i >= 1; i--) {
    x = -Math.log(area / x + Math.exp(-x));
    limit[i + 1] = (x / above) * bits24;
    above = x;
    height[i] = Math.exp(-x);
    width[i] = x / bits24;
  }
};
fillTables();

/**
 * A generator for millions of draws: xoshiro128++ (Blackman and Vigna), started from the library's {@link seeded} source.
 * It fills arrays, as one loop over an array runs several times faster than one call a draw.
 */
export class Draws {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** @param seed any 32-bit whole number */
  constructor(seed: number) {
    const source = seeded(seed);
    const word = (): number => source.int(-(2 ** 31), 2 ** 31 - 1);
    this.a = word();
    this.b = word();
    this.c = word();
    this.d = word() | 1; // the state must not be all zeros
  }

  /** 32 random bits, as an unsigned number. */
  word(): number {
    const sum = (this.a + this.d) | 0;
    const result = (((sum << 7) | (sum >>> 25)) + this.a) >>> 0;
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result;
  }

  /** A number between 0 and 1, both excluded. */
  unit(): number {
    return (this.word() * 2 ** 21 + (this.word() >>> 11) + 0.5) / 2 ** 53;
  }

  /** A standard normal variate (Box and Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }

  /** An exponential variate of mean 1. */
  exponential(): number {
    const word = this.word();
    const layer = word & 255;
    const bits = word >>> 8;
    return bits < limit[layer]! ? bits * width[layer]! : this.outsideLayer(bits, layer);
  }

  /** Fills the first `n` places of `out` with `shift + scale * e`, where e is exponential of mean 1. */
  exponentials(out: Float64Array, n: number, shift: number, scale: number): void {
    let a = this.a | 0;
    let b = this.b | 0;
    let c = this.c | 0;
    let d = this.d | 0;
    for (let i = 0; i < n; i++) {
      const sum = (a + d) | 0;
      const word = (((sum << 7) | (sum >>> 25)) + a) | 0;
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      const layer = word & 255;
      const bits = word >>> 8;
      if (bits < limit[layer]!) out[i] = shift + scale * (bits * width[layer]!);
      else {
        this.a = a;
        this.b = b;
        this.c = c;
        this.d = d;
        out[i] = shift + scale * this.outsideLayer(bits, layer);
        a = this.a | 0;
        b = this.b | 0;
        c = this.c | 0;
        d = this.d | 0;
      }
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  /** Fills the first `n` places of `out` with 32 random bits each. */
  words(out: Uint32Array, n: number): void {
    let a = this.a | 0;
    let b = this.b | 0;
    let c = this.c | 0;
    let d = this.d | 0;
    for (let i = 0; i < n; i++) {
      const sum = (a + d) | 0;
      out[i] = ((sum << 7) | (sum >>> 25)) + a;
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
    this.a = a;
    this.b = b;
    this.c = c;
    this.d = d;
  }

  private outsideLayer(bits: number, layer: number): number {
    for (;;) {
      if (layer === 0) return tail - Math.log(this.unit());
      const x = bits * width[layer]!;
      if (height[layer]! + this.unit() * (height[layer - 1]! - height[layer]!) < Math.exp(-x)) return x;
      const word = this.word();
      layer = word & 255;
      bits = word >>> 8;
      if (bits < limit[layer]!) return bits * width[layer]!;
    }
  }
}
