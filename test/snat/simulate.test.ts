import { execFileSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { erlangB, mappingsLost } from "../../lib/snat/erlang.js";
import { expectPool } from "../../lib/snat/expect.js";
import type { RulesChange } from "../../lib/snat/job.js";
import { type PortRules, loadBalancerRules, natGatewayRules } from "../../lib/snat/portRules.js";
import { type SimulateOptions, type SimulationResult, simulate, simulationWork } from "../../lib/snat/simulate.js";
// Threads need the built library: Node starts them without the loader that runs these TypeScript files.
import { workerThreads } from "../../lib/dist/snat/workerThreads.js";
import { type Stream, type Workload, burst, clusterWorkload, evenWorkload, ramp } from "../../lib/snat/workload.js";

const api: Stream = {
  name: "api",
  rate: 0.15,
  to: { name: "api", count: 2, port: 443, protocol: "tcp" },
  duration: { kind: "exponential", mean: 15 },
};
const dns: Stream = {
  name: "dns",
  rate: 0.5,
  to: { address: "203.0.113.53", port: 53, protocol: "udp" },
  duration: { kind: "constant", seconds: 0.1 },
};
const workload = evenWorkload({ nodes: 3, podsPerNode: 10, streams: [api, dns] });
const rules = loadBalancerRules({ nodes: 3, allocatedOutboundPorts: 192 });
const built = (module: string) => JSON.stringify(new URL(`../../lib/dist/${module}`, import.meta.url).href);
const short: SimulateOptions = { seconds: 600, warmUp: 600, buckets: 5, seed: 11 };

const rejection = (run: Promise<unknown>): Promise<Error> =>
  run.then(
    () => assert.unreachable("it should have been refused"),
    (error: Error) => error,
  ) as Promise<Error>;

const everything = (result: SimulationResult) => [
  result.use(),
  result.podUse(),
  result.destinations(),
  result.pods(),
  result.failureProbability,
  result.events,
];

const results = suite("a simulation's result");

results("has a row for each bucket, pool and destination, and they add up", async () => {
  const result = await simulate(workload, rules, short);
  const use = result.use();
  assert.equal([...new Set(use.map(row => row.pool))], ["node-0", "node-1", "node-2"]);
  assert.equal(
    [...new Set(use.map(row => `${row.protocol} ${row.destination}`))],
    ["tcp api 1:443/tcp", "tcp api 2:443/tcp", "tcp all", "udp 203.0.113.53/udp", "udp all"],
  );
  assert.is(use.length, 3 * 5 * 5);
  for (const row of use) {
    assert.ok(
      row.min <= row.mean && row.mean <= row.max && row.p95 <= row.p99 && row.p99 <= row.max && row.max <= row.limit,
      JSON.stringify(row),
    );
    assert.is(row.limit, 192);
  }
  const sum = (rows: readonly { readonly attempts: number }[]) => rows.reduce((total, row) => total + row.attempts, 0);
  assert.is(sum(use.filter(row => row.destination === "all")), result.attempts);
  assert.is(sum(use.filter(row => row.destination !== "all")), result.attempts);
  assert.is(sum(result.pods()), result.attempts);
  assert.is(sum(result.destinations({ destination: "all" })), result.attempts);
  assert.is(result.pods({ pool: "node-1", protocol: "tcp" }).length, 10);
  assert.is(result.rules, rules);
});

results("counts every connection once by its destination and once by its pod", async () => {
  const result = await simulate(workload, rules, { ...short, replications: 2 });
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const same = (got: number, expected: number) =>
    assert.ok(Math.abs(got - expected) < 1e-9 * expected, `${got}, ${expected}`);
  for (const pool of ["node-0", "node-1", "node-2"])
    for (const protocol of ["tcp", "udp"] as const) {
      const destinations = result.destinations({ pool, protocol }).filter(({ destination }) => destination !== "all");
      const pods = result.pods({ pool, protocol });
      assert.is(pods.length, 10);
      // Ports held by a pod are connections, and so are those held towards one destination.
      same(sum(pods.map(({ mean }) => mean)), sum(destinations.map(({ mean }) => mean)));
      assert.is(sum(pods.map(({ attempts }) => attempts)), sum(destinations.map(({ attempts }) => attempts)));
      assert.is(sum(pods.map(({ failures }) => failures)), sum(destinations.map(({ failures }) => failures)));
      for (const { pod, mean, max } of pods) {
        const buckets = result.podUse({ pool, protocol }).filter(row => row.pod === pod);
        assert.is(buckets.length, 5);
        same(mean, sum(buckets.map(row => row.mean)) / 5);
        assert.ok(max >= mean);
      }
      for (const { destination, mean, max } of result.destinations({ pool, protocol })) {
        const buckets = result.use({ pool, protocol, destination });
        assert.equal(
          buckets.map(({ from, to }) => [from, to]),
          [0, 1, 2, 3, 4].map(bucket => [bucket * 120, (bucket + 1) * 120]),
        );
        same(mean, sum(buckets.map(row => row.mean)) / 5);
        assert.is(max, Math.max(...buckets.map(row => row.max)));
        for (const { min, mean: within, p95, p99, max: most, limit } of buckets)
          assert.ok(min <= within && within <= most && p95 <= p99 && p99 <= most && most <= limit);
      }
    }
  assert.is(result.attempts, sum(result.destinations({ destination: "all" }).map(({ attempts }) => attempts)));
  assert.is(result.failures, sum(result.destinations({ destination: "all" }).map(({ failures }) => failures)));
});

results("is the same with worker threads and without, and for the same seed only", async () => {
  const options = { ...short, replications: 3 };
  const alone = await simulate(workload, rules, options);
  const threaded = await simulate(workload, rules, { ...options, workers: workerThreads(2) });
  assert.equal(everything(threaded), everything(alone));
  const other = await simulate(workload, rules, { ...options, seed: 12 });
  assert.not.equal(everything(other), everything(alone));
});

results("has confidence intervals from two replications on, and Erlang's answer is in them", async () => {
  const one = await simulate(workload, rules, short);
  assert.is(one.failureProbability.halfWidth, undefined);
  const result = await simulate(workload, rules, {
    ...short,
    seconds: 20_000,
    warmUp: 3000,
    replications: 12,
    buckets: 1,
  });
  const expected = erlangB((10 * 0.15 * (240 + 15)) / 2, 192);
  const destination = result.destinations({ pool: "node-0", destination: "api 1:443/tcp" })[0]!;
  const { mean, standardError, halfWidth } = destination.failureProbability;
  assert.ok(Math.abs(mean - expected) < 3 * standardError!, `${mean} +- ${halfWidth} against ${expected}`);
  assert.ok(halfWidth! > 2 * standardError! && halfWidth! < 2.3 * standardError!);
});

results("tells when the first connection failed", async () => {
  const rising: Stream = { ...api, profile: ramp({ seconds: 3600, from: 0, to: 4 }) };
  const result = await simulate(evenWorkload({ nodes: 1, podsPerNode: 10, streams: [rising] }), rules, {
    seconds: 3600,
    warmUp: 0,
    buckets: 12,
  });
  const all = result.destinations({ destination: "all" })[0]!;
  const first = result.use({ destination: "all" }).find(row => row.failures > 0)!;
  assert.ok(all.firstFailure! >= first.from && all.firstFailure! < first.to);
  assert.is(result.use({ destination: "all" })[0]!.failures, 0);
  const calm = await simulate(evenWorkload({ nodes: 1, podsPerNode: 1, streams: [api] }), rules, short);
  assert.is(calm.destinations()[0]!.firstFailure, undefined);
});

results("shows a burst where it is", async () => {
  const bursting: Stream = { ...api, profile: burst({ at: 120, seconds: 120, factor: 10 }) };
  const rows = (
    await simulate(
      evenWorkload({ nodes: 1, podsPerNode: 4, streams: [bursting] }),
      loadBalancerRules({ nodes: 1 }),
      short,
    )
  ).use({ destination: "all" });
  const attempts = rows.map(row => row.attempts);
  assert.ok(attempts[1]! > 5 * attempts[0]! && attempts[1]! > 5 * attempts[2]!, `${attempts}`);
});

results.run();

const sharing = suite("pools");

sharing("are one per node behind a load balancer, one for all behind a NAT gateway", async () => {
  const gateway = await simulate(workload, natGatewayRules(), short);
  assert.equal([...new Set(gateway.use().map(row => row.pool))], ["NAT gateway, 1 address"]);
  assert.equal([...new Set(gateway.pods().map(row => row.node))], ["node-0", "node-1", "node-2"]);
  assert.is(gateway.use({ destination: "all" })[0]!.limit, 64_512);
  assert.is(gateway.use({ destination: "api 1:443/tcp" })[0]!.limit, 64_512);
  const held = await simulate(workload, natGatewayRules({ counted: "held" }), short);
  assert.is(held.use({ destination: "api 1:443/tcp" })[0]!.limit, 50_000);
});

sharing("fail by the tighter of two limits, on ports held and on connections open", async () => {
  const pool = (change: Partial<PortRules>): PortRules => ({
    ...natGatewayRules(),
    ports: 300,
    connectionsPerDestination: 200,
    ...change,
  });
  const stream: Stream = { ...api, rate: 12, to: { address: "203.0.113.7", port: 443, protocol: "tcp" } };
  for (const [fin, expected] of [
    [4, erlangB(180, 200)], // 228 of 300 ports, but 180 of 200 open ones
    [10, erlangB(300, 300)], // the same open ones, and 300 of 300 ports
  ] as const) {
    const limited = pool({ after: { fin, rst: 1, udp: 1 } });
    const result = await simulate(evenWorkload({ nodes: 1, podsPerNode: 1, streams: [stream] }), limited, {
      seconds: 20_000,
      replications: 20,
    });
    const { mean, standardError } = result.failureProbability;
    assert.is(expectPool([stream], 1, limited, 0.001).worst, expected);
    assert.ok(
      Math.abs(mean - expected) < 4 * standardError! + 0.02 * expected,
      `${fin}: ${mean}, ${expected} expected`,
    );
  }
});

sharing("follow the pods of a cluster", async () => {
  const cluster = {
    nodes: [{ name: "a" }, { name: "b" }],
    pods: [
      { name: "web", node: "a" },
      { name: "job", node: "a" },
      { name: "idle", node: "b" },
    ],
  };
  const result = await simulate(
    clusterWorkload(cluster, pod => (pod.name === "web" ? [api] : pod.name === "job" ? [dns] : [])),
    rules,
    short,
  );
  assert.equal(
    result.pods().map(row => `${row.node} ${row.protocol} ${row.pod}`),
    ["a tcp web", "a udp job"],
  );
});

sharing("share UDP ports by flow or by destination address, as the era has it", async () => {
  const two = (address: string, port: number): Stream => ({
    ...dns,
    name: `${address} ${port}`,
    to: { address, port, protocol: "udp" },
  });
  const load = evenWorkload({
    nodes: 1,
    podsPerNode: 1,
    streams: [two("203.0.113.1", 53), two("203.0.113.1", 123), two("203.0.113.2", 53)],
  });
  const groups = async (era: "2018" | "2023") =>
    (await simulate(load, loadBalancerRules({ nodes: 1, era }), short)).destinations().map(row => row.destination);
  assert.equal(await groups("2018"), ["any/udp", "all"]);
  assert.equal(await groups("2023"), ["203.0.113.1/udp", "203.0.113.2/udp", "all"]);
});

sharing.run();

const changing = suite("a change of the rules");

changing("takes away what Erlang's formula says is on the ports that go", async () => {
  const load = 24;
  const stream: Stream = { ...api, rate: load / (240 + 15), to: { ...dns.to, protocol: "tcp" } };
  const one = evenWorkload({ nodes: 1, podsPerNode: 1, streams: [stream] });
  const [before, after] = [48, 24].map(allocatedOutboundPorts =>
    loadBalancerRules({ nodes: 1, allocatedOutboundPorts }),
  ) as [PortRules, PortRules];
  const { least, most } = mappingsLost(load, 48, 24);
  for (const [keeps, expected] of [
    ["lowest", least],
    ["highest", most],
  ] as const) {
    const replications = 400;
    const result = await simulate(one, before, {
      seconds: 600,
      buckets: 2,
      replications,
      change: { at: 300, rules: after, keeps },
    });
    const { takenAway, cutOff, limit } = result.destinations({ destination: "all" })[0]!;
    const mean = takenAway! / replications;
    // Ports in use vary a little more than at random (above), or less (below): 2 is more than their variance to mean ratio.
    const error = Math.sqrt((2 * expected) / replications);
    assert.ok(Math.abs(mean - expected) < 3 * error, `${keeps}: ${mean} against ${expected} +- ${error}`);
    // A connection is open for 15 of the 255 seconds that it holds its port.
    const open = (takenAway! * 15) / 255;
    assert.ok(Math.abs(cutOff! - open) < 3 * Math.sqrt(open), `${keeps}: ${cutOff} cut off against ${open}`);
    assert.is(limit, 48);
    assert.equal(
      result.use({ destination: "all" }).map(row => [row.limit, row.max <= row.limit]),
      [
        [48, true],
        [24, true],
      ],
    );
  }
});

changing("to more ports harms nobody, and to fewer is felt by the formula", async () => {
  const few = loadBalancerRules({ nodes: 3, allocatedOutboundPorts: 64 });
  const options = { seconds: 40_000, buckets: 4, seed: 3 };
  const grown = await simulate(workload, few, { ...options, change: { at: 20_000, rules } });
  const all = grown.destinations({ destination: "all", protocol: "tcp" });
  assert.equal(
    all.map(({ takenAway, cutOff }) => [takenAway, cutOff]),
    all.map(() => [0, 0]),
  );
  const shrunk = await simulate(workload, rules, { ...options, change: { at: 20_000, rules: few } });
  const shareOf = (result: SimulationResult, bucket: number): number => {
    const use = result.use({ destination: "all", protocol: "tcp" }).filter(({ from }) => from === bucket * 10_000);
    const sum = (field: "attempts" | "failures") => use.reduce((total, row) => total + row[field], 0);
    return sum("failures") / sum("attempts");
  };
  const load = (10 * 0.15 * (240 + 15)) / 2;
  for (const [result, bucket] of [
    [grown, 1],
    [shrunk, 3],
  ] as const) {
    const share = shareOf(result, bucket);
    assert.ok(Math.abs(share / erlangB(load, 64) - 1) < 0.02, `${share} against ${erlangB(load, 64)}`);
  }
  assert.ok(Math.abs(shareOf(grown, 3) / erlangB(load, 192) - 1) < 0.3, `${shareOf(grown, 3)}`);
});

changing("is refused out of time, and when more than the ports differs", async () => {
  const refused = async (change: RulesChange): Promise<string> =>
    (await rejection(simulate(workload, rules, { ...short, change }))).message;
  assert.match(
    await refused({ at: 600, rules }),
    /^change\.at: 600 is not within the time simulated; expected seconds/,
  );
  assert.match(
    await refused({ at: 10, rules: loadBalancerRules({ nodes: 3, holdAfterFin: 120 }) }),
    /^change\.rules\.after\.fin: 120 is not what it was before the change.*; expected 240/,
  );
  assert.match(await refused({ at: 10, rules: natGatewayRules() }), /^change\.rules\.kind: "nat-gateway" /);
  assert.match(
    await refused({ at: 10, rules, keeps: "middle" as "lowest" }),
    /^change\.keeps: "middle" is no choice of ports; expected lowest or highest/,
  );
});

changing.run();

const control = suite("a long simulation");

const long: Workload = evenWorkload({ nodes: 40, podsPerNode: 30, streams: [{ ...api, rate: 2 }] });

control("reports its progress", async () => {
  for (const workers of [undefined, workerThreads(2)]) {
    const shares: number[] = [];
    await simulate(long, loadBalancerRules({ nodes: 40 }), {
      seconds: 300,
      warmUp: 0,
      onProgress: share => shares.push(share),
      ...(workers === undefined ? {} : { workers }),
    });
    assert.ok(shares.length > 3, `${shares}`);
    assert.equal(
      shares,
      [...shares].sort((a, b) => a - b),
    );
    assert.is(shares.at(-1), 1);
  }
});

control("stops when it is told to", async () => {
  for (const workers of [undefined, workerThreads(2)]) {
    const stop = new AbortController();
    const options = { seconds: 1e6, signal: stop.signal, ...(workers === undefined ? {} : { workers }) };
    const started = simulate(long, loadBalancerRules({ nodes: 40 }), options);
    setTimeout(() => stop.abort(new Error("enough")), 50);
    assert.is((await rejection(started)).message, "enough");
    assert.is((await rejection(simulate(long, rules, options))).message, "enough", "a signal that is aborted already");
  }
});

control("leaves threads behind that take up the next one, and do not keep a program from ending", async () => {
  const stop = new AbortController();
  const workers = workerThreads(2);
  const options = { ...short, workers };
  const before = await simulate(workload, rules, options);
  const stopped = simulate(long, loadBalancerRules({ nodes: 40 }), { seconds: 1e6, workers, signal: stop.signal });
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await rejection(stopped);
  const [after, other] = await Promise.all([
    simulate(workload, rules, options),
    simulate(workload, rules, { ...options, seed: 12 }),
  ]);
  assert.equal(everything(after), everything(before));
  assert.not.equal(everything(other), everything(before));

  const program = `
    import { evenWorkload, loadBalancerRules, simulate } from ${built("index.js")};
    import { workerThreads } from ${built("snat/workerThreads.js")};
    const streams = [{ name: "api", rate: 1, to: { address: "203.0.113.7", port: 443, protocol: "tcp" }, duration: { kind: "constant", seconds: 1 } }];
    const workload = evenWorkload({ nodes: 2, podsPerNode: 1, streams });
    const options = { seconds: 100, workers: workerThreads(2) };
    for (let i = 0; i < 2; i++) await simulate(workload, loadBalancerRules({ nodes: 2 }), options);
  `;
  execFileSync(process.execPath, ["--input-type=module", "-e", program], { timeout: 9000 });
});

control("takes memory by the ports in use, not by the connections made", async () => {
  const busy = evenWorkload({
    nodes: 1,
    podsPerNode: 1,
    streams: [{ ...api, rate: 4000, ends: "rst", duration: { kind: "constant", seconds: 0.001 } }],
  });
  const result = await simulate(busy, loadBalancerRules({ nodes: 1, holdAfterRst: 0.05 }), { seconds: 600, warmUp: 0 });
  assert.ok(
    result.attempts > 2_000_000 && result.peakConnections < 400,
    `${result.attempts} connections, ${result.peakConnections} at once`,
  );
});

control.run();

const input = suite("bad input is refused");

const refuses = async (run: () => Promise<unknown>, message: RegExp) =>
  assert.match((await rejection(run())).message, message);
const withStream = (change: Partial<Stream>) => () =>
  simulate({ nodes: [{ name: "n", pods: [{ name: "p", streams: [{ ...api, ...change }] }] }] }, rules, short);

input("in a workload", async () => {
  await refuses(() => simulate({ nodes: [] }, rules), /workload.nodes: \[\] is empty/);
  await refuses(
    () => simulate(evenWorkload({ nodes: 1, podsPerNode: 1, streams: [] }), rules),
    /is empty; expected a stream with a rate above 0 on some pod/,
  );
  await refuses(withStream({ rate: 0 }), /is empty/);
  await refuses(
    withStream({ rate: -1 }),
    /workload.nodes\[0\].pods\[0\].streams\[0\].rate: -1 is negative; expected connections per second, 0 or more/,
  );
  await refuses(withStream({ rate: Infinity }), /rate: Infinity is not a number/);
  await refuses(
    withStream({ to: { address: "203.0.113.300", port: 1, protocol: "tcp" } }),
    /to.address: "203.0.113.300" is not an IPv4 address/,
  );
  await refuses(withStream({ to: { address: "203.0.113.3", port: 0, protocol: "tcp" } }), /to.port: 0 is out of range/);
  await refuses(
    withStream({ to: { address: "203.0.113.3", port: 1, protocol: "icmp" as "tcp" } }),
    /"icmp" is no protocol with ports to translate; expected tcp or udp/,
  );
  await refuses(withStream({ to: { ...dns.to }, ends: "fin" }), /ends: "fin" needs TCP/);
  await refuses(
    withStream({
      profile: [
        { from: 5, factor: 1 },
        { from: 5, factor: 2 },
      ],
    }),
    /profile\[1\].from: 5 is not after the step before; expected more than 5/,
  );
  await refuses(() => simulate({ nodes: [workload.nodes[0]!, workload.nodes[0]!] }, rules), /"node-0" is used twice/);
});

input("in the time and the replications", async () => {
  await refuses(() => simulate(workload, rules, { seconds: 0 }), /seconds: 0/);
  await refuses(() => simulate(workload, rules, { warmUp: -1 }), /warmUp: -1/);
  await refuses(() => simulate(workload, rules, { buckets: 0.5 }), /buckets: 0.5/);
  await refuses(() => simulate(workload, rules, { replications: 0 }), /replications: 0/);
  await refuses(() => simulate(workload, rules, { seed: 2 ** 32 }), /seed: 4294967296 is out of range; .* 32-bit/);
  assert.throws(() => workerThreads(0), /workerThreads: 0/);
});

input("in rules made by hand", async () => {
  const made = (change: Partial<PortRules>) => () => simulate(workload, { ...rules, ...change }, short);
  await refuses(made({ ports: Number.NaN }), /rules.ports: NaN is not a whole number; expected 1 to 1032192 ports/);
  await refuses(made({ connections: 0 }), /rules.connections: 0 is out of range/);
  await refuses(made({ after: { ...rules.after, fin: -1 } }), /rules.after.fin: -1 is not a length of time/);
  await refuses(made({ choice: "highest" as "lowest" }), /"highest" is no choice of ports; expected lowest or random/);
  await refuses(
    () => simulate(workload, rules, { ...short, change: { at: 300, rules: { ...rules, ports: 0 } } }),
    /change.rules.ports: 0 is out of range/,
  );
});

input("in any number, or it gives a result", async () => {
  type Given = { workload: Workload; rules: PortRules; timing: { seconds: number; warmUp: number; buckets: number } };
  const given = (): Given => ({
    workload: {
      nodes: [
        {
          name: "n",
          pods: [{ name: "p", streams: [{ ...api, keepAlive: 9, profile: burst({ at: 9, seconds: 9, factor: 2 }) }] }],
        },
      ],
    },
    rules: structuredClone(rules),
    timing: { seconds: 60, warmUp: 5, buckets: 4 },
  });
  const places = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] => {
    if (typeof value === "number") return [path];
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, child]) => places(child, [...path, key]));
  };
  const all = places(given());
  assert.ok(all.length > 18);
  let refused = 0;
  for (const path of all)
    for (const odd of [Number.NaN, Infinity, -1, 0, 0.5, true, "7"]) {
      const input = given();
      const parent = path.slice(0, -1).reduce((at, key) => at[key] as typeof at, input as Record<string, unknown>);
      parent[path.at(-1)!] = odd;
      const error = await simulate(input.workload, input.rules, input.timing).then(
        result => assert.not(Number.isNaN(result.failureProbability.mean), `${path.join(".")} = ${odd}`),
        (reason: unknown) => reason,
      );
      if (error === undefined) continue;
      assert.instance(error, InputError, `${path.join(".")} = ${odd}`);
      refused++;
    }
  assert.ok(refused > 4 * all.length, `${refused} of ${all.length} x 7`);
});

