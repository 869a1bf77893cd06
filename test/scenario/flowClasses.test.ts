import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cidr } from "../../lib/ip/cidr.js";
import { formatAddr } from "../../lib/ip/addr.js";
import { bootModel } from "../../lib/net/model.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import type { Ruleset } from "../../lib/netfilter/ruleset.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { editCluster } from "../../lib/scenario/edit.js";
import { outlineOf } from "../../lib/scenario/flowClasses.js";
import { flowTable } from "../../lib/scenario/flowTable.js";
import { smallCluster } from "../../lib/scenario/small.js";
import type { Built } from "../../lib/scenario/scenario.js";

/** Every row of a table beside what a trace of its own says, in one lab and in the same order. */
const compare = (built: Built, options: Parameters<typeof flowTable>[1] = {}) => {
  const table = flowTable(built, options);
  const lab = bootModel(built.network);
  const idOf = new Map<string, string>();
  const target = new Map<string, string>();
  for (const { cluster } of built.clusters) {
    for (const pod of cluster.pods) {
      idOf.set(`${cluster.name} ${pod.name}`, `${cluster.name}/${pod.namespace}/${pod.name}`);
      target.set(`${cluster.name} ${pod.name}`, formatAddr(pod.ip));
    }
    for (const service of cluster.services)
      target.set(`${cluster.name} ${service.name}`, formatAddr(service.clusterIp));
  }
  const text = (end: { readonly address: number; readonly port: number } | undefined) =>
    end === undefined ? undefined : `${formatAddr(end.address as never)}:${end.port}`;
  for (const row of table) {
    const to =
      target.get(`${row.cluster} ${row.to}`) ?? built.network.hosts.find(({ hostname }) => hostname === row.to)!.id;
    const address = target.has(`${row.cluster} ${row.to}`)
      ? to
      : formatAddr(built.network.hosts.find(({ id }) => id === to)!.interfaces[0]!.addresses[0]!.address);
    const sourcePort = Number(row.sent.split(":")[1]);
    const sender = row.fromKind === "node" ? row.node : idOf.get(`${row.cluster} ${row.from}`)!;
    const traced = outlineOf(lab.traceConnect(sender, address, 80, { sourcePort }));
    assert.equal(
      [row.sent, row.leavingNode, row.inVnet, row.onInternet, row.received, row.ttl, row.outcome, row.changes],
      [
        text(traced.sent),
        text(traced.leavingNode),
        text(traced.inVnet),
        text(traced.onInternet),
        text(traced.received),
        traced.ttl,
        traced.outcome,
        traced.changes.map(({ from, to: changed, ...rest }) => ({ ...rest, from: text(from), to: text(changed) })),
      ],
      `${row.from} to ${row.toKind} ${row.to}`,
    );
    assert.is(row.receiver, lab.network.hosts.find(({ id }) => id === traced.receiver)?.hostname);
  }
  return table;
};

const classes = suite("derived rows of the flow table");

classes("are what a trace of each flow says, in the article's clusters", () => {
  compare(build(articleScenario));
  for (const nonMasqueradeCidr of ["0.0.0.0/0", "10.13.0.0/16", "10.13.77.0/24", "192.168.1.0/24"])
    compare(build(editCluster(articleScenario, "kubenetcluster", { nonMasqueradeCidr })));
});

classes(
  "are what a trace of each flow says, with any plugin, size, ports and sites, ports that run out among them",
  () => {
    fc.assert(
      fc.property(
        fc.record({
          plugin: fc.constantFrom("kubenet" as const, "azure-cni" as const),
          nodeCount: fc.constantFrom(1, 2, 5),
          podsPerNode: fc.integer({ min: 0, max: 20 }),
          allocatedOutboundPorts: fc.constantFrom(8, 16, 1024),
          frontends: fc.integer({ min: 1, max: 2 }),
          sites: fc.integer({ min: 1, max: 4 }),
          seed: fc.nat(),
        }),
        fc.boolean(),
        (options, everyHost) => {
          const built = build(smallCluster({ ...options, sku: "Standard" }));
          const table = compare(built, { everyHost });
          if (options.podsPerNode > options.allocatedOutboundPorts)
            assert.ok(
              [...table].some(({ outcome }) => outcome === "dropped"),
              "ports run out",
            );
        },
      ),
      { numRuns: 40 },
    );
  },
);

