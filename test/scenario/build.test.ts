import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAddr } from "../../lib/ip/addr.js";
import { cidr, contains, formatCidr } from "../../lib/ip/cidr.js";
import { bootModel } from "../../lib/net/model.js";
import { build } from "../../lib/scenario/build.js";
import { whereami } from "../../lib/scenario/manifests.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { cardAddresses, clusterNamed, plain, plainCni, podId, seenBy } from "./base.js";

const addresses = suite("addresses");
const nics = (built: ReturnType<typeof build>) =>
  built.network.fabric.nics.map(({ host, addresses: all }) => [host, all.map(formatAddr)] as const);

addresses("of Azure CNI are reserved node after node: the node's own, then max-pods more", () => {
  const built = build(plainCni({ nodeCount: 2, maxPods: 30 }));
  const [[, first], [, second]] = nics(built) as [readonly [string, string[]], readonly [string, string[]]];
  assert.equal([first[0], first[1], first[30], first.length], ["10.13.77.4", "10.13.77.5", "10.13.77.34", 31]);
  assert.equal([second[0], second[1], second[30], second.length], ["10.13.77.35", "10.13.77.36", "10.13.77.65", 31]);
  assert.equal(
    built.network.fabric.nics.map(({ ipForwarding }) => ipForwarding),
    [false, false, false],
  );
});

addresses("of kubenet are one a node; the pods' are routed to it", () => {
  const built = build(plain({ nodeCount: 2 }));
  assert.equal(
    nics(built).map(([, all]) => all),
    [["10.13.77.4"], ["10.13.77.5"], ["10.13.1.4"]],
  );
  assert.equal(
    built.network.fabric.nics.map(({ ipForwarding }) => ipForwarding),
    [true, true, false],
  );
  const [nodes, vms] = built.network.fabric.subnets;
  assert.equal(
    nodes!.routes.map(({ to, nextHop }) => [
      formatCidr(to),
      nextHop.kind === "appliance" && formatAddr(nextHop.address),
    ]),
    [
      ["192.168.0.0/24", "10.13.77.4"],
      ["192.168.1.0/24", "10.13.77.5"],
    ],
  );
  assert.equal(vms!.routes, []);
});

addresses("that are pinned are stepped over", () => {
  const built = build(plainCni({ nodeCount: 2, maxPods: 15, pins: { nodeAddresses: ["10.13.77.6", "10.13.77.4"] } }));
  const all = nics(built)
    .slice(0, 2)
    .map(([, list]) => list);
  assert.equal(
    all.map(list => [list[0], list[1], list[2], list.at(-1)]),
    [
      ["10.13.77.6", "10.13.77.5", "10.13.77.7", "10.13.77.20"],
      ["10.13.77.4", "10.13.77.21", "10.13.77.22", "10.13.77.35"],
    ],
  );
});

addresses("are given to one card each, and pods take those of their own node's card", () => {
  const shape = fc.record({
    plugin: fc.constantFrom("azure-cni" as const, "kubenet" as const),
    nodeCount: fc.integer({ min: 1, max: 12 }),
    podsPerNode: fc.integer({ min: 0, max: 12 }),
    seed: fc.integer({ min: 0, max: 1000 }),
  });
  fc.assert(
    fc.property(shape, options => {
      const built = build(smallCluster(options));
      const cards = cardAddresses(built);
      assert.is(new Set(cards).size, cards.length);
      const { nodes, pods, pending } = built.clusters[0]!.cluster;
      assert.equal(pending, []);
      const own = pods.filter(({ hostNetwork }) => !hostNetwork).map(({ ip }) => ip);
      assert.is(new Set(own).size, own.length);
      const held = new Map(built.network.fabric.nics.map(nic => [nic.host, new Set(nic.addresses)]));
      const byName = new Map(nodes.map(node => [node.name, node]));
      for (const { node, ip, hostNetwork } of pods) {
        if (hostNetwork) assert.is(ip, byName.get(node)!.internalIp);
        else
          assert.ok(options.plugin === "kubenet" ? contains(byName.get(node)!.podCidr!, ip) : held.get(node)!.has(ip));
      }
    }),
    { numRuns: 40 },
  );
});

