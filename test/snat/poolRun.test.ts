import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PoolRun, figure, figuresPerBucket } from "../../lib/snat/poolRun.js";
import { erlangB, occupancy, sharedPorts } from "../../lib/snat/erlang.js";
import { type Job, compileJob } from "../../lib/snat/job.js";
import { type PortRules, loadBalancerRules, masqueradeRules } from "../../lib/snat/portRules.js";
import { type Stream, evenWorkload } from "../../lib/snat/workload.js";
import { plainCluster } from "./reference.js";

const finish = (job: Job, pool = 0, replication = 0) => {
  const run = new PoolRun(job, pool, replication);
  while (!run.advance(10_000));
  return run.result();
};

/** Rules with few ports, so that a short run fills them. */
const small = (ports: number, change: Partial<PortRules> = {}): PortRules => ({
  ...loadBalancerRules({ nodes: 1 }),
  ports,
  connectionsPerDestination: ports,
  after: { fin: 2, rst: 1, udp: 0 },
  ...change,
});

const agree = (job: Job) => {
  const { series, podMeans, events, takenAway, cutOff } = finish(job);
  const plain = plainCluster(job, 0);
  const rowCount = job.pools[0]!.groups.length + 1;
  plain.rows.forEach((rows, bucket) =>
    rows.forEach((row, place) => {
      const at = (bucket * rowCount + place) * figuresPerBucket;
      const sorted = row.readings.toSorted((a, b) => a - b);
      const exact = {
        min: row.min,
        p95: sorted[94],
        p99: sorted[98],
        max: row.max,
        attempts: row.attempts,
        failures: row.failures,
      };
      for (const [name, value] of Object.entries(exact))
        assert.is(series[at + figure[name as keyof typeof figure]], value, `bucket ${bucket} row ${place}: ${name}`);
      assert.ok(Math.abs(series[at + figure.mean]! - (row.portSeconds * job.buckets) / job.seconds) < 1e-6, "mean");
    }),
  );
  const podCount = job.pools[0]!.pods.length;
  plain.podMeans.forEach((means, bucket) =>
    means.forEach((mean, pod) => assert.ok(Math.abs(podMeans[bucket * podCount + pod]! - mean) < 1e-6, `pod ${pod}`)),
  );
  assert.is(events, plain.events);
  assert.equal([...takenAway], plain.takenAway);
  assert.equal([...cutOff], plain.cutOff);
};

const web: Stream = {
  name: "web",
  rate: 1,
  to: { name: "site", count: 3, port: 443, protocol: "tcp" },
  duration: { kind: "exponential", mean: 3 },
};

const same = suite("the engine and a plain list of events");

same("take and give back the same ports", () => {
  agree(
    compileJob(evenWorkload({ nodes: 1, podsPerNode: 5, streams: [web] }), small(8), {
      seconds: 200,
      buckets: 4,
      seed: 3,
    }),
  );
});

same("agree under changing rates, mixed laws, a start with every port free, long silences", () => {
  const streams: Stream[] = [
    {
      ...web,
      profile: [
        { from: 0, factor: 0 },
        { from: 50, factor: 4 },
        { from: 60, factor: 0.01 },
        { from: 170, factor: 1 },
      ],
    },
    {
      ...web,
      name: "api",
      ends: "rst",
      to: { address: "203.0.113.7", port: 80, protocol: "tcp" },
      duration: { kind: "lognormal", mean: 4, sigma: 2 },
      traffic: "once",
    },
    { ...web, name: "slow", rate: 0.05, ends: "idle", duration: { kind: "empirical", samples: [0.1, 90] } },
  ];
  agree(
    compileJob(evenWorkload({ nodes: 1, podsPerNode: 3, streams }), small(12, { idle: { tcp: 20, udp: 20 } }), {
      seconds: 300,
      warmUp: 0,
      buckets: 7,
      seed: 4,
    }),
  );
});

