import { suite } from "uvu";
import * as assert from "uvu/assert";
import { erlangB, occupancy } from "../../lib/snat/erlang.js";
import type { Hold } from "../../lib/snat/hold.js";
import { type PoolResult, simulatePool } from "../../lib/snat/portPool.js";

const accuracy = suite("simulation against Erlang's B");

const within3Errors = ({ failureProbability, standardError }: PoolResult, expected: number, what: string) =>
  assert.ok(
    Math.abs(failureProbability - expected) <= 3 * standardError,
    `${what}: expected ${expected}, got ${failureProbability} +- ${standardError}`,
  );

accuracy("1024 erlangs on 1024 ports, 100 million arrivals: within 0.5 % and 3 standard errors", async () => {
  const result = await simulatePool({
    ports: 1024,
    load: 1024,
    hold: { duration: { kind: "exponential", mean: 0.5 }, after: 0.5 },
    arrivals: 100e6,
    seed: 20_261,
  });
  const expected = erlangB(1024, 1024);
  assert.is(expected.toFixed(6), "0.024524");
  assert.ok(Math.abs(result.failureProbability / expected - 1) < 0.005, `got ${result.failureProbability}`);
  within3Errors(result, expected, "100 million");
  assert.ok(Math.abs(result.meanInUse / occupancy(1024, 1024).mean - 1) < 0.001, `mean ${result.meanInUse}`);
});

/** Four laws of one mean, from no variation at all to a lot of it. */
const laws: Readonly<Record<string, Hold>> = {
  constant: { duration: { kind: "constant", seconds: 60 } },
  exponential: { duration: { kind: "exponential", mean: 60 } },
  lognormal: { duration: { kind: "lognormal", mean: 60, sigma: 1 } },
  empirical: { duration: { kind: "empirical", samples: [5, 5, 5, 10, 20, 315] } },
};

const table = [
  { load: 1, ports: 2, seed: 1 },
  { load: 20, ports: 20, seed: 2 },
  { load: 110, ports: 128, seed: 3 },
  { load: 300, ports: 256, seed: 4 },
  { load: 1024, ports: 1024, seed: 5 },
] as const;

for (const { load, ports, seed } of table)
  for (const [name, hold] of Object.entries(laws))
    accuracy(`${load} erlangs on ${ports} ports, ${name} holds: the law does not matter`, async () => {
      const result = await simulatePool({ load, ports, hold, seed, arrivals: 4e6, warmUpHolds: 20 });
      within3Errors(result, erlangB(load, ports), name);
    });

accuracy.run();
