import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Draws } from "../../lib/snat/draws.js";
import {
  erlangB,
  loadFor,
  mappingsLost,
  occupancy,
  peakInUse,
  portsAtMost,
  portsFor,
  sharedPorts,
  withRetries,
} from "../../lib/snat/erlang.js";
import { Heap } from "./reference.js";

const near = (actual: number, expected: number, relative: number, what = "") =>
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.abs(expected),
    `${what} expected ${expected} within ${relative}, got ${actual}`,
  );

/** The formula itself in whole numbers, for a load of a / b erlangs: numerator and denominator are exact. */
const exactB = (a: number, b: number, ports: number): number => {
  const powers = Array.from({ length: ports + 1 }, (_, k) => {
    let term = BigInt(a) ** BigInt(k) * BigInt(b) ** BigInt(ports - k);
    for (let i = k + 1; i <= ports; i++) term *= BigInt(i);
    return term;
  });
  const sum = powers.reduce((total, term) => total + term, 0n);
  const digits = 10n ** 40n;
  return Number((powers[ports]! * digits) / sum) / 1e40;
};

const plainRecursion = (load: number, ports: number): number => {
  let blocked = 1;
  for (let k = 1; k <= ports; k++) blocked = (load * blocked) / (k + load * blocked);
  return blocked;
};

const formula = suite("Erlang's B formula");

formula("is the quotient of sums that it is defined as", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 0, max: 60 }),
      (a, b, ports) => {
        const exact = exactB(a, b, ports);
        if (exact > 1e-20) near(erlangB(a / b, ports), exact, 1e-12);
      },
    ),
  );
});

formula("holds from no load to ten times the largest pool without overflow", () => {
  assert.is(erlangB(0, 5), 0);
  assert.is(erlangB(0, 0), 1);
  assert.is(erlangB(7, 0), 1);
  near(erlangB(1024, 1024), 0.024524, 2e-5);
  for (const [load, ports] of [
    [1e6, portsAtMost],
    [portsAtMost, portsAtMost],
    [10 * portsAtMost, portsAtMost],
    [64_512, 64_512],
    [1e6, 1000],
    [2000, 1024],
    [0.001, 5],
  ] as const)
    near(erlangB(load, ports), plainRecursion(load, ports), 1e-12, `${load} on ${ports}:`);
  assert.is(erlangB(1, portsAtMost), 0);
  assert.is(erlangB(1e15, 1000), 1 - 1e-12);
});

formula("grows with the load and falls with the ports", () => {
  const load = fc.double({ min: 0.01, max: 5000, noNaN: true });
  fc.assert(
    fc.property(
      load,
      fc.double({ min: 1.01, max: 3, noNaN: true }),
      fc.integer({ min: 0, max: 5000 }),
      (a, factor, ports) => {
        assert.ok(erlangB(a * factor, ports) >= erlangB(a, ports));
        assert.ok(erlangB(a, ports + 1) <= erlangB(a, ports));
      },
    ),
  );
});

formula("refuses what is out of range", () => {
  assert.throws(() => erlangB(-1, 10), /load: -1 is out of range; expected erlangs, 0 or more/);
  assert.throws(() => erlangB(Number.NaN, 10), /load/);
  assert.throws(() => erlangB(1, 1.5), /ports: 1.5 is not a whole number/);
  assert.throws(() => erlangB(1, portsAtMost + 1), /1032193 is out of range; expected 0 to 1032192 ports/);
  assert.throws(() => portsFor(1, 0), /target: 0/);
  assert.throws(() => loadFor(0, 0.1), /ports: 0 is out of range; expected 1 to 1032192 ports/);
});

formula.run();

const inverse = suite("its inverses");
const target = fc.double({ min: -9, max: -0.01, noNaN: true }).map(exponent => 10 ** exponent);

inverse("give the fewest ports", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 20_000, noNaN: true }), target, (load, rate) => {
      const ports = portsFor(load, rate)!;
      assert.ok(erlangB(load, ports) <= rate);
      if (ports > 0) assert.ok(erlangB(load, ports - 1) > rate);
    }),
  );
  assert.is(portsFor(0, 0.01), 1);
  assert.is(portsFor(2 * portsAtMost, 0.01), undefined);
});

