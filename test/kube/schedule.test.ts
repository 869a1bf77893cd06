import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr, nth } from "../../lib/ip/cidr.js";
import { azureVnetIpam, hostLocal } from "../../lib/kube/ipam.js";
import { type WantedPod, schedule } from "../../lib/kube/schedule.js";
import { seeded } from "../../lib/random.js";

const ipam = suite("ipam");

ipam("of kubenet gives .2 first, goes round, and comes back to a released address last", () => {
  const node = hostLocal(cidr("192.168.0.0/29"));
  assert.is(node.capacity, 5);
  assert.equal(
    [node.take(), node.take()].map(address => formatAddr(address!)),
    ["192.168.0.2", "192.168.0.3"],
  );
  node.release(addr("192.168.0.2"));
  assert.equal(
    [1, 2, 3, 4].map(() => formatAddr(node.take()!)),
    ["192.168.0.4", "192.168.0.5", "192.168.0.6", "192.168.0.2"],
  );
  assert.is(node.take(), undefined);
  assert.is(hostLocal(cidr("192.168.3.0/24")).capacity, 253);
});

ipam("of azure-cni gives what the card holds, keeps pinned addresses for their pods, and runs out", () => {
  const reserved = [13, 14, 15, 16].map(last => addr(`10.13.76.${last}`));
  const node = azureVnetIpam(reserved, new Set([addr("10.13.76.15")]), seeded(1));
  const drawn = [node.take(), node.take(addr("10.13.76.99")), node.take()];
  assert.equal(drawn.map(address => formatAddr(address!)).sort(), ["10.13.76.13", "10.13.76.14", "10.13.76.16"]);
  assert.is(node.take(), undefined);
  assert.is(formatAddr(node.take(addr("10.13.76.15"))!), "10.13.76.15");
  node.release(drawn[0]!);
  assert.is(node.take(), drawn[0]);
});

ipam.run();

const test = suite("schedule");

const nodesAt = (times: readonly number[]) =>
  times.map((created, index) => ({ name: `n${index}`, internalIp: addr(`10.0.0.${index + 4}`), created }));
const wanted = (change: Partial<WantedPod>): WantedPod => ({
  owner: "a",
  created: 10,
  hostNetwork: false,
  daemon: false,
  ...change,
});
const run = (pods: readonly WantedPod[], times: readonly number[], maxPods = 10) =>
  schedule(pods, nodesAt(times), maxPods, node =>
    hostLocal({ base: nth(cidr("192.168.0.0/16"), node * 256), prefix: 24 }),
  ).map(placement => (placement.kind === "running" ? `${placement.node} ${formatAddr(placement.ip)}` : placement.kind));

const rows: readonly (readonly [
  name: string,
  pods: readonly WantedPod[],
  nodes: readonly number[],
  expected: readonly string[],
  maxPods?: number,
])[] = [
  [
    "in turn over equal nodes",
    [wanted({}), wanted({}), wanted({})],
    [0, 0],
    ["0 192.168.0.2", "1 192.168.1.2", "0 192.168.0.3"],
  ],
  [
    "apart from its own kind first, then where the fewest are",
    [wanted({ owner: "b", node: 0 }), wanted({ owner: "b", node: 0 }), wanted({}), wanted({})],
    [0, 0],
    ["0 192.168.0.2", "0 192.168.0.3", "1 192.168.1.2", "0 192.168.0.4"],
  ],
  [
    "in order of creation, not of mention",
    [wanted({ created: 20 }), wanted({ created: 10 })],
    [0],
    ["0 192.168.0.3", "0 192.168.0.2"],
  ],
  ["when a node has joined", [wanted({}), wanted({ created: 40 })], [30, 35], ["0 192.168.0.2", "1 192.168.1.2"]],
  ["never without a node", [wanted({})], [], ["pending"]],
  [
    "where it is pinned, if there is room",
    [wanted({ node: 1 }), wanted({ node: 1 }), wanted({ node: 9 })],
    [0, 0],
    ["1 192.168.1.2", "0 192.168.0.2", "pending"],
    1,
  ],
  ["when another has gone", [wanted({ deleted: 20 }), wanted({ created: 15 })], [0], ["deleted", "0 192.168.0.3"], 1],
  [
    "daemons before pods that have waited",
    [wanted({ created: 0 }), wanted({ owner: "d", created: 30, node: 0, hostNetwork: true, daemon: true })],
    [30],
    ["pending", "0 10.0.0.4"],
    1,
  ],
  [
    "that waits in the order of creation, as room comes",
    [wanted({ deleted: 30 }), wanted({ created: 12 }), wanted({ created: 11 }), wanted({ created: 13, deleted: 20 })],
    [0],
    ["deleted", "pending", "0 192.168.0.3", "deleted"],
    1,
  ],
  [
    "that waits on every node that joins later",
    [wanted({}), wanted({}), wanted({})],
    [30, 40],
    ["0 192.168.0.2", "1 192.168.1.2", "pending"],
    1,
  ],
  [
    "on the first of nodes that are alike in its own kind, by all pods",
    [wanted({ owner: "b", node: 0 }), wanted({ owner: "c", node: 1 }), wanted({ owner: "c", node: 1 }), wanted({})],
    [0, 0, 0],
    ["0 192.168.0.2", "1 192.168.1.2", "1 192.168.1.3", "2 192.168.2.2"],
  ],
  [
    "of the host network beside one that needs an address",
    [wanted({ hostNetwork: true, deleted: 20 }), wanted({ created: 15 }), wanted({ created: 30 })],
    [0],
    ["deleted", "0 192.168.0.2", "0 192.168.0.3"],
  ],
  ["on a node that joins in the same second", [wanted({ created: 30 })], [30], ["0 192.168.0.2"]],
  [
    "that is pinned to a node which is not there yet, once it is",
    [wanted({ node: 1 }), wanted({ created: 50 })],
    [0, 40],
    ["1 192.168.1.2", "0 192.168.0.2"],
  ],
  [
    "at a replacement's time before the one replaced goes",
    [wanted({ deleted: 20 }), wanted({ created: 20 })],
    [0, 0],
    ["deleted", "1 192.168.1.2"],
  ],
];