const withRules = (built: Built, node: number, extra: Ruleset): Built => {
  const name = built.clusters[0]!.cluster.nodes[node]!.name;
  const joined = (own: Ruleset): Ruleset => ({
    tables: own.tables.map(table => {
      const more = extra.tables.find(({ name: other }) => other === table.name);
      if (more === undefined) return table;
      return {
        ...table,
        chains: [
          ...table.chains.map(chain => ({
            ...chain,
            rules: [...(more.chains.find(({ name: other }) => other === chain.name)?.rules ?? []), ...chain.rules],
          })),
          ...more.chains.filter(chain => !table.chains.some(({ name: other }) => other === chain.name)),
        ],
      };
    }),
  });
  return {
    ...built,
    network: {
      ...built.network,
      hosts: built.network.hosts.map(host => (host.id === name ? { ...host, rules: joined(host.rules) } : host)),
    },
  };
};

classes("follow rules that tell senders apart: by address, link, port, count and chance", () => {
  const base = build(smallCluster({ nodeCount: 2, podsPerNode: 12, sites: 3 }));
  const pod = base.clusters[0]!.cluster.pods.find(({ namespace }) => namespace === "default")!;
  const range = cidr(`${formatAddr(pod.ip)}/30`);
  const link = base.network.hosts
    .find(({ id }) => id.endsWith(`/${pod.name}`))!
    .interfaces.flatMap(entry => (entry.kind === "veth" ? [entry.peer.interface] : []))[0]!;
  const sorted = base.clusters[0]!.cluster.pods.map(({ ip }) => ip).sort((a, b) => a - b);
  const middle = `${formatAddr(sorted[3]!)}-${formatAddr(sorted[5]!)}`; // some addresses are below, some above
  for (const rules of [
    `*nat\n-A POSTROUTING -m iprange --src-range ${middle} -j ACCEPT\nCOMMIT`,
    `*nat\n-A POSTROUTING -m iprange ! --src-range ${middle} -j ACCEPT\nCOMMIT`,
    `*filter\n-A FORWARD ! -i ${link} -j DROP\nCOMMIT`,
    `*nat\n-A POSTROUTING -s ${formatAddr(range.base)}/30 -j ACCEPT\nCOMMIT`,
    `*nat\n-A POSTROUTING ! -s ${formatAddr(range.base)}/31 -j RETURN\nCOMMIT`,
    `*nat\n-A POSTROUTING -m iprange --src-range ${formatAddr(range.base)}-${formatAddr(pod.ip)} -j ACCEPT\nCOMMIT`,
    `*filter\n-A FORWARD -i ${link} -j DROP\nCOMMIT`,
    `*filter\n-A FORWARD -p tcp --sport 40010:40020 -j REJECT\nCOMMIT`,
    `*filter\n-A FORWARD -m statistic --mode nth --every 3 --packet 0 -j DROP\nCOMMIT`,
    `*filter\n-A FORWARD -m statistic --mode random --probability 0.5 -j DROP\nCOMMIT`,
    `*nat\n-A POSTROUTING -p tcp -j MASQUERADE --to-ports 2000-2007\nCOMMIT`,
    `*nat\n-A POSTROUTING -j MASQUERADE --random-fully\nCOMMIT`,
    `*nat\n-A POSTROUTING -s ${formatAddr(range.base)}/30 -j SNAT --to-source 10.240.0.99\nCOMMIT`,
    `*nat\n:OURS - [0:0]\n-A POSTROUTING -j OURS\n-A OURS -s ${formatAddr(pod.ip)}/32 -j ACCEPT\nCOMMIT`,
    `*nat\n-A PREROUTING -s ${formatAddr(range.base)}/30 -p tcp --dport 80 -j DNAT --to-destination ${formatAddr(pod.ip)}\nCOMMIT`,
  ])
    compare(withRules(base, 0, parseSave(`${rules}\n`)), { everyHost: true });
});

