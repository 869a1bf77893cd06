import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A seeded source of chance: the same seed gives the same draws on every machine. */
export interface Random {
  /** A whole number from `low` to `high`, both included. */
  int(low: number, high: number): number;
  /** A number from 0 (included) to 1 (excluded). */
  float(): number;
}

/** Chance that can be looked at before it is met. */
export interface SeededRandom extends Random {
  /** Another source that draws the same from here on, each by itself. */
  fork(): SeededRandom;
}

/** Spreads a seed over all its bits: the generator's first draws from neighbouring seeds would be alike (MurmurHash3's finalizer). */
const spread = (seed: number): number => {
  let hash = seed | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
};

/** A generator that starts from `seed`, any 32-bit whole number. */
export const seeded = (seed: number): SeededRandom => drawing(xoroshiro128plus(spread(seed)));

const drawing = (generator: ReturnType<typeof xoroshiro128plus>): SeededRandom => ({
  int: (low, high) => uniformInt(generator, low, high),
  float: () => uniformFloat64(generator),
  fork: () => drawing(generator.clone()),
});

/** A seed of its own for a named purpose, so that one draw more in one place moves no other (FNV-1a of the label). */
export const subseed = (seed: number, label: string): number => {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193);
  return hash | 0;
};
