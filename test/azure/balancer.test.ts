import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type LoadBalancer,
  balancerTranslator,
  freePorts,
  outboundFrontends,
  outboundPorts,
  portAllocations,
  standaloneTranslator,
} from "../../lib/azure/balancer.js";
import { eras } from "../../lib/azure/era.js";
import { snatPorts } from "../../lib/azure/snat.js";
import type { Surge } from "../../lib/azure/surge.js";
import { type Addr, addr, formatAddr } from "../../lib/ip/addr.js";
import type { PortAllocation } from "../../lib/net/network.js";
import { seeded } from "../../lib/random.js";
import { message } from "../message.js";

const nodes = (count: number) => Array.from({ length: count }, (_, i) => (addr("10.0.0.4") + i) as Addr);
const frontends = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `f${i}`, address: (addr("198.18.0.1") + i) as Addr }));
const basic = (count: number, ips = 1): LoadBalancer => ({
  name: "lb",
  sku: "Basic",
  frontends: frontends(ips),
  backendPool: nodes(count),
  rules: [],
});
const standard = (count: number, ips: number, allocated: number): LoadBalancer => ({
  ...basic(count, ips),
  sku: "Standard",
  outboundRule: {
    frontends: frontends(ips).map(({ name }) => name),
    allocatedOutboundPorts: allocated,
    idleTimeoutMinutes: 30,
    tcpReset: true,
  },
});
const show = (allocations: readonly PortAllocation[]) =>
  allocations.map(({ ranges }) =>
    ranges.map(({ address, first, last }) => `${formatAddr(address)}:${first}-${last}`).join(" "),
  );
const outbound = (balancer: LoadBalancer) => ({ frontends: outboundFrontends(balancer, "first", seeded(1)) });
const cut = (balancer: LoadBalancer, surge?: Surge) =>
  show(portAllocations(balancer, { ...outbound(balancer), ...(surge === undefined ? {} : { surge }) }));

const allocations = suite("portAllocations");

allocations("start at 1024, node after node", () => {
  assert.equal(cut(basic(2)), ["198.18.0.1:1024-2047", "198.18.0.1:2048-3071"]);
  assert.equal(cut(basic(51)).slice(0, 2), ["198.18.0.1:1024-1535", "198.18.0.1:1536-2047"]);
});

allocations("step over the block of an inbound rule", () => {
  assert.equal(freePorts([80, 1030, 1031, 65023]), [{ first: 1032, last: 65015 }]);
  assert.equal(freePorts([8080]), [
    { first: 1024, last: 8079 },
    { first: 8088, last: outboundPorts.last },
  ]);
  const rules = [{ name: "r", frontend: "f0", proto: "tcp" as const, port: 1100 }];
  assert.equal(cut({ ...basic(2), rules }), ["198.18.0.1:1024-1095 198.18.0.1:1104-2055", "198.18.0.1:2056-3079"]);
});

allocations("step over several rules, and take all that is left", () => {
  assert.equal(freePorts([8080, 2048, 2049]), [
    { first: 1024, last: 2047 },
    { first: 2056, last: 8079 },
    { first: 8088, last: 65023 },
  ]);
  assert.equal(freePorts([1024]), [{ first: 1032, last: 65023 }]);
  assert.equal(freePorts([65023, 65024]), [{ first: 1024, last: 65015 }]);
  // 63,992 ports are left beside one rule, and 19 x 3,368 of them are given out.
  const rules = [{ name: "r", frontend: "f0", proto: "tcp" as const, port: 8080 }];
  const last = cut({ ...standard(19, 1, 3368), rules }, 0).at(-1);
  assert.is(last, "198.18.0.1:61656-65023");
});