const lasting = (mean: number, change: Partial<Stream> = {}): Workload =>
  evenWorkload({
    nodes: 2,
    podsPerNode: 3,
    streams: [
      {
        name: "long",
        rate: 0.5,
        to: { address: "203.0.113.7", port: 443, protocol: "tcp" },
        duration: { kind: "exponential", mean },
        ...change,
      },
    ],
  });

input("in a run that would never end, said before it starts", async () => {
  await refuses(
    () => simulate(lasting(1e8), rules),
    /^warmUp: 1000002400 is ten times the longest mean hold, which is its default.*expected shorter connections, or a warmUp/,
  );
  await refuses(
    () => simulate(lasting(10, { rate: 1e5 }), rules, { seconds: 1e8 }),
    /arrivals: 60000000000000 are expected in 2500 s of warm-up and 1\.00e\+8 s.*expected at most 1\.00e\+10/,
  );
  await refuses(() => simulate(lasting(10), rules, { arrivalsAtMost: 100 }), /are expected.*at most 100/);
  await refuses(() => simulate(lasting(10), rules, { arrivalsAtMost: 0 }), /arrivalsAtMost: 0/);
  const many = { name: "site", count: 100_000, port: 443, protocol: "tcp" } as const;
  await refuses(
    () => simulate(lasting(10, { to: many }), rules, { buckets: 100_000 }),
    /bytes of ports and statistics/,
  );
  assert.ok((await simulate(lasting(1e8), rules, { warmUp: 10, seconds: 10 })).attempts > 0);
});