inverse("give the load that ports can carry", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70_000 }), target, (ports, rate) =>
      near(erlangB(loadFor(ports, rate), ports), rate, 1e-8),
    ),
  );
  near(erlangB(loadFor(portsAtMost, 1e-6), portsAtMost), 1e-6, 1e-6);
  near(loadFor(1, 0.5), 1, 1e-12);
});

inverse.run();

const use = suite("ports in use");

use("are distributed as a Poisson number cut at the ports", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.01, max: 3000, noNaN: true }), fc.integer({ min: 1, max: 2000 }), (load, ports) => {
      const { probability, mean, variance } = occupancy(load, ports);
      const moment = (power: number, about: number) =>
        probability.reduce((sum, p, k) => sum + p * (k - about) ** power, 0);
      assert.is(probability.length, ports + 1);
      near(moment(0, 0), 1, 1e-10);
      near(moment(1, 0), mean, 1e-9);
      assert.ok(Math.abs(moment(2, mean) - variance) <= 1e-7 * Math.max(1, variance), "variance");
      assert.ok(Math.abs(probability[ports]! - erlangB(load, ports)) < 1e-12, "an arrival finds what time shows");
      const blocked = erlangB(load, ports);
      near(mean, load * (1 - blocked), 1e-9);
      const byFormula = mean - load * blocked * (ports - mean);
      assert.ok(Math.abs(byFormula - variance) <= 1e-7 * Math.max(1, variance, load * blocked), "Erlang's variance");
    }),
  );
});

use("have a mean within the ports and a variance of 0 or more, however large the load", () => {
  fc.assert(
    fc.property(fc.double({ min: -20, max: 15, noNaN: true }), fc.integer({ min: 0, max: 300 }), (power, ports) => {
      const load = 10 ** power;
      const { mean, variance } = occupancy(load, ports);
      assert.ok(mean >= 0 && mean <= Math.min(load, ports) * (1 + 1e-12), `mean ${mean}`);
      assert.ok(variance >= 0 && variance <= mean * (1 + 1e-9), `variance ${variance}`); // never above Poisson's
    }),
  );
  // Nearly always 10 are in use, for one part in 1e8 of the time 9.
  const { mean, variance } = occupancy(1e9, 10);
  near(10 - mean, 1e-8, 1e-6);
  near(variance, 1e-8, 1e-6);
});

use("never come to more than the ports, however large the load", () => {
  const power = fc.double({ min: -20, max: 15, noNaN: true });
  fc.assert(
    fc.property(fc.array(power, { minLength: 1, maxLength: 4 }), fc.integer({ min: 0, max: 300 }), (powers, ports) => {
      const loads = powers.map(each => 10 ** each);
      for (const choice of ["lowest", "random"] as const) {
        const { meanInUse, meanConnections } = sharedPorts(loads, ports, choice);
        const total = loads.reduce((sum, load) => sum + Math.min(load, ports), 0);
        const busiest = Math.max(...loads.map(load => occupancy(load, ports).mean));
        assert.ok(meanConnections >= 0 && meanConnections <= total * (1 + 1e-12), `${meanConnections} connections`);
        assert.ok(meanInUse <= Math.min(ports, meanConnections) * (1 + 1e-9), `${choice}: ${meanInUse} in use`);
        assert.ok(
          meanInUse >= busiest * (1 - 1e-9) - 1e-15 * ports,
          `${choice}: ${meanInUse}, by the busiest alone ${busiest}`,
        );
        for (const load of loads)
          for (const left of [0, Math.floor(ports / 2), ports]) {
            const { least, most } = mappingsLost(load, ports, left, choice);
            assert.ok(least >= -1e-9 && least <= most * (1 + 1e-9) + 1e-9 && most <= ports * (1 + 1e-9));
          }
      }
    }),
  );
});