addresses("that Azure draws lie in the range for tests and are nobody else's", () => {
  const built = build(smallCluster({ sku: "Standard", frontends: 100 }));
  const { frontends, outboundFrontends } = built.clusters[0]!.loadBalancer;
  const all = frontends.map(({ address }) => address);
  assert.is(new Set(all).size, 101);
  assert.equal(outboundFrontends, all.slice(0, 100));
  for (const { address } of built.network.names) assert.is(all.includes(formatAddr(address)), false);
  assert.ok(
    built.network.fabric.translators.every(({ allocations }) =>
      allocations.every(({ ranges }) => ranges.every(({ address }) => contains(cidr("198.18.0.0/15"), address))),
    ),
  );
});

addresses.run();

const balancer = suite("load balancer");
const lb = (options: Parameters<typeof smallCluster>[0]) => build(smallCluster(options)).clusters[0]!.loadBalancer;

balancer("gives each node the ports of the table, of the era and of the outbound rule", () => {
  const rows: readonly (readonly [options: Parameters<typeof smallCluster>[0], ports: number])[] = [
    [{ nodeCount: 50, podsPerNode: 0 }, 1024],
    [{ nodeCount: 51, podsPerNode: 0 }, 512],
    [{ nodeCount: 51, podsPerNode: 0, sku: "Standard", frontends: 2 }, 1024],
    [{ nodeCount: 51, podsPerNode: 0, sku: "Standard", frontends: 3, era: "2018" }, 1536],
    [{ nodeCount: 51, podsPerNode: 0, sku: "Basic", frontends: 3, era: "2018" }, 512],
    [{ nodeCount: 8, podsPerNode: 0, sku: "Standard", allocatedOutboundPorts: 8000, maxSurge: 0 }, 8000],
    [{ nodeCount: 8, podsPerNode: 0, sku: "Standard", allocatedOutboundPorts: 7104 }, 7104],
  ];
  for (const [options, ports] of rows) assert.is(lb(options).portsPerNode, ports, JSON.stringify(options));
});

balancer("says in a line what decided its ports, and names the surge in force as an assumption", () => {
  assert.is(lb({ frontends: 2 }).basis, "default table, 1 to 50 nodes; documents of 2023");
  const surge = (options: Parameters<typeof smallCluster>[0]) =>
    build(smallCluster({ sku: "Standard", allocatedOutboundPorts: 8000, ...options })).assumptions.find(({ name }) =>
      name.endsWith(": surge"),
    );
  assert.is(surge({})!.value, "10%");
  assert.is(surge({ era: "2018" })!.value, "1");
  assert.is(surge({ maxSurge: "33%" })!.source, "the scenario's maxSurge");
  assert.is(surge({ allocatedOutboundPorts: 0 }), undefined);
  assert.is(
    lb({ sku: "Standard", allocatedOutboundPorts: 8000 }).basis,
    "8000 ports allocated to each of 4 nodes (3 nodes and 1 surge node, maxSurge 10%)",
  );
});

balancer("of Basic has one outbound address of several, by chance or the oldest", () => {
  const one = lb({ frontends: 4 });
  assert.equal(one.outboundFrontends, [one.frontends[0]!.address]);
  const drawn = new Set(
    Array.from({ length: 24 }, (_, seed) => {
      const some = lb({ frontends: 4, frontendSelection: "random", seed });
      return some.frontends.findIndex(({ address }) => address === some.outboundFrontends[0]);
    }),
  );
  assert.equal([...drawn].sort(), [0, 1, 2, 3]);
});

balancer("of Standard keeps services' addresses for what comes in", async () => {
  const scenario = smallCluster({ sku: "Standard" });
  const { frontends, outboundFrontends } = build(scenario).clusters[0]!.loadBalancer;
  assert.equal(
    frontends.map(({ service }) => service),
    [undefined, "default/app-1"],
  );
  assert.equal(outboundFrontends, [frontends[0]!.address]);
  assert.is(await seenBy(scenario, built => podId(built, "cluster", "app-"), "site-1.example"), frontends[0]!.address);
});

