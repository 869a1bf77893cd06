import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seeded, subseed } from "../lib/random.js";

const test = suite("random");

test("the same seed draws the same", () => {
  const draws = (seed: number) => {
    const random = seeded(seed);
    return [random.float(), random.int(1, 6), random.float()];
  };
  fc.assert(fc.property(fc.integer(), seed => assert.equal(draws(seed), draws(seed))));
});

test("first draws of neighbouring seeds are spread evenly", () => {
  const tenths = new Array<number>(10).fill(0);
  for (let seed = 0; seed < 10_000; seed++) tenths[Math.floor(seeded(seed).float() * 10)]!++;
  // Chi-square with 9 degrees of freedom exceeds 33.7 once in 10,000 times.
  const chiSquare = tenths.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquare < 33.7, `${tenths}: ${chiSquare}`);
});

test("stays within bounds", () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(1000), fc.nat(1000), (seed, low, span) => {
      const random = seeded(seed);
      const drawn = random.int(low, low + span);
      assert.ok(drawn >= low && drawn <= low + span);
      const float = random.float();
      assert.ok(float >= 0 && float < 1);
    }),
  );
});

test("a label gives a seed of its own", () => {
  assert.is.not(subseed(1, "pods"), subseed(1, "nodes"));
  assert.is.not(subseed(1, "pods"), subseed(2, "pods"));
  assert.is(subseed(1, "pods"), subseed(1, "pods"));
});

test.run();