input("in a run as large as its estimate says", async () => {
  const profile = [
    { from: 100, factor: 3 },
    { from: 300, factor: 0 },
    { from: 1000, factor: 9 },
  ];
  for (const change of [{}, { profile }, { profile: profile.slice(1) }]) {
    const options = { seconds: 600, warmUp: 0, replications: 20 };
    const workload = lasting(10, change);
    const { arrivals } = simulationWork(workload, rules, options);
    const { attempts } = await simulate(workload, rules, options);
    assert.ok(Math.abs(attempts - arrivals) < 4 * Math.sqrt(arrivals), `${attempts}, ${arrivals} expected`);
    const warmed = simulationWork(workload, rules, { seconds: 600 });
    assert.is(warmed.warmUp, 2500);
    assert.is(Math.round(warmed.arrivals), Math.round(arrivals / 20 + 6 * 0.5 * 2500));
  }
});

input("in the rules, in Azure's own arithmetic", () => {
  assert.throws(
    () => loadBalancerRules({ nodes: 1, allocatedOutboundPorts: 100 }),
    /100 is not a multiple of 8.*expected 96 or 104/,
  );
  assert.throws(
    () => loadBalancerRules({ nodes: 8, allocatedOutboundPorts: 8000 }),
    /Total node count 9 requires 72000 ports but only 64000 ports are available given 1 outbound public IPs/,
  );
  assert.throws(() => loadBalancerRules({ nodes: 7, surge: 0, allocatedOutboundPorts: 10_000 }), /requires 70000/);
  assert.throws(
    () => loadBalancerRules({ nodes: 3, allocatedOutboundPorts: 21_000 }),
    /4 requires 84000.*3 nodes and 1 surge node, maxSurge 10%/,
  );
  assert.throws(() => loadBalancerRules({ nodes: 1001 }), /table of ports ends at 1000 nodes/);
  assert.throws(() => loadBalancerRules({ nodes: 1, outboundIps: 101 }), /1 to 100 outbound addresses/);
  assert.throws(() => loadBalancerRules({ nodes: 1, idleTimeoutMinutes: 3 }), /4 to 120 minutes/);
  assert.throws(() => natGatewayRules({ ips: 17 }), /1 to 16/);
});

input.run();