use("have quantiles", () => {
  const { quantile } = occupancy(100, 1000);
  assert.is(quantile(0), 0);
  assert.is(quantile(0.5), 100);
  assert.ok(quantile(0.99) > 120 && quantile(0.99) < 127);
  assert.is(occupancy(1e6, 10).quantile(0.5), 10);
});

use("have a peak that grows with the interval and never passes the ports", () => {
  const peaks = [0, 100, 10_000, 1e6, 1e12].map(arrivals => peakInUse(700, 1024, arrivals));
  assert.equal(
    peaks,
    [...peaks].sort((a, b) => a - b),
  );
  assert.is(peakInUse(1024, 1024, 1e6), 1024);
  // With no arrivals it is the quantile of one moment.
  assert.is(peaks[0], occupancy(700, 1024).quantile(0.99));
});

use("have as their peak the fewest ports that neither the start nor an arrival passes, but by the chance given", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 300, noNaN: true }),
      fc.integer({ min: 0, max: 300 }),
      fc.oneof(fc.constant(0), fc.double({ min: 0.1, max: 1e6, noNaN: true })),
      fc.constantFrom(0.5, 0.01, 1e-6),
      (load, ports, arrivals, chance) => {
        const { probability } = occupancy(load, ports);
        const passed = (peak: number): number =>
          peak === ports
            ? 0
            : probability.slice(peak + 1).reduce((sum, p) => sum + p, 0) + arrivals * probability[peak]!;
        const peak = peakInUse(load, ports, arrivals, chance);
        assert.ok(passed(peak) <= chance * (1 + 1e-9), `${peak} is passed`);
        if (peak > 0) assert.ok(passed(peak - 1) > chance * (1 - 1e-9), `${peak - 1} is enough`);
      },
    ),
  );
  assert.is(peakInUse(0, 10, 0), 0);
});

use.run();

const lost = suite("mappings lost with the ports");

lost("are none without a change, all with every port, and random ones between the extremes", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 2000, noNaN: true }),
      fc.integer({ min: 0, max: 1500 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (load, before, share) => {
        const after = Math.floor(before * share);
        const all = load * (1 - erlangB(load, before));
        const slack = 1e-9 * (1 + all);
        const { least, most } = mappingsLost(load, before, after);
        const random = mappingsLost(load, before, after, "random");
        assert.is(random.least, random.most);
        assert.ok(-slack <= least && least <= random.least + slack, `${least} ${random.least}`);
        assert.ok(random.most <= most + slack && most <= all + slack, `${random.most} ${most} ${all}`);
        for (const more of [before, before + 1]) assert.equal(mappingsLost(load, before, more), { least: 0, most: 0 });
        const none = mappingsLost(load, before, 0);
        for (const value of Object.values(none)) assert.ok(Math.abs(value - all) <= slack, `${value} ${all}`);
      },
    ),
  );
  assert.throws(() => mappingsLost(1, 5, -1), /ports: -1 is out of range/);
});

lost.run();

const shared = suite("destinations that share ports");

shared("fail each as if alone", () => {
  const { failure, overall } = sharedPorts([900, 1024, 0], 1024);
  assert.equal(failure, [erlangB(900, 1024), erlangB(1024, 1024), 0]);
  near(overall, (900 * failure[0]! + 1024 * failure[1]!) / 1924, 1e-12);
});

shared("have ports, loads and at least one destination", () => {
  for (const ports of [-1, 0.5, 16 * 64_512 + 1])
    assert.throws(() => sharedPorts([1], ports), /^InputError: ports: |ports: /);
  assert.throws(() => sharedPorts([], 8), /at least one destination/);
  assert.throws(() => sharedPorts([1, -1], 8), /load: -1/);
  for (const choice of ["lowest", "random"] as const) {
    const none = sharedPorts([0, 0], 8, choice);
    assert.equal([none.overall, none.meanInUse, none.meanConnections, none.atMost(0)], [0, 0, 0, 1]);
    assert.is(sharedPorts([3], 8, choice).atMost(-1), 0);
    assert.is(sharedPorts([3], 0, choice).meanInUse, 0);
  }
});

