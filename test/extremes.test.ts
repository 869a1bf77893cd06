import { suite } from "uvu";
import * as assert from "uvu/assert";
import { largest, smallest } from "../lib/extremes.js";

const test = suite("extremes");

test("are those of Math.max and Math.min, for any number of numbers", () => {
  for (const values of [[], [3], [1, 2], [-1, 0, -0], [1, NaN, 2]]) {
    assert.ok(Object.is(largest(values), Math.max(...values)));
    assert.ok(Object.is(smallest(values), Math.min(...values)));
  }
  const many = Float64Array.from({ length: 1_000_000 }, (_, i) => i);
  assert.is(largest(many), 999_999);
  assert.is(smallest(many), 0);
});

test.run();
