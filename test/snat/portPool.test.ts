import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Hold } from "../../lib/snat/hold.js";
import { type PoolSpec, simulatePool, warmUpArrivals } from "../../lib/snat/portPool.js";
import { plainPool } from "./reference.js";

const spec: PoolSpec = {
  ports: 1024,
  load: 1024,
  hold: { duration: { kind: "exponential", mean: 0.5 }, after: 0.5 },
  arrivals: 300_000,
  seed: 1,
};

const same = suite("the count wheel and the plain heap");

const agree = async (given: PoolSpec) => {
  const { failures, events } = await simulatePool(given);
  assert.equal({ failures, events }, plainPool(given), JSON.stringify(given));
};

same("fail the same connections at the scale that matters", () => agree(spec));

same("agree on pools so large that a bucket of time holds many departures", async () => {
  await agree({ ...spec, ports: 6000, load: 6100 });
  await agree({ ...spec, ports: 64_512, load: 70_000, warmUpHolds: 2 });
});

same("agree on holds far beyond the wheel", async () => {
  await agree({ ...spec, ports: 400, load: 500, hold: { duration: { kind: "lognormal", mean: 1, sigma: 3 } } });
  await agree({ ...spec, ports: 3, load: 5, hold: { duration: { kind: "empirical", samples: [1e-6, 1e4] } } });
});

same("agree when departures crowd into one moment", () =>
  agree({ ...spec, ports: 900, load: 1000, hold: { duration: { kind: "lognormal", mean: 100, sigma: 2 }, cut: 60 } }),
);

same("agree from the first arrival on, without a warm-up", () => agree({ ...spec, warmUpHolds: 0 }));

same("the standard error says how far runs are from each other", async () => {
  const runs: { readonly failureProbability: number; readonly standardError: number }[] = [];
  for (let seed = 1; seed <= 60; seed++)
    runs.push(await simulatePool({ ...spec, ports: 30, load: 25, arrivals: 20_000, seed }));
  const mean = (of: (run: (typeof runs)[number]) => number) =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  const middle = mean(run => run.failureProbability);
  const spread = Math.sqrt(mean(run => (run.failureProbability - middle) ** 2));
  const told = mean(run => run.standardError);
  // 60 runs tell their spread to a tenth.
  assert.ok(told > 0.7 * spread && told < 1.4 * spread, `told ${told}, seen ${spread}`);
});

const positive = fc.double({ min: 0.01, max: 100, noNaN: true });
const hold: fc.Arbitrary<Hold> = fc.record(
  {
    duration: fc.oneof(
      fc.record({ kind: fc.constant("constant" as const), seconds: positive }),
      fc.record({ kind: fc.constant("exponential" as const), mean: positive }),
      fc.record({
        kind: fc.constant("lognormal" as const),
        mean: positive,
        sigma: fc.double({ min: 0.1, max: 3, noNaN: true }),
      }),
      fc.record({
        kind: fc.constant("empirical" as const),
        samples: fc.array(positive, { minLength: 1, maxLength: 5 }),
      }),
    ),
    after: fc.double({ min: 0, max: 300, noNaN: true }),
    cut: positive,
  },
  { requiredKeys: ["duration"] },
);

same("agree on anything", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3000 }),
      fc.double({ min: 0.3, max: 2, noNaN: true }),
      hold,
      fc.integer(),
      async (ports, share, law, seed) => {
        await agree({ ports, load: ports * share, hold: law, arrivals: 10_000, seed, warmUpHolds: 1 });
      },
    ),
    { numRuns: 40 },
  );
});

same.run();

const run = suite("a pool's run");

run("is the same for the same seed, and another for another", async () => {
  assert.equal(await simulatePool(spec), await simulatePool(spec));
  assert.is.not((await simulatePool(spec)).failures, (await simulatePool({ ...spec, seed: 2 })).failures);
});

run("reports its progress, and the answer does not depend on it", async () => {
  const shares: number[] = [];
  const long = { ...spec, arrivals: 5_000_000 };
  const watched = await simulatePool(long, { onProgress: share => shares.push(share) });
  assert.equal(watched, await simulatePool(long));
  assert.ok(shares.length >= 3 && shares.at(-1) === 1);
  assert.equal(
    shares,
    [...shares].sort((a, b) => a - b),
  );
});

run("stops when it is told to", async () => {
  const stop = new AbortController();
  const run = simulatePool(
    { ...spec, arrivals: 1e12 },
    { signal: stop.signal, onProgress: () => stop.abort(new Error("enough")) },
  );
  await run.then(
    () => assert.unreachable("it should have stopped"),
    (error: Error) => assert.is(error.message, "enough"),
  );
});

run("starts with the arrivals of ten mean holds, unless told otherwise", () => {
  assert.is(warmUpArrivals({ ...spec, load: 7.25 }), 73);
  assert.is(warmUpArrivals({ ...spec, load: 7.25, warmUpHolds: 0 }), 0);
});

run("refuses what cannot be simulated", async () => {
  const refuses = async (change: Partial<PoolSpec>, message: RegExp) => {
    const error: unknown = await simulatePool({ ...spec, ...change }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    assert.instance(error, Error);
    assert.match((error as Error).message, message);
  };
  await refuses({ ports: 0 }, /pool.ports: 0 is out of range; expected 1 to 1032192 ports/);
  await refuses({ load: -3 }, /pool.load: -3/);
  await refuses({ load: Number.NaN }, /pool.load/);
  await refuses({ arrivals: 1.5 }, /pool.arrivals/);
  await refuses({ warmUpHolds: -1 }, /pool.warmUpHolds/);
  await refuses(
    { hold: { duration: { kind: "exponential", mean: 0 } } },
    /pool.hold.duration.mean: 0 is not a length of time; expected seconds above 0/,
  );
  await refuses({ hold: { duration: { kind: "empirical", samples: [] } } }, /samples/);
  await refuses({ hold: { duration: { kind: "constant", seconds: 1 }, after: -1 } }, /pool.hold.after/);
  await refuses(
    { hold: { duration: { kind: "weibull" } as never } },
    /is not a law of durations; expected constant, exponential, lognormal or empirical/,
  );
});

run.run();
