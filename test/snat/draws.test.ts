import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seeded } from "../../lib/random.js";
import { Draws } from "../../lib/snat/draws.js";

const test = suite("Draws");

const rotated = (word: number, by: number): number => ((word << by) | (word >>> (32 - by))) >>> 0;

/** xoshiro128++ 1.0 as its authors publish it. */
const published = (state: readonly number[]) => {
  const s = Uint32Array.from(state);
  return (): number => {
    const result = (rotated((s[0]! + s[3]!) >>> 0, 7) + s[0]!) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotated(s[3]!, 11);
    return result;
  };
};

const stateOf = (seed: number): readonly number[] => {
  const source = seeded(seed);
  const words = Array.from({ length: 4 }, () => source.int(-(2 ** 31), 2 ** 31 - 1));
  return [...words.slice(0, 3), words[3]! | 1];
};

test("are xoshiro128++, one by one and in arrays", () => {
  for (const seed of [0, 1, -7, 2 ** 31 - 1]) {
    const next = published(stateOf(seed));
    const draws = new Draws(seed);
    const expected = Array.from({ length: 300 }, next);
    const single = Array.from({ length: 100 }, () => draws.word());
    const out = new Uint32Array(250);
    draws.words(out, 150);
    const later = Array.from({ length: 50 }, () => draws.word());
    assert.equal([...single, ...out.subarray(0, 150), ...later], expected);
    assert.ok(out.subarray(150).every(word => word === 0));
  }
});

test("between 0 and 1 have 53 random bits, never 0 or 1", () => {
  const next = published(stateOf(3));
  const draws = new Draws(3);
  for (let i = 0; i < 100; i++) {
    const [high, low] = [next(), next()];
    assert.is(draws.unit(), (Number((BigInt(high) << 21n) | BigInt(low >>> 11)) + 0.5) / 2 ** 53);
  }
});

test("of an exponential law are the same one by one and in arrays, shifted and scaled", () => {
  const [single, many] = [new Draws(5), new Draws(5)];
  const out = new Float64Array(20_000);
  many.exponentials(out, 19_999, 3, 2);
  for (let i = 0; i < 19_999; i++) assert.is(out[i], 3 + 2 * single.exponential());
  assert.is(out[19_999], 0);
  assert.is(many.word(), single.word());
});

/** Pearson's statistic of draws in bins that are alike in probability, by the law's distribution function. */
const unevenness = (draw: () => number, below: (x: number) => number, count: number, bins: number): number => {
  const found = new Float64Array(bins);
  for (let i = 0; i < count; i++) found[Math.min(bins - 1, Math.floor(below(draw()) * bins))]!++;
  const expected = count / bins;
  return found.reduce((sum, each) => sum + (each - expected) ** 2 / expected, 0);
};

test("of an exponential law are spread as it says, its tail too", () => {
  const draws = new Draws(11);
  const count = 1_000_000;
  let sum = 0;
  let squares = 0;
  let far = 0;
  let farther = 0;
  const statistic = unevenness(
    () => {
      const x = draws.exponential();
      sum += x;
      squares += x * x;
      if (x > 7) far++;
      if (x > 9) farther++;
      return x;
    },
    x => 1 - Math.exp(-x),
    count,
    500,
  );
  // 499 degrees of freedom: mean 499, standard deviation 31.6.
  assert.ok(statistic < 499 + 5 * 31.6, `${statistic}`);
  assert.ok(Math.abs(sum / count - 1) < 5 / Math.sqrt(count), `mean ${sum / count}`);
  assert.ok(Math.abs(squares / count - 2) < (5 * Math.sqrt(20)) / Math.sqrt(count), `second moment ${squares / count}`);
  for (const [found, beyond] of [
    [far, Math.exp(-7)],
    [farther, Math.exp(-9)],
  ] as const)
    assert.ok(Math.abs(found - count * beyond) < 5 * Math.sqrt(count * beyond), `${found}, ${count * beyond} expected`);
});

test("of a normal law have its moments", () => {
  const draws = new Draws(12);
  const count = 200_000;
  const moments = [0, 0, 0, 0];
  let above = 0;
  for (let i = 0; i < count; i++) {
    const x = draws.normal();
    moments.forEach((_, power) => (moments[power]! += x ** (power + 1) / count));
    if (x > 1.959964) above++;
  }
  // Their standard deviations are 1, sqrt(2), sqrt(15) and sqrt(96), over the root of the number of draws.
  for (const [power, [expected, deviation]] of [
    [0, 1],
    [1, Math.SQRT2],
    [0, Math.sqrt(15)],
    [3, Math.sqrt(96)],
  ].entries())
    assert.ok(Math.abs(moments[power]! - expected!) < (5 * deviation!) / Math.sqrt(count), `moment ${power + 1}`);
  assert.ok(Math.abs(above / count - 0.025) < 5 * Math.sqrt((0.025 * 0.975) / count));
});

test.run();
