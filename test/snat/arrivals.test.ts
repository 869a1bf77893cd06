import { suite } from "uvu";
import * as assert from "uvu/assert";
import { arrivalsInPool, batch } from "../../lib/snat/arrivals.js";
import { meanHold } from "../../lib/snat/hold.js";
import { compileJob } from "../../lib/snat/job.js";
import { loadBalancerRules } from "../../lib/snat/portRules.js";
import { type Stream, type Workload, destinationShares } from "../../lib/snat/workload.js";

const test = suite("arrivals");

const web: Stream = {
  name: "web",
  rate: 3,
  to: { name: "site", count: 5, port: 443, protocol: "tcp", zipf: 1 },
  duration: { kind: "exponential", mean: 3 },
};
const api: Stream = {
  ...web,
  name: "api",
  rate: 1,
  to: { address: "203.0.113.7", port: 443, protocol: "tcp" },
  duration: { kind: "constant", seconds: 2 },
};
const slow: Stream = {
  ...web,
  name: "slow",
  rate: 0.5,
  to: { name: "shard", count: 2, port: 1, protocol: "tcp" },
  duration: { kind: "lognormal", mean: 20, sigma: 2 },
  traffic: "once",
  ends: "rst",
};
const changing: Stream = {
  ...api,
  name: "changing",
  rate: 2,
  profile: [
    { from: 100, factor: 3 },
    { from: 250, factor: 0 },
    { from: 900, factor: 0.5 },
  ],
};

const rules = { ...loadBalancerRules({ nodes: 1 }), idle: { tcp: 30, udp: 30 } };
const seconds = 1000;
const warmUp = 200;
const workload: Workload = {
  nodes: [
    {
      name: "n",
      pods: [
        { name: "a", streams: [web, api] },
        { name: "b", streams: [web, slow, changing] },
        { name: "c", streams: [api] },
        { name: "d", streams: [] },
      ],
    },
  ],
};
const job = compileJob(workload, rules, { seconds, warmUp, buckets: 1, seed: 6 });

interface Arrival {
  readonly time: number;
  readonly pod: number;
  readonly stream: number;
  readonly group: number;
  readonly hold: number;
  readonly cut: boolean;
}

const all = (replication = 0): readonly Arrival[] => {
  const source = arrivalsInPool(job, 0, replication);
  const found: Arrival[] = [];
  for (let n = source.next(seconds); n > 0; n = source.next(seconds))
    for (let i = 0; i < n; i++) {
      const { times, pods, streams, groups, holds } = batch;
      const cut = streams[i]! < 0;
      found.push({
        time: times[i]!,
        pod: pods[i]!,
        stream: cut ? ~streams[i]! : streams[i]!,
        group: groups[i]!,
        hold: holds[i]!,
        cut,
      });
    }
  return found;
};

/** Within five standard deviations of a Poisson number. */
const expected = (got: number, mean: number, what: string) =>
  assert.ok(Math.abs(got - mean) <= 5 * Math.sqrt(mean), `${what}: ${got}, ${mean} expected`);

/** Seconds from one moment to another, each times the factor that is in force. */
const weighted = ({ profile = [] }: Stream, from: number, to: number): number => {
  const ends = [...profile.map(step => step.from), Infinity];
  const overlap = (start: number, end: number) => Math.max(0, Math.min(end, to) - Math.max(start, from));
  return (
    overlap(-Infinity, ends[0]!) +
    profile.reduce((sum, { factor }, i) => sum + factor * overlap(ends[i]!, ends[i + 1]!), 0)
  );
};

const arrived = all();
const streams = [web, api, slow, changing];
const podsWith = [[0, 1], [0, 2], [1], [1]] as const;

test("come in order, from the start of the warm-up to the end", () => {
  arrived.forEach(({ time }, i) => assert.ok(time >= (arrived[i - 1]?.time ?? -warmUp) && time < seconds));
  assert.ok(arrived[0]!.time < -warmUp + 10 && arrived.at(-1)!.time > seconds - 10);
});

test("of each stream of each pod come at its rate, times the factor in force", () => {
  const edges = [-warmUp, 0, 100, 250, 900, seconds];
  streams.forEach((stream, s) => {
    for (const pod of [0, 1, 2, 3])
      edges.slice(1).forEach((to, i) => {
        const from = edges[i]!;
        const count = arrived.filter(
          each => each.stream === s && each.pod === pod && each.time >= from && each.time < to,
        ).length;
        const present = (podsWith[s] as readonly number[]).includes(pod);
        expected(
          count,
          present ? stream.rate * weighted(stream, from, to) : 0,
          `${stream.name} of pod ${pod}, ${from}-${to}`,
        );
      });
  });
});

test("go to each destination by its share", () => {
  let first = 0;
  streams.slice(0, 3).forEach((stream, s) => {
    const own = arrived.filter(each => each.stream === s);
    const shares = destinationShares(stream.to);
    shares.forEach((share, i) => {
      const groups = job.streams[s]!.groups.map(group => job.pools[0]!.groupIndex[group]!);
      expected(own.filter(each => each.group === groups[i]).length, own.length * share, `${stream.name} ${i}`);
    });
    first += shares.length;
  });
  assert.is(job.pools[0]!.groups.length, first);
});

test("hold their port as long as their law says, and are marked where silence cuts them off", () => {
  streams.forEach((_, s) => {
    const own = arrived.filter(each => each.stream === s).map(({ hold }) => hold);
    const mean = own.reduce((sum, hold) => sum + hold, 0) / own.length;
    const variance = own.reduce((sum, hold) => sum + (hold - mean) ** 2, 0) / own.length;
    const law = meanHold(job.streams[s]!.hold);
    assert.ok(Math.abs(mean - law) <= 1e-9 + 5 * Math.sqrt(variance / own.length), `${s}: ${mean}, ${law} expected`);
  });
  for (const { stream, hold, cut } of arrived) assert.is(cut, stream === 2 && hold === 30);
  assert.ok(arrived.some(({ cut }) => cut));
});

test("have gaps of an exponential law", () => {
  const steady = arrived.filter(({ time }) => time < 100).map(({ time }) => time);
  const gaps = steady.slice(1).map((time, i) => time - steady[i]!);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const squares = gaps.reduce((sum, gap) => sum + gap * gap, 0) / gaps.length;
  assert.ok(Math.abs(squares / mean ** 2 - 2) < (5 * Math.sqrt(20)) / Math.sqrt(gaps.length), `${squares / mean ** 2}`);
});

test("are others in each replication, and know their highest rate", () => {
  assert.equal(all(), arrived);
  assert.ok(all(1).every(({ time }, i) => time !== arrived[i]?.time));
  // 2 x web, 2 x api, slow, and changing at its highest.
  assert.ok(Math.abs(arrivalsInPool(job, 0, 0).peakRate - (6 + 2 + 0.5 + 6)) < 1e-9);
});

test.run();