allocations("come from as many frontends by default as it takes to reach the ceiling of the newest documents", () => {
  // 512 from each of 51 to 100 nodes' frontends, 1,024 at most in all: two of three are used.
  assert.equal(cut(standard(51, 3, 0)).slice(0, 2), [
    "198.18.0.1:1024-1535 198.18.0.2:1024-1535",
    "198.18.0.1:1536-2047 198.18.0.2:1536-2047",
  ]);
  assert.is(
    show(portAllocations(standard(51, 3, 0), { ...outbound(standard(51, 3, 0)), era: "2018" }))[0],
    "198.18.0.1:1024-1535 198.18.0.2:1024-1535 198.18.0.3:1024-1535",
  );
  // The second frontend is in use too, so its rules count: 1,600 blocks leave 51,200 ports for 100 x 512 and one more too few.
  const taken = (blocks: number) =>
    Array.from({ length: blocks }, (_, i) => ({
      name: `r${i}`,
      frontend: "f1",
      proto: "tcp" as const,
      port: 1024 + 8 * i,
    }));
  assert.is(
    cut({ ...standard(100, 2, 0), rules: taken(1600) }).at(-1),
    "198.18.0.1:51712-52223 198.18.0.2:64512-65023",
  );
  assert.is(
    message(() => cut({ ...standard(100, 2, 0), rules: taken(1601) })),
    "loadBalancer.allocatedOutboundPorts: 0 is refused: 51200 ports are needed but only 51192 are left beside the inbound rules; expected fewer ports, fewer nodes or more outbound addresses",
  );
});

allocations("are none without machines, and none without frontends", () => {
  assert.equal(cut(standard(0, 1, 0)), []);
  assert.equal(cut(basic(0)), []);
  assert.equal(portAllocations(standard(3, 1, 64), { frontends: [] }), []);
});

allocations("share an outbound rule's frontends in a row", () => {
  assert.equal(cut(standard(4, 3, 40000), 0), [
    "198.18.0.1:1024-41023",
    "198.18.0.1:41024-65023 198.18.0.2:1024-17023",
    "198.18.0.2:17024-57023",
    "198.18.0.2:57024-65023 198.18.0.3:1024-33023",
  ]);
});

allocations("are refused where Azure refuses, with the remedy", () => {
  const rows: readonly (readonly [balancer: LoadBalancer, text: string, surge?: Surge])[] = [
    [
      standard(9, 1, 8000),
      "loadBalancer.allocatedOutboundPorts: 8000 is refused: Total node count 9 requires 72000 ports but only 64000 ports are available given 1 outbound public IPs (9 nodes and 0 surge nodes, maxSurge 0); expected fewer ports, fewer nodes or more outbound addresses",
      0,
    ],
    [
      standard(3, 1, 21000),
      "loadBalancer.allocatedOutboundPorts: 21000 is refused: Total node count 4 requires 84000 ports but only 64000 ports are available given 1 outbound public IPs (3 nodes and 1 surge node, maxSurge 10%); expected fewer ports, fewer nodes or more outbound addresses",
    ],
    [
      standard(1001, 1, 0),
      "loadBalancer.allocatedOutboundPorts: 0 is refused: the default table of ports ends at 1000 nodes and the pool has 1001; expected a multiple of 8 set by hand",
    ],
    [
      basic(301),
      'loadBalancer.sku: "Basic" does not go: a Basic load balancer\'s pool is one availability set of 300 nodes at most and this one has 301; expected fewer nodes, or Standard',
    ],
    [
      { ...standard(8, 1, 8000), rules: [{ name: "r", frontend: "f0", proto: "tcp", port: 8080 }] },
      "loadBalancer.allocatedOutboundPorts: 8000 is refused: 64000 ports are needed but only 63992 are left beside the inbound rules; expected fewer ports, fewer nodes or more outbound addresses",
      0,
    ],
  ];
  for (const [balancer, text, surge] of rows)
    assert.is(
      message(() => cut(balancer, surge)),
      text,
    );
});

allocations("never overlap, lie within 1024-65023, and come in blocks of 8", () => {
  const pool = fc.record({
    sku: fc.constantFrom("Basic" as const, "Standard" as const),
    count: fc.integer({ min: 1, max: 300 }),
    ips: fc.integer({ min: 1, max: 4 }),
    blocks: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 })),
    rulePorts: fc.array(fc.integer({ min: 1, max: 65535 }), { maxLength: 5 }),
    era: fc.constantFrom(...eras),
  });
  fc.assert(
    fc.property(pool, ({ sku, count, ips, blocks, rulePorts, era }) => {
      const allocated = sku === "Standard" ? blocks * 8 : 0;
      const plain = sku === "Standard" ? standard(count, ips, allocated) : basic(count, ips);
      const balancer = {
        ...plain,
        rules: rulePorts.map((port, i) => ({ name: `r${i}`, frontend: `f${port % ips}`, proto: "tcp" as const, port })),
      };
      const answer = snatPorts({ sku, nodes: count, frontends: ips, allocated, era });
      if (answer.kind === "rejected" || (answer.kind === "allocated" && answer.capacity - answer.needed < 40)) return;
      const taken = new Map<Addr, Uint8Array>();
      for (const { ranges } of portAllocations(balancer, { ...outbound(balancer), era })) {
        let total = 0;
        for (const { address, first, last } of ranges) {
          const ports = taken.get(address) ?? new Uint8Array(65536);
          taken.set(address, ports);
          assert.ok(first >= 1024 && last <= 65023 && first % 8 === 0 && last % 8 === 7);
          for (let port = first; port <= last; port++) assert.is(ports[port]!++, 0);
          total += last - first + 1;
        }
        assert.is(total, answer.perNode);
      }
      for (const { frontend, port } of balancer.rules)
        assert.is(taken.get(balancer.frontends.find(({ name }) => name === frontend)!.address)?.[port] ?? 0, 0);
    }),
    { numRuns: 60 },
  );
});

