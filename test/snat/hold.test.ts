import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Draws } from "../../lib/snat/draws.js";
import {
  type Duration,
  type Hold,
  checkHold,
  drawHold,
  fillHolds,
  meanDuration,
  meanHold,
  meanOpen,
} from "../../lib/snat/hold.js";
import { message } from "../message.js";

const test = suite("hold times");

const laws: readonly Duration[] = [
  { kind: "constant", seconds: 7 },
  { kind: "exponential", mean: 7 },
  { kind: "lognormal", mean: 7, sigma: 0.5 },
  { kind: "lognormal", mean: 7, sigma: 2 },
  { kind: "empirical", samples: [1, 2, 4, 21] },
];
const close = (got: number, expected: number, what: string) =>
  assert.ok(
    Math.abs(got - expected) <= 1e-6 * Math.max(1, Math.abs(expected)),
    `${what}: ${got}, ${expected} expected`,
  );

/** E[f(D)] by the law itself: a sum, or an integral over its quantiles in small steps. */
const expectation = (law: Duration, f: (length: number) => number): number => {
  if (law.kind === "constant") return f(law.seconds);
  if (law.kind === "empirical") return law.samples.reduce((sum, sample) => sum + f(sample), 0) / law.samples.length;
  let sum = 0;
  const step = 1e-4;
  if (law.kind === "exponential")
    for (let x = step / 2; x < 45; x += step) sum += f(law.mean * x) * Math.exp(-x) * step;
  else
    for (let z = -12 + step / 2; z < 14; z += step)
      sum +=
        ((f(law.mean * Math.exp(law.sigma * z - law.sigma ** 2 / 2)) * Math.exp((-z * z) / 2)) /
          Math.sqrt(2 * Math.PI)) *
        step;
  return sum;
};

/** Close to where a law's distribution function jumps or bends, an integral in steps is not as exact. */
const near = (got: number, expected: number, what: string) =>
  assert.ok(Math.abs(got - expected) <= 5e-4 * Math.max(1, expected), `${what}: ${got}, ${expected} expected`);

test("have the mean that their law says", () => {
  for (const law of laws) {
    close(meanDuration(law), 7, law.kind);
    close(meanHold({ duration: law }), 7, law.kind);
    close(meanHold({ duration: law, after: 4 }), 11, law.kind);
    close(meanOpen({ duration: law, after: 4 }), 11, law.kind);
    close(meanOpen({ duration: law, after: 4, closed: 3 }), 8, law.kind);
  }
});

test("end at the cut for what lasts longer, and go on after the end for what does not", () => {
  for (const law of laws)
    for (const cut of [0.001, 0.5, 3, 6.9, 7, 20, 20.9, 100, 1e6])
      for (const after of [0, 4]) {
        const what = `${JSON.stringify(law)} cut at ${cut}, ${after} after`;
        near(
          meanHold({ duration: law, after, cut }),
          expectation(law, length => (length > cut ? cut : length + after)),
          what,
        );
        near(
          meanOpen({ duration: law, after, closed: 1, cut }),
          expectation(law, length => (length > cut ? cut : length + after - 1)),
          `${what}, open`,
        );
      }
});

test("are drawn with that mean, one by one and in arrays, which are the same", () => {
  const count = 40_000;
  for (const duration of laws)
    for (const hold of [{ duration }, { duration, after: 4 }, { duration, after: 4, cut: 5 }] as readonly Hold[]) {
      const draws = new Draws(9);
      const single = Array.from({ length: count }, () => drawHold(hold, draws));
      const out = new Float64Array(count + 1);
      fillHolds(hold, new Draws(9), out, count, 3);
      const what = JSON.stringify(hold);
      single.forEach((length, i) => assert.ok(Math.abs(out[i]! - 3 * length) <= 1e-12 * out[i]!, what));
      assert.is(out[count], 0, what);
      const mean = single.reduce((sum, length) => sum + length, 0) / count;
      const variance = single.reduce((sum, length) => sum + (length - mean) ** 2, 0) / count;
      assert.ok(Math.abs(mean - meanHold(hold)) <= 1e-12 + 5 * Math.sqrt(variance / count), `${what}: ${mean}`);
    }
});

test("of samples are each as likely as the others", () => {
  const samples = [1, 2, 3, 4, 5];
  const draws = new Draws(2);
  const found = new Map(samples.map(sample => [sample, 0]));
  for (let i = 0; i < 50_000; i++) {
    const length = drawHold({ duration: { kind: "empirical", samples } }, draws);
    found.set(length, found.get(length)! + 1);
  }
  for (const [sample, count] of found) assert.ok(Math.abs(count - 10_000) < 5 * Math.sqrt(8000), `${sample}: ${count}`);
});

test("without sense are refused, by their field", () => {
  const duration: Duration = { kind: "constant", seconds: 1 };
  const rows: readonly (readonly [hold: Hold, text: string])[] = [
    [
      { duration: { kind: "constant", seconds: 0 } },
      "hold.duration.seconds: 0 is not a length of time; expected seconds above 0",
    ],
    [
      { duration: { kind: "exponential", mean: -1 } },
      "hold.duration.mean: -1 is not a length of time; expected seconds above 0",
    ],
    [
      { duration: { kind: "lognormal", mean: 0, sigma: 1 } },
      "hold.duration.mean: 0 is not a length of time; expected seconds above 0",
    ],
    [
      { duration: { kind: "lognormal", mean: 1, sigma: 0 } },
      "hold.duration.sigma: 0 is out of range; expected above 0, at most 5",
    ],
    [
      { duration: { kind: "lognormal", mean: 1, sigma: 5.1 } },
      "hold.duration.sigma: 5.1 is out of range; expected above 0, at most 5",
    ],
    [
      { duration: { kind: "empirical", samples: [] } },
      'hold.duration.samples: "[]" is empty; expected at least one length in seconds',
    ],
    [
      { duration: { kind: "empirical", samples: [1, 0] } },
      "hold.duration.samples[1]: 0 is not a length of time; expected seconds above 0",
    ],
    [
      { duration: { kind: "pareto" } as unknown as Duration },
      'hold.duration.kind: "pareto" is not a law of durations; expected constant, exponential, lognormal or empirical',
    ],
    [{ duration, after: -1 }, "hold.after: -1 is not a length of time; expected seconds, 0 or more"],
    [{ duration, closed: -1 }, "hold.closed: -1 is not a length of time; expected seconds, 0 or more"],
    [{ duration, cut: 0 }, "hold.cut: 0 is not a length of time; expected seconds above 0"],
  ];
  for (const [hold, text] of rows)
    assert.is(
      message(() => checkHold(hold)),
      text,
    );
  for (const hold of [
    { duration: { kind: "lognormal", mean: 1, sigma: 5 } },
    { duration, after: 0, closed: 0, cut: 1 },
    { duration, cut: Infinity },
  ] as readonly Hold[])
    checkHold(hold);
});

test.run();