for (const [name, pods, nodes, expected, maxPods] of rows)
  test(`places a pod ${name}`, () => assert.equal(run(pods, nodes, maxPods), expected));

test("never gives an address twice or a node more than max-pods, and leaves none waiting while there is room", () => {
  const pod = fc.record({
    owner: fc.constantFrom("a", "b", "c"),
    created: fc.nat(50),
    lives: fc.option(fc.nat(40), { nil: undefined }),
    node: fc.option(fc.nat(5), { nil: undefined }),
    hostNetwork: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(pod, { maxLength: 60 }),
      fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 12 }),
      (pods, times, maxPods) => {
        const list = pods.map(({ lives, ...rest }) =>
          wanted({ ...rest, deleted: lives === undefined ? undefined : rest.created + lives }),
        );
        const placements = schedule(list, nodesAt(times), maxPods, node =>
          hostLocal({ base: nth(cidr("192.168.0.0/16"), node * 256), prefix: 24 }),
        );
        const running = placements.flatMap((placement, index) =>
          placement.kind === "running" ? [{ ...placement, hostNetwork: list[index]!.hostNetwork }] : [],
        );
        const own = running.filter(({ hostNetwork }) => !hostNetwork).map(({ ip }) => ip);
        assert.is(new Set(own).size, own.length);
        for (let node = 0; node < times.length; node++)
          assert.ok(running.filter(placed => placed.node === node).length <= maxPods);
        placements.forEach((placement, index) =>
          assert.is(placement.kind === "deleted", list[index]!.deleted !== undefined),
        );
        if (placements.some(({ kind }) => kind === "pending")) assert.is(running.length, maxPods * times.length);
      },
    ),
    { numRuns: 300 },
  );
});

/** The rule itself, looked at over all nodes each time. */
const plainly = (
  pods: readonly { readonly owner: string; readonly node?: number | undefined }[],
  nodes: number,
  maxPods: number,
): readonly (number | undefined)[] => {
  const placed: { readonly owner: string; readonly node: number }[] = [];
  return pods.map(({ owner, node: pinned }) => {
    const counts = (node: number) => {
      const there = placed.filter(pod => pod.node === node);
      return { all: there.length, own: there.filter(pod => pod.owner === owner).length, node };
    };
    const free = Array.from({ length: nodes }, (_, node) => counts(node)).filter(({ all }) => all < maxPods);
    const [first] = free.sort((a, b) => a.own - b.own || a.all - b.all || a.node - b.node);
    const best = free.find(({ node }) => node === pinned) ?? first;
    if (best !== undefined) placed.push({ owner, node: best.node });
    return best?.node;
  });
};

test("goes where it is pinned, else to the node with the fewest of its owner, then the fewest in all, then the first", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          owner: fc.constantFrom("a", "b", "c", "d"),
          node: fc.option(fc.nat(12), { nil: undefined, freq: 2 }),
        }),
        { maxLength: 80 },
      ),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 9 }),
      (pods, nodes, maxPods) => {
        const placements = schedule(pods.map(wanted), nodesAt(new Array<number>(nodes).fill(0)), maxPods, node =>
          hostLocal({ base: nth(cidr("192.168.0.0/16"), node * 256), prefix: 24 }),
        );
        assert.equal(
          placements.map(placement => (placement.kind === "running" ? placement.node : undefined)),
          plainly(pods, nodes, maxPods),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test.run();
