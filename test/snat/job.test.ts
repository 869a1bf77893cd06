import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type RulesChange, type Timing, checkChange, checkTiming, compileJob, seedOf } from "../../lib/snat/job.js";
import { loadBalancerRules, natGatewayRules } from "../../lib/snat/portRules.js";
import { type Stream, evenWorkload } from "../../lib/snat/workload.js";
import { message } from "../message.js";

const tcp: Stream = {
  name: "web",
  rate: 1,
  to: { name: "site", count: 2, port: 443, protocol: "tcp" },
  duration: { kind: "constant", seconds: 10 },
};
const udp: Stream = { ...tcp, name: "dns", to: { address: "203.0.113.53", port: 53, protocol: "udp" } };
const workload = evenWorkload({ nodes: 2, podsPerNode: 2, streams: [tcp, udp] });
const rules = loadBalancerRules({ nodes: 2, allocatedOutboundPorts: 64 });
const timing: Timing = { seconds: 100, buckets: 2, seed: 1 };

const bounds = suite("times and changes");

bounds("are taken up to their bounds, and refused beyond", () => {
  for (const change of [
    { seconds: 0.001 },
    { seconds: 1e8, warmUp: 1e8, buckets: 100_000 },
    { warmUp: 0, buckets: 1, seed: -(2 ** 31) },
  ])
    checkTiming({ ...timing, ...change });
  for (const [change, text] of [
    [{ seconds: 0 }, "seconds: 0 is out of range; expected above 0, at most 100,000,000"],
    [{ seconds: 1e8 + 1 }, "seconds: 100000001 is out of range; expected above 0, at most 100,000,000"],
    [{ warmUp: -1 }, "warmUp: -1 is out of range; expected seconds, 0 to 100,000,000"],
    [{ warmUp: 1e8 + 1 }, "warmUp: 100000001 is out of range; expected seconds, 0 to 100,000,000"],
    [{ buckets: 0 }, "buckets: 0 is out of range; expected 1 to 100000 buckets"],
    [{ buckets: 100_001 }, "buckets: 100001 is out of range; expected 1 to 100000 buckets"],
  ] as const)
    assert.is(
      message(() => checkTiming({ ...timing, ...change })),
      text,
    );
  const fewer = { ...rules, ports: 32, connectionsPerDestination: 32 };
  const change = (more: Partial<RulesChange>) => checkChange({ at: 50, rules: fewer, ...more }, rules, 100);
  for (const at of [0.001, 99.999]) change({ at });
  for (const at of [-1, 0, 100, Number.NaN])
    assert.match(
      message(() => change({ at })),
      /^change\.at: .* is not within the time simulated; expected seconds above 0 and below 100$/,
    );
  for (const keeps of ["lowest", "highest"] as const) change({ keeps });
  assert.is(
    message(() => change({ rules: { ...fewer, after: { ...fewer.after, rst: 1 } } })),
    "change.rules.after.rst: 1 is not what it was before the change, which may be of ports only; expected 15",
  );
});

bounds.run();

const compiled = suite("compileJob");

compiled("has a pool for each node and protocol behind a load balancer, one for all behind a NAT gateway", () => {
  const job = compileJob(workload, rules, timing);
  assert.equal(
    job.pools.map(({ name, protocol, pods, groups }) => [name, protocol, pods.map(pod => pod.name), groups]),
    ["node-0", "node-1"].flatMap(node => [
      [node, "tcp", [`${node}-pod-0`, `${node}-pod-1`], ["site 1:443/tcp", "site 2:443/tcp"]],
      [node, "udp", [`${node}-pod-0`, `${node}-pod-1`], ["203.0.113.53/udp"]],
    ]),
  );
  assert.equal([job.ports, job.perGroup, job.openPerGroup, job.perPool], [64, 64, Infinity, Infinity]);
  const shared = compileJob(workload, natGatewayRules(), timing);
  assert.equal(
    shared.pools.map(({ protocol, pods }) => [protocol, pods.map(({ name, node }) => `${node} ${name}`)]),
    (["tcp", "udp"] as const).map(protocol => [
      protocol,
      ["node-0", "node-1"].flatMap(node => [0, 1].map(pod => `${node} ${node}-pod-${pod}`)),
    ]),
  );
  assert.equal(
    [shared.ports, shared.perGroup, shared.openPerGroup, shared.perPool],
    [64_512, 64_512, 50_000, 2_000_000],
  );
  const held = compileJob(workload, natGatewayRules({ counted: "held" }), timing);
  assert.equal([held.perGroup, held.openPerGroup], [50_000, Infinity]);
});

compiled("starts ten of the longest mean holds before, unless told otherwise", () => {
  // UDP is held 1,800 s after its 10 s, TCP 240 s.
  assert.is(compileJob(workload, rules, timing).warmUp, 18_100);
  assert.is(compileJob(workload, rules, { ...timing, warmUp: 0 }).warmUp, 0);
});

compiled("keeps the lowest ports or the highest in a change", () => {
  const fewer = { ...rules, ports: 24, connectionsPerDestination: 24 };
  const first = (keeps?: "lowest" | "highest", to = fewer) =>
    compileJob(workload, rules, timing, { at: 50, rules: to, ...(keeps === undefined ? {} : { keeps }) }).change!
      .firstPort;
  assert.equal([first(), first("lowest"), first("highest")], [0, 0, 40]);
  assert.is(first("highest", { ...rules, ports: 80, connectionsPerDestination: 80 }), 0);
  assert.is(compileJob(workload, rules, timing).change, undefined);
});

compiled("gives every pool and replication a seed of its own", () => {
  const job = compileJob(workload, rules, timing);
  const seeds = [0, 1, 2, 3].flatMap(pool => [0, 1, 2].map(replication => seedOf(job, pool, replication)));
  assert.is(new Set(seeds).size, 12);
  assert.not.equal(seedOf(job, 0, 0), seedOf(compileJob(workload, rules, { ...timing, seed: 2 }), 0, 0));
});

compiled.run();
