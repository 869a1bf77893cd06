import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type RateStep,
  type Stream,
  type Workload,
  burst,
  checkStream,
  checkWorkload,
  clusterWorkload,
  daily,
  destinationName,
  destinationShares,
  evenWorkload,
  ramp,
} from "../../lib/snat/workload.js";
import { message } from "../message.js";

const close = (got: readonly number[], expected: readonly number[]) => {
  assert.is(got.length, expected.length);
  got.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${i}: ${value}, ${expected[i]} expected`),
  );
};
const web: Stream = {
  name: "web",
  rate: 1,
  to: { name: "site", count: 3, port: 443, protocol: "tcp" },
  duration: { kind: "exponential", mean: 3 },
};

const shapes = suite("rates over time");

shapes("of a burst are higher for a while", () =>
  assert.equal(burst({ at: 60, seconds: 30, factor: 5 }), [
    { from: 60, factor: 5 },
    { from: 90, factor: 1 },
  ]),
);

shapes("of a ramp go from one factor to the other in equal steps, both included", () => {
  assert.equal(ramp({ seconds: 100, from: 1, to: 3, steps: 5 }), [
    { from: 0, factor: 1 },
    { from: 20, factor: 1.5 },
    { from: 40, factor: 2 },
    { from: 60, factor: 2.5 },
    { from: 80, factor: 3 },
  ]);
  assert.is(ramp({ seconds: 60, from: 0, to: 1 }).length, 60);
  assert.equal(ramp({ seconds: 10, from: 4, to: 2, steps: 2 }), [
    { from: 0, factor: 4 },
    { from: 5, factor: 2 },
  ]);
  assert.is(
    message(() => ramp({ seconds: 1, from: 0, to: 1, steps: 1 })),
    "steps: 1 is out of range; expected 2 to 100000 steps",
  );
});

shapes("of a day are a cosine with its peak at an hour, one step a quarter of an hour, and the same every day", () => {
  const day = daily({ low: 0.2, peakHour: 14 });
  assert.equal(
    day.map(({ from }) => from),
    Array.from({ length: 96 }, (_, i) => i * 900),
  );
  const at = (hour: number) => day.findLast(({ from }) => from <= hour * 3600)!.factor;
  // At the middle of a quarter of an hour: cos of 15 degrees an hour from the peak.
  for (const hour of [0, 2, 8, 13.75, 14, 20, 23.75])
    close([at(hour)], [0.2 + 0.4 * (1 + Math.cos((Math.PI / 12) * (hour + 0.125 - 14)))]);
  const factors = day.map(({ factor }) => factor);
  assert.ok(Math.max(...factors) < 1 && Math.max(...factors) > 0.999 && Math.min(...factors) > 0.2);
  close([factors.reduce((sum, factor) => sum + factor, 0) / 96], [0.6]);
  const three = daily({ low: 0.2, peakHour: 14, days: 3 });
  assert.is(three.length, 288);
  close(
    three.map(({ factor }) => factor),
    [...factors, ...factors, ...factors],
  );
});

shapes.run();

const spread = suite("destinations");

spread("of a spread follow Zipf's law", () => {
  close(destinationShares({ name: "a", count: 4, port: 1, protocol: "tcp" }), [0.25, 0.25, 0.25, 0.25]);
  const harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4;
  close(
    destinationShares({ name: "a", count: 4, port: 1, protocol: "tcp", zipf: 1 }),
    [1, 1 / 2, 1 / 3, 1 / 4].map(weight => weight / harmonic),
  );
  close(destinationShares({ name: "a", count: 3, port: 1, protocol: "tcp", zipf: 2 }), [36 / 49, 9 / 49, 4 / 49]);
  assert.equal(destinationShares({ address: "203.0.113.7", port: 1, protocol: "tcp" }), [1]);
});

spread("are named by address, port and protocol, those of a spread counted from 1", () => {
  assert.is(destinationName({ address: "203.0.113.7", port: 443, protocol: "tcp" }, 0), "203.0.113.7:443/tcp");
  assert.is(destinationName({ name: "shop", count: 5, port: 53, protocol: "udp" }, 2), "shop 3:53/udp");
});

spread.run();

const who = suite("workloads");

who("alike on every node", () => {
  const { nodes } = evenWorkload({ nodes: 2, podsPerNode: 2, streams: [web] });
  assert.equal(
    nodes.map(node => [node.name, node.pods.map(pod => pod.name)]),
    [
      ["node-0", ["node-0-pod-0", "node-0-pod-1"]],
      ["node-1", ["node-1-pod-0", "node-1-pod-1"]],
    ],
  );
  assert.is(evenWorkload({ nodes: 1, podsPerNode: 250, streams: [web] }).nodes[0]!.pods.length, 250);
  assert.is(evenWorkload({ nodes: 5000, podsPerNode: 1, streams: [web] }).nodes.length, 5000);
  for (const [nodes, podsPerNode, text] of [
    [0, 1, "nodes: 0 is out of range; expected 1 to 5000 nodes"],
    [5001, 1, "nodes: 5001 is out of range; expected 1 to 5000 nodes"],
    [1, 0, "podsPerNode: 0 is out of range; expected 1 to 250 pods per node"],
    [1, 251, "podsPerNode: 251 is out of range; expected 1 to 250 pods per node"],
  ] as const)
    assert.is(
      message(() => evenWorkload({ nodes, podsPerNode, streams: [web] })),
      text,
    );
});

who("of a cluster are where its pods are", () => {
  const pods = [
    { name: "a", node: "n1" },
    { name: "b", node: "n0" },
    { name: "c", node: "n1" },
  ];
  const found = clusterWorkload({ nodes: [{ name: "n0" }, { name: "n1" }], pods }, pod =>
    pod.name === "a" ? [] : [web],
  );
  assert.equal(
    found.nodes.map(node => [node.name, node.pods.map(pod => `${pod.name} ${pod.streams.length}`)]),
    [
      ["n0", ["b 1"]],
      ["n1", ["a 0", "c 1"]],
    ],
  );
});

who.run();

const senseless = suite("what has no sense");

senseless("in an even workload is refused before it is spread over pods", () => {
  const even = (streams: unknown) =>
    message(() => evenWorkload({ nodes: 1, podsPerNode: 1, streams: streams as readonly Stream[] }));
  assert.is(even(NaN), "streams: NaN is not a list; expected streams");
  assert.is(even([{ ...web, rate: NaN }]).split(";")[0], "streams[0].rate: NaN is not a number");
});

senseless("in a stream is refused by its field, and what lies just within is taken", () => {
  const udp = { address: "203.0.113.7", port: 53, protocol: "udp" } as const;
  const tcp = { name: "site", count: 3, port: 443, protocol: "tcp" } as const;
  const steps = (...from: readonly number[]): readonly RateStep[] => from.map(each => ({ from: each, factor: 1 }));
  const rows: readonly (readonly [change: Partial<Stream>, text: string])[] = [
    [{ rate: -1 }, "stream.rate: -1 is negative; expected connections per second, 0 or more"],
    [{ to: { ...tcp, port: 0 } }, "stream.to.port: 0 is out of range; expected 1 to 65535 for a port"],
    [{ to: { ...tcp, port: 65536 } }, "stream.to.port: 65536 is out of range; expected 1 to 65535 for a port"],
    [{ to: { ...tcp, count: 0 } }, "stream.to.count: 0 is out of range; expected 1 to 100000 destinations"],
    [{ to: { ...tcp, count: 100_001 } }, "stream.to.count: 100001 is out of range; expected 1 to 100000 destinations"],
    [{ to: { ...tcp, name: "" } }, 'stream.to.name: "" is empty; expected a name'],
    [{ to: { ...tcp, zipf: -0.1 } }, "stream.to.zipf: -0.1 is out of range; expected an exponent from 0 to 10"],
    [{ to: { ...tcp, zipf: 10.1 } }, "stream.to.zipf: 10.1 is out of range; expected an exponent from 0 to 10"],
    [{ ends: "reset" as "rst" }, 'stream.ends: "reset" is no way to end; expected fin or rst or idle'],
    [{ to: udp, ends: "rst" }, 'stream.ends: "rst" needs TCP; expected idle, or left out, for UDP'],
    [{ traffic: "never" as "once" }, 'stream.traffic: "never" is no kind of traffic; expected steady or once'],
    [{ keepAlive: 0 }, "stream.keepAlive: 0 is not a length of time; expected seconds above 0"],
    [{ to: udp, keepAlive: 9 }, "stream.keepAlive: 9 needs TCP; expected nothing for UDP"],
    [{ profile: steps(-1) }, "stream.profile[0].from: -1 is negative; expected seconds, 0 or more"],
    [{ profile: steps(0, 5, 4) }, "stream.profile[2].from: 4 is not after the step before; expected more than 5"],
    [{ profile: [{ from: 0, factor: -1 }] }, "stream.profile[0].factor: -1 is negative; expected a factor, 0 or more"],
  ];
  for (const [change, text] of rows)
    assert.is(
      message(() => checkStream({ ...web, ...change })),
      text,
    );
  for (const change of [
    { rate: 0 },
    { to: { ...tcp, port: 1, count: 1, zipf: 0 } },
    { to: { ...tcp, port: 65535, count: 100_000, zipf: 10 } },
    { to: udp, ends: "idle" },
    { ends: "fin", traffic: "once", keepAlive: 0.1, profile: steps(0, 1, 2) },
    { profile: [{ from: 0, factor: 0 }] },
  ] as readonly Partial<Stream>[])
    checkStream({ ...web, ...change });
});

senseless("in a workload is refused by its place", () => {
  const workload = (...pods: readonly (readonly [name: string, streams: readonly Stream[]])[]): Workload => ({
    nodes: [{ name: "n", pods: pods.map(([name, streams]) => ({ name, streams })) }],
  });
  checkWorkload(workload(["a", [web]], ["b", []]));
  const [node] = workload(["a", [web]]).nodes;
  assert.is(
    message(() => checkWorkload({ nodes: [node!, node!] })),
    'workload.nodes[1].name: "n" is used twice; expected a name of its own for each node',
  );
  assert.match(
    message(() => checkWorkload(workload(["a", [{ ...web, rate: 0 }]]))),
    /workload: "no connection" is empty/,
  );
  const other: Stream = { ...web, to: { name: "site", count: 4, port: 443, protocol: "tcp" } };
  assert.is(
    message(() => checkWorkload(workload(["a", [web]], ["b", [other]]))),
    "workload.nodes[0].pods[1].streams[0].to.count: 4 differs from workload.nodes[0].pods[0].streams[0], which has the same name; expected 3, or another name",
  );
  checkWorkload(workload(["a", [web]], ["b", [{ ...other, to: { ...other.to, name: "other" } }]]));
});

senseless.run();