classes("follow rules that tell the backends of a service apart: by address, link, port, count and chance", () => {
  for (const plugin of ["kubenet", "azure-cni"] as const)
    for (const podsPerNode of [2, 12]) {
      const base = build(smallCluster({ plugin, nodeCount: 2, podsPerNode, sites: 1 }));
      const pods = base.clusters[0]!.cluster.pods.filter(({ namespace }) => namespace === "default");
      const [first, second] = pods
        .map(({ ip }) => ip)
        .sort((a, b) => a - b)
        .map(formatAddr) as [string, string];
      const link = base.network.hosts
        .find(({ id }) => id.endsWith(`/${pods[0]!.name}`))!
        .interfaces.flatMap(entry => (entry.kind === "veth" ? [entry.peer.interface] : []))[0]!;
      for (const rules of [
        `*filter\n-A FORWARD -d ${first}/32 -j DROP\nCOMMIT`,
        `*filter\n-A FORWARD ! -d ${first}/32 -p tcp -j REJECT\nCOMMIT`,
        `*filter\n-A FORWARD -o ${link} -j DROP\nCOMMIT`,
        `*nat\n-A POSTROUTING -d ${first}/32 -j MASQUERADE\nCOMMIT`,
        `*nat\n-A POSTROUTING -m iprange --dst-range ${first}-${second} -j MASQUERADE\nCOMMIT`,
        `*nat\n-A POSTROUTING -m iprange ! --dst-range ${second}-${second} -j MASQUERADE\nCOMMIT`,
        `*filter\n-A FORWARD ! -o ${link} -p tcp --dport 80 -j DROP\nCOMMIT`,
        `*nat\n-A POSTROUTING -s ${second}/32 -d ${first}/32 -j SNAT --to-source 10.240.0.99\nCOMMIT`,
        `*nat\n:OURS - [0:0]\n-A POSTROUTING -p tcp --dport 80 -j OURS\n-A OURS -d ${second}/32 -j MASQUERADE\nCOMMIT`,
        `*nat\n-A PREROUTING -m statistic --mode random --probability 0.5 -j ACCEPT\nCOMMIT`,
        `*nat\n-A PREROUTING -d ${first}/32 -p tcp --dport 80 -j DNAT --to-destination ${second}:80\nCOMMIT`,
      ])
        for (const node of [0, 1])
          compare(withRules(base, node, parseSave(`${rules}\n`)), { kinds: ["service", "other-node pod"] });
    }
});

classes("are most rows, however many pods and sites there are", () => {
  const table = flowTable(build(smallCluster({ nodeCount: 4, podsPerNode: 50, sites: 30 })), { everyHost: true });
  const kinds = 1 + 1 + 1 + 30; // same node, other node, VM, sites
  const serviceWays = 3; // to itself, to a pod near, to one far
  assert.is(table.length, (200 + 4) * (kinds + 1));
  assert.ok(table.traced <= 2 * 4 * (kinds + serviceWays), `${table.traced} of ${table.length} were traced`);
});

classes("stay right when a node's flows are more than it has client ports", () => {
  const built = build(smallCluster({ nodeCount: 1, podsPerNode: 240, sites: 100, seed: 2 }));
  const table = flowTable(built, { kinds: ["Internet"], everyHost: true });
  assert.ok(table.length < 28_232 && table.traced < 300, `${table.traced} of ${table.length}`);
});

classes("are found by their place, and nowhere else", () => {
  const table = flowTable(build(articleScenario));
  assert.equal(table.row(3), [...table][3]);
  for (const index of [-1, table.length, 0.5, NaN]) assert.throws(() => table.row(index), /no row/);
  assert.throws(() => flowTable(build(articleScenario), { kinds: ["pod" as never] }), /kinds: "pod" is not a kind/);
});

classes.run();