shared("use between the busiest destination's ports and all their connections'", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.1, max: 200, noNaN: true }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 300 }),
      (loads, ports) => {
        for (const choice of ["lowest", "random"] as const) {
          const { meanInUse, meanConnections } = sharedPorts(loads, ports, choice);
          const busiest = Math.max(...loads.map(load => occupancy(load, ports).mean));
          assert.ok(
            meanInUse >= busiest * (1 - 1e-9) && meanInUse <= Math.min(ports, meanConnections) * (1 + 1e-9),
            `${busiest} <= ${meanInUse} <= ${meanConnections}`,
          );
        }
      },
    ),
  );
});

shared("take fewer ports when the lowest free is taken than at random", () => {
  const at = (choice: "lowest" | "random") => sharedPorts([300, 300, 300], 1024, choice).meanInUse;
  assert.ok(at("lowest") < at("random"));
});

shared("have a bound on the distribution that is exact for one", () => {
  const alone = sharedPorts([50], 64);
  const { probability } = occupancy(50, 64);
  near(
    alone.atMost(50),
    probability.slice(0, 51).reduce((sum, p) => sum + p, 0),
    1e-9,
  );
  assert.is(alone.atMost(-1), 0);
  near(alone.atMost(64), 1, 1e-9);
});

shared.run();

const retries = suite("retries");

retries("solve A' (1 - r B(A')) = A", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 3000, noNaN: true }),
      fc.integer({ min: 1, max: 2000 }),
      fc.double({ min: 0, max: 0.99, noNaN: true }),
      (load, ports, retry) => {
        const result = withRetries(load, ports, retry);
        near(result.load * (1 - retry * result.attemptFails), load, 1e-9);
        assert.ok(result.givesUp <= result.attemptFails + 1e-12);
      },
    ),
  );
  assert.is(withRetries(1024, 1024, 0).givesUp, erlangB(1024, 1024));
  for (const retry of [-0.1, 1, Number.NaN])
    assert.throws(
      () => withRetries(10, 10, retry),
      /retry: .* is out of range; expected a probability from 0, below 1/,
    );
});

/** Connections that fail try again after an exponential pause, event by event. Hold times have mean 1. */
const simulateRetries = (load: number, ports: number, retry: number, pause: number, connections: number) => {
  const draws = new Draws(20_262);
  const busyUntil = new Heap();
  const again = new Heap();
  let next = draws.exponential() / load;
  const count = { connections: 0, attempts: 0, failedAttempts: 0, gaveUp: 0 };
  while (count.connections < connections) {
    const now = Math.min(next, again.top);
    if (now === next) {
      count.connections++;
      next = now + draws.exponential() / load;
    } else again.pop();
    while (busyUntil.top <= now) busyUntil.pop();
    count.attempts++;
    if (busyUntil.size < ports) busyUntil.push(now + draws.exponential());
    else {
      count.failedAttempts++;
      if (draws.unit() < retry) again.push(now + pause * draws.exponential());
      else count.gaveUp++;
    }
  }
  return {
    attemptFails: count.failedAttempts / count.attempts,
    givesUp: count.gaveUp / count.connections,
    attempts: count.attempts / count.connections,
  };
};

for (const [load, ports, retry] of [
  [20, 20, 0.5],
  [20, 20, 0.9],
  [100, 110, 0.8],
] as const)
  retries(`${load} erlangs on ${ports} ports, ${retry} try again much later: as simulated`, () => {
    const simulated = simulateRetries(load, ports, retry, 50, 3e6);
    const expected = withRetries(load, ports, retry);
    for (const name of ["attemptFails", "givesUp", "attempts"] as const)
      near(simulated[name] / expected[name], 1, 0.02);
  });

retries("that come at once find the ports still full: the formula is too hopeful then", () => {
  const simulated = simulateRetries(20, 20, 0.8, 0.1, 1e6);
  const expected = withRetries(20, 20, 0.8);
  assert.ok(simulated.givesUp > 1.2 * expected.givesUp, `${simulated.givesUp} against ${expected.givesUp}`);
});

retries.run();