allocations.run();

const choice = suite("outboundFrontends");
const names = (balancer: LoadBalancer, selection: "random" | "first", seed: number) =>
  outboundFrontends(balancer, selection, seeded(seed)).map(({ name }) => name);

choice("is one frontend of Basic: the first, or one by chance", () => {
  assert.equal(names(basic(1, 3), "first", 7), ["f0"]);
  const drawn = new Set(Array.from({ length: 40 }, (_, seed) => names(basic(1, 3), "random", seed)[0]));
  assert.equal([...drawn].sort(), ["f0", "f1", "f2"]);
  assert.equal(names(basic(1, 3), "random", 5), names(basic(1, 3), "random", 5));
  assert.equal(names(basic(1, 0), "random", 5), []);
});

choice("are those of the outbound rule with Standard, however chosen", () => {
  assert.equal(names(standard(1, 3, 0), "first", 7), ["f0", "f1", "f2"]);
  const rule = { frontends: ["f2"], allocatedOutboundPorts: 0, idleTimeoutMinutes: 4, tcpReset: true };
  assert.equal(names({ ...standard(1, 3, 0), outboundRule: rule }, "random", 7), ["f2"]);
});

choice.run();

const translator = suite("balancerTranslator");

translator("tells both ends of an idle connection where the outbound rule says so, and only there", () => {
  const tells = (balancer: LoadBalancer) => balancerTranslator(balancer, outbound(balancer)).tcpReset === true;
  const asked = standard(2, 1, 1024);
  assert.is(tells(asked), true);
  assert.is(tells({ ...asked, outboundRule: { ...asked.outboundRule!, tcpReset: false } }), false);
  assert.is(tells(basic(2)), false);
});

translator("translates TCP and UDP, never ICMP, and holds ports as long as documented", () => {
  const one = balancerTranslator(basic(1), outbound(basic(1)));
  assert.equal(one.protocols, ["tcp", "udp"]);
  assert.equal(one.timeouts, { idle: 240, fin: 240, rst: 15 });
  assert.is(one.udpPortPer, "destination");
  assert.is(balancerTranslator(basic(1), { ...outbound(basic(1)), era: "2018" }).udpPortPer, "flow");
  assert.is(balancerTranslator(standard(1, 1, 0), outbound(standard(1, 1, 0))).timeouts.idle, 1800);
});

translator("spreads a rule's port over the pool", () => {
  const balancer: LoadBalancer = { ...basic(2), rules: [{ name: "web", frontend: "f0", proto: "tcp", port: 80 }] };
  assert.equal(balancerTranslator(balancer, outbound(balancer)).inbound, [
    { name: "web", address: addr("198.18.0.1"), port: 80, proto: "tcp", backends: nodes(2), idle: 240 },
  ]);
  const moved = { ...balancer, rules: [{ ...balancer.rules[0]!, backendPort: 8080 }] };
  assert.equal(
    balancerTranslator(moved, outbound(moved)).inbound.map(({ port, backendPort }) => [port, backendPort]),
    [[80, 8080]],
  );
  const rules = [{ ...balancer.rules[0]!, frontend: "f9" }];
  assert.is(
    message(() => balancerTranslator({ ...balancer, rules }, outbound(balancer))),
    'rule web: "f9" is no frontend of the load balancer; expected f0',
  );
});

translator("shares an address that Azure picks among machines without any", () => {
  const shared = standaloneTranslator("out", addr("198.18.0.9"), nodes(2));
  assert.equal(show(shared.allocations), ["198.18.0.9:1024-2047", "198.18.0.9:2048-3071"]);
  assert.equal(shared.inbound, []);
});

translator.run();