same("agree where open connections are limited, and those that only hold a port are not", () => {
  const streams: Stream[] = [
    web,
    { ...web, name: "forgotten", rate: 0.3, traffic: "once" },
    { ...web, name: "idle", rate: 0.2, ends: "idle" },
    { ...web, name: "dns", rate: 0.5, to: { name: "site", count: 3, port: 53, protocol: "udp" } },
  ];
  const limits = { counted: "open", idle: { tcp: 6, udp: 4 }, after: { fin: 5, rst: 1, udp: 3 } } as const;
  for (const connectionsPerDestination of [2, 5, 8, 11])
    for (const at of [undefined, 40]) {
      const rules = small(12, { ...limits, connectionsPerDestination });
      const change = { at: at!, rules: { ...rules, ports: 9, connectionsPerDestination: 4 } };
      const timing = { seconds: 100, buckets: 5, seed: connectionsPerDestination };
      const workload = evenWorkload({ nodes: 1, podsPerNode: 5, streams });
      agree(compileJob(workload, rules, timing, at === undefined ? undefined : change));
    }
});

same("agree when ports are taken away, added, and with no one there to take them", () => {
  const streams: Stream[] = [web, { ...web, name: "slow", rate: 0.2, ends: "idle", traffic: "once" }];
  const rules = (ports: number) => small(ports, { idle: { tcp: 3, udp: 3 } });
  for (const [before, after] of [
    [12, 5],
    [70, 40],
    [5, 40],
    [8, 8],
  ] as const)
    for (const keeps of ["lowest", "highest"] as const)
      for (const at of [0.5, 20, 99.7]) {
        const change = { at, rules: rules(after), keeps };
        const timing = { seconds: 100, buckets: 5, seed: before };
        agree(compileJob(evenWorkload({ nodes: 1, podsPerNode: 5, streams }), rules(before), timing, change));
      }
});

same("does not matter to one that another runs in between", () => {
  const job = compileJob(evenWorkload({ nodes: 2, podsPerNode: 3, streams: [web] }), small(8), {
    seconds: 2000,
    buckets: 4,
    seed: 5,
  });
  const runs = [new PoolRun(job, 0, 0), new PoolRun(job, 1, 0)];
  const unfinished = new Set(runs);
  while (unfinished.size > 0) for (const run of unfinished) if (run.advance(1)) unfinished.delete(run);
  runs.forEach((run, pool) => assert.equal(run.result(), finish(job, pool)));
});

same("agree on connections that last far longer than most", () => {
  const streams: Stream[] = [
    { ...web, rate: 20, ends: "rst", duration: { kind: "empirical", samples: [...Array<number>(99).fill(0.1), 1000] } },
  ];
  const idle = { tcp: 5000, udp: 5000 };
  for (const warmUp of [0, 300])
    agree(
      compileJob(evenWorkload({ nodes: 1, podsPerNode: 1, streams }), small(250, { idle }), {
        seconds: 2000,
        warmUp,
        buckets: 4,
        seed: 6,
      }),
    );
});

same("agree on more ports than a thousand, all of them taken and given back", () => {
  const streams: Stream[] = [
    {
      ...web,
      rate: 700,
      ends: "rst",
      to: { address: "203.0.113.7", port: 80, protocol: "tcp" },
      duration: { kind: "exponential", mean: 1 },
    },
  ];
  const timing = { seconds: 6, warmUp: 0, buckets: 2, seed: 2 };
  agree(compileJob(evenWorkload({ nodes: 1, podsPerNode: 1, streams }), small(1150), timing));
});

const law: fc.Arbitrary<Stream["duration"]> = fc.oneof(
  fc.record({ kind: fc.constant("constant" as const), seconds: fc.double({ min: 0.01, max: 20, noNaN: true }) }),
  fc.record({ kind: fc.constant("exponential" as const), mean: fc.double({ min: 0.01, max: 20, noNaN: true }) }),
  fc.record({
    kind: fc.constant("lognormal" as const),
    mean: fc.double({ min: 0.01, max: 20, noNaN: true }),
    sigma: fc.double({ min: 0.1, max: 3, noNaN: true }),
  }),
);