balancer("hands a service's port on to the nodes with the address as it is", async () => {
  const built = build(smallCluster({}));
  const { address } = built.clusters[0]!.loadBalancer.frontends[0]!;
  const [rule] = built.network.fabric.translators[0]!.inbound;
  assert.equal([formatAddr(rule!.address), rule!.port, rule!.backendPort], [address, 80, undefined]);
  assert.equal(
    rule!.backends,
    built.clusters[0]!.cluster.nodes.map(({ internalIp }) => internalIp),
  );
  const answer = await bootModel(built.network).connect("site-1.example", address, 80);
  assert.is(answer.kind, "connected");
  assert.match(answer.kind === "connected" ? answer.server : "", /^cluster\/default\/app-/);
});

balancer("without a frontend leaves nodes the address that Azure picks", async () => {
  const scenario = plain();
  const built = build(scenario);
  const { frontends, outboundFrontends, portsPerNode } = clusterNamed(built, "c").loadBalancer;
  assert.equal([frontends, outboundFrontends.length, portsPerNode], [[], 1, 1024]);
  assert.is(await seenBy(scenario, some => podId(some, "c", "heapster"), "site.example"), outboundFrontends[0]);
  assert.ok(built.assumptions.some(({ name }) => name === "outbound address of c's nodes"));
});

balancer.run();

const machine = suite("machines");

machine("with a public address are seen by it, others by one that Azure picks", async () => {
  const own = plain({}, { vms: [{ name: "vm", subnet: "vms", publicAddress: "198.51.100.4", user: "lab" }] });
  assert.is(await seenBy(own, () => "vm", "site.example"), "198.51.100.4");
  const picked = build(plain()).network.fabric.translators.find(({ name }) => name === "vm/outbound")!.allocations[0]!
    .ranges[0]!.address;
  assert.is(await seenBy(plain(), () => "vm", "site.example"), formatAddr(picked));
});

machine("and sites answer with the caller's address; the API server answers its port", async () => {
  const built = build(plain());
  const lab = bootModel(built.network);
  const api = built.network.names.find(({ name }) => name.endsWith("azmk8s.io"))!.name;
  const answer = await lab.connect("vm", api, 443);
  assert.is(answer.kind === "connected" && answer.server, api);
  const through = await lab.connect(podId(built, "c", "heapster"), "10.0.0.1", 443);
  assert.is(through.kind === "connected" && through.server, api);
});

machine.run();

const law = suite("build");

law("gives the same for the same scenario, and other draws for another seed", () => {
  const options = { plugin: "azure-cni", frontends: 2, frontendSelection: "random" } as const;
  assert.equal(build(smallCluster(options)), build(smallCluster(options)));
  const draws = (seed: number) =>
    build(smallCluster({ ...options, seed })).clusters[0]!.loadBalancer.frontends.map(({ address }) => address);
  assert.not.equal(draws(1), draws(2));
});

law("leaves other draws as they are when one thing is added", () => {
  const draws = (frontends: number) =>
    build(smallCluster({ frontends })).clusters[0]!.loadBalancer.frontends.map(({ address }) => address);
  assert.equal(draws(4).slice(0, 2), draws(2));
});

law("gives plain data", () => {
  const { network } = build(plain({ manifests: [whereami], addons: ["http_application_routing"] }));
  assert.equal(structuredClone(network), network);
});

law("names every assumption with its source", () => {
  for (const { name, value, why, source } of build(plainCni({ manifests: [whereami] })).assumptions)
    assert.ok(value && why && source, name);
});

law("copes with 5,000 nodes of 100 pods", () => {
  const built = build(
    smallCluster({
      plugin: "azure-cni",
      nodeCount: 5000,
      maxPods: 100,
      podsPerNode: 0,
      sku: "Standard",
      frontends: 11,
      allocatedOutboundPorts: 128,
    }),
  );
  assert.is(
    built.network.fabric.nics.reduce((sum, nic) => sum + nic.addresses.length, 0),
    5000 * 101 + 1,
  );
  const { translators } = built.network.fabric;
  assert.is(translators[0]!.allocations.length, 5000);
});

law.run();
