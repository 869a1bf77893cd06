import { suite } from "uvu";
import * as assert from "uvu/assert";
import { estimate } from "../../lib/snat/estimate.js";

const test = suite("estimate");

const runs = (...failures: readonly number[]) => failures.map(count => ({ attempts: 100, failures: count }));

test("is the mean of all runs, with its standard error by the textbook", () => {
  // Shares 0.1, 0.2, 0.3: mean 0.2, standard deviation 0.1, of the mean 0.1 / sqrt(3).
  const { mean, standardError, halfWidth } = estimate(runs(10, 20, 30));
  assert.ok(Math.abs(mean - 0.2) < 1e-15);
  assert.ok(Math.abs(standardError! - 0.1 / Math.sqrt(3)) < 1e-15);
  assert.ok(Math.abs(halfWidth! - (4.303 * 0.1) / Math.sqrt(3)) < 1e-12);
});

test("weighs runs by their attempts, and takes one without any as one without failures", () => {
  assert.is(
    estimate([
      { attempts: 300, failures: 30 },
      { attempts: 100, failures: 50 },
    ]).mean,
    0.2,
  );
  const { mean, standardError } = estimate([
    { attempts: 0, failures: 0 },
    { attempts: 10, failures: 5 },
  ]);
  assert.is(mean, 0.5);
  assert.ok(Math.abs(standardError! - 0.5 / Math.sqrt(2)) < 1e-15);
  assert.equal(estimate([{ attempts: 0, failures: 0 }]), { mean: 0 });
});

test("has no error from one run", () => assert.equal(estimate(runs(25)), { mean: 0.25 }));

test("is as wide as Student's t says, by its published table", () => {
  const published: readonly (readonly [freedom: number, t: number])[] = [
    ...[
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12,
      2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06,
    ].map((t, i) => [i + 1, t] as const),
    [30, 2.042],
    [40, 2.021],
    [60, 2.0],
    [120, 1.98],
  ];
  for (const [freedom, t] of published) {
    const { standardError, halfWidth } = estimate(runs(...Array.from({ length: freedom + 1 }, (_, i) => i % 7)));
    assert.ok(Math.abs(halfWidth! / standardError! - t) < 1e-3, `${freedom}: ${halfWidth! / standardError!}`);
  }
});

test.run();