same("agree on anything", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 70 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(
        fc.record({
          rate: fc.double({ min: 0.01, max: 3, noNaN: true }),
          count: fc.integer({ min: 1, max: 5 }),
          duration: law,
        }),
        { minLength: 1, maxLength: 3 },
      ),
      fc.integer(),
      fc.constantFrom(0, 5, 50),
      fc.integer({ min: 1, max: 200 }),
      (ports, podsPerNode, kinds, seed, warmUp, perPool) => {
        const streams = kinds.map(({ rate, count, duration }, i): Stream => ({
          ...web,
          name: `${i}`,
          rate,
          duration,
          to: { name: `${i}`, count, port: 1, protocol: "tcp", zipf: i },
        }));
        agree(
          compileJob(evenWorkload({ nodes: 1, podsPerNode, streams }), small(ports, { connections: perPool }), {
            seconds: 60,
            buckets: 3,
            seed,
            warmUp,
          }),
        );
      },
    ),
    { numRuns: 60 },
  );
});

same.run();

const theory = suite("the engine and Erlang's formula");

theory("each destination fails as if alone, and the ports in use follow from the lowest being taken first", () => {
  const streams: Stream[] = [1, 2, 3].map(i => ({
    ...web,
    name: `${i}`,
    rate: 12,
    to: { address: `203.0.113.${i}`, port: 443, protocol: "tcp" },
    duration: { kind: "exponential", mean: i },
  }));
  const job = compileJob(evenWorkload({ nodes: 1, podsPerNode: 1, streams }), small(48), {
    seconds: 20_000,
    buckets: 1,
    seed: 7,
  });
  const { series } = finish(job);
  const loads = [36, 48, 60];
  const expected = sharedPorts(loads, 48);
  loads.forEach((load, group) => {
    const at = group * figuresPerBucket;
    const failed = series[at + figure.failures]! / series[at + figure.attempts]!;
    assert.ok(Math.abs(failed / erlangB(load, 48) - 1) < 0.05, `${load}: ${failed} against ${erlangB(load, 48)}`);
    assert.ok(Math.abs(series[at + figure.mean]! / occupancy(load, 48).mean - 1) < 0.01);
  });
  assert.ok(
    Math.abs(series[3 * figuresPerBucket + figure.mean]! / expected.meanInUse - 1) < 0.005,
    `${series[3 * figuresPerBucket + figure.mean]} against ${expected.meanInUse}`,
  );
});

theory("a random free port spreads the use over more ports", () => {
  const streams: Stream[] = [1, 2].map(i => ({
    ...web,
    name: `${i}`,
    rate: 20,
    to: { address: `203.0.113.${i}`, port: 443, protocol: "tcp" },
    duration: { kind: "exponential", mean: 1 },
  }));
  const rules = { ...masqueradeRules({ first: 1, last: 100 }), after: { fin: 1, rst: 1, udp: 0 } };
  const { series } = finish(
    compileJob(evenWorkload({ nodes: 1, podsPerNode: 1, streams }), rules, { seconds: 20_000, buckets: 1, seed: 8 }),
  );
  const expected = sharedPorts([40, 40], 100, "random").meanInUse;
  assert.ok(
    Math.abs(series[2 * figuresPerBucket + figure.mean]! / expected - 1) < 0.01,
    `${series[2 * figuresPerBucket + figure.mean]} against ${expected}`,
  );
});

theory("every port can be taken when the choice is random, and no more", () => {
  const rules = masqueradeRules({ first: 1, last: 100 });
  const { series } = finish(
    compileJob(
      evenWorkload({
        nodes: 1,
        podsPerNode: 1,
        streams: [{ ...web, rate: 10, to: { address: "203.0.113.1", port: 443, protocol: "tcp" } }],
      }),
      rules,
      { seconds: 500, buckets: 1, seed: 9 },
    ),
  );
  assert.is(series[figure.max], 100);
  assert.ok(series[figure.failures]! > 0);
});

theory.run();
