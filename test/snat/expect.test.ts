import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { erlangB, portsFor } from "../../lib/snat/erlang.js";
import { destinationLoads, expectPool, portsNeeded } from "../../lib/snat/expect.js";
import { type PortRules, loadBalancerRules } from "../../lib/snat/portRules.js";
import type { Stream } from "../../lib/snat/workload.js";

const near = (actual: number, expected: number, what: string) =>
  assert.ok(Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), `${what}: expected ${expected}, got ${actual}`);

const web: Stream = {
  name: "web",
  rate: 0.5,
  to: { name: "site", count: 2, port: 443, protocol: "tcp", zipf: 1 },
  duration: { kind: "exponential", mean: 3 },
};
const api: Stream = { ...web, name: "api", rate: 2, to: { address: "203.0.113.7", port: 80, protocol: "tcp" } };
const rules = (change: Partial<PortRules> = {}): PortRules => ({
  ...loadBalancerRules({ nodes: 1 }),
  ports: 50,
  connectionsPerDestination: 50,
  after: { fin: 7, rst: 1, udp: 0 },
  ...change,
});

const load = suite("the load of a pool");

load("is connections per second times the time that each holds its port, or is open", () => {
  // Of two destinations by Zipf's law the first has two thirds. Each port is held 3 s and 7 s more, and is open for 3 s.
  const [first, second, third, ...more] = destinationLoads([web, api, api], 6, rules({ counted: "open" }));
  assert.equal(more, []);
  near(first!.load, (6 * 0.5 * 10 * 2) / 3, "first load");
  near(first!.open, (6 * 0.5 * 3 * 2) / 3, "first open");
  near(second!.load, (6 * 0.5 * 10) / 3, "second load");
  near(second!.open, (6 * 0.5 * 3) / 3, "second open");
  near(third!.load, 2 * 6 * 2 * 10, "both streams' load");
  near(third!.open, 2 * 6 * 2 * 3, "both streams' open");
});

load("of no pods is none, and a number below that is refused", () => {
  assert.equal(
    destinationLoads([api], 0, rules()).map(each => [each.load, each.open]),
    [[0, 0]],
  );
  for (const pods of [-1, Infinity, Number.NaN])
    assert.throws(() => destinationLoads([api], pods, rules()), /pods: .* expected a number of pods, 0 or more/);
});

load.run();

const pool = suite("what is expected of a pool");

pool("fails each destination as if alone, by the tighter of ports and open connections", () => {
  for (const [connectionsPerDestination, worst] of [
    [50, erlangB(20, 50)],
    [5, erlangB(6, 5)],
    [49, erlangB(20, 50)],
  ] as const) {
    const limited = rules({ counted: "open", connectionsPerDestination });
    const { failure, worst: got } = expectPool([api], 1, limited, 0.01);
    near(got, worst, `${connectionsPerDestination} open`);
    near(failure, worst, `${connectionsPerDestination} open, all together`);
  }
});

pool("could grow to where the target is met exactly, whatever limits it", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 20, noNaN: true }),
      fc.constantFrom("held" as const, "open" as const),
      fc.integer({ min: 1, max: 60 }),
      fc.constantFrom(0.2, 0.01, 1e-4),
      (rate, counted, connectionsPerDestination, target) => {
        const limited = rules({ counted, connectionsPerDestination });
        const { growth } = expectPool([web, { ...api, rate }], 1, limited, target);
        const grown = [web, { ...api, rate }].map(stream => ({ ...stream, rate: stream.rate * growth }));
        const { worst } = expectPool(grown, 1, limited, target);
        assert.ok(Math.abs(worst / target - 1) < 1e-6, `${worst} for ${target}`);
      },
    ),
  );
});

pool("cannot have more connections than it may have, and does not grow beyond", () => {
  const { failure, worst, growth } = expectPool([api], 1, rules({ connections: 16 }), 0.01);
  near(failure, 1 - 16 / 20, "failure");
  near(worst, 1 - 16 / 20, "worst");
  near(growth, 16 / 20, "growth");
});

pool("without load fails nowhere and could grow without end", () => {
  const { failure, worst, meanInUse, growth } = expectPool([{ ...api, rate: 0 }], 1, rules(), 0.01);
  assert.equal([failure, worst, meanInUse], [0, 0, 0]);
  assert.ok(growth > 1e300);
});

pool("needs the ports of its busiest destination, at least one", () => {
  assert.is(portsNeeded([web, api], 3, rules(), 0.01), portsFor(60, 0.01));
  assert.is(portsNeeded([{ ...api, rate: 0 }], 3, rules(), 0.01), 1);
  assert.is(portsNeeded([], 3, rules(), 0.01), 1);
  assert.is(portsNeeded([{ ...api, rate: 1e6 }], 3, rules(), 0.01), undefined);
});

pool.run();
