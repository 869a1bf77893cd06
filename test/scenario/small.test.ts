import { suite } from "uvu";
import * as assert from "uvu/assert";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { message } from "../message.js";

const small = suite("smallCluster");

small("spreads its application evenly, whatever the plugin and size", () => {
  for (const plugin of ["kubenet", "azure-cni"] as const)
    for (const [nodeCount, podsPerNode] of [
      [1, 1],
      [3, 2],
      [7, 40],
      [60, 20],
    ] as const) {
      const { cluster } = build(smallCluster({ plugin, nodeCount, podsPerNode })).clusters[0]!;
      assert.equal(cluster.pending, []);
      const counts = cluster.nodes.map(
        node => cluster.pods.filter(pod => pod.node === node.name && pod.namespace === "default").length,
      );
      assert.equal([...new Set(counts)], [podsPerNode], `${plugin} ${nodeCount} x ${podsPerNode}`);
    }
});

small("has the subnet that its addresses need", () => {
  const prefix = (nodeCount: number, maxPods: number) =>
    smallCluster({ plugin: "azure-cni", nodeCount, maxPods, podsPerNode: 0 }).vnet.subnets[0]!.prefix;
  assert.is(prefix(8, 30), "10.240.0.0/24");
  assert.is(prefix(9, 30), "10.240.0.0/23");
  assert.is(prefix(5000, 100), "10.240.0.0/13");
  assert.match(
    message(() => prefix(5000, 250)),
    /addresses are more than a \/12 holds/,
  );
});

small("has frontends and sites in number", () => {
  const built = build(smallCluster({ frontends: 3, sites: 4 }));
  assert.is(built.clusters[0]!.loadBalancer.frontends.length, 3);
  assert.is(built.scenario.sites.length, 4);
  assert.is(
    message(() => smallCluster({ podsPerNode: 241 })),
    "podsPerNode: 241 is out of range; expected 0 to 240 pods per node",
  );
  assert.is(
    message(() => smallCluster({ nodeCount: 0 })),
    "nodeCount: 0 is out of range; expected 1 to 5000 nodes",
  );
  assert.is(
    message(() => smallCluster({ plugin: "azure-cni-overlay" as "azure-cni" })),
    'plugin: "azure-cni-overlay" is no network plugin; expected azure-cni or kubenet',
  );
});

small("goes to 400 nodes with kubenet, to 1,000 by the default table", () => {
  assert.is(build(smallCluster({ nodeCount: 300, podsPerNode: 0 })).clusters[0]!.loadBalancer.sku, "Basic");
  assert.is(build(smallCluster({ nodeCount: 301, podsPerNode: 0 })).clusters[0]!.loadBalancer.sku, "Standard");
  assert.is(build(smallCluster({ nodeCount: 400, podsPerNode: 0 })).network.fabric.subnets[0]!.routes.length, 400);
  assert.is(
    build(smallCluster({ plugin: "azure-cni", nodeCount: 1000, podsPerNode: 0 })).clusters[0]!.loadBalancer
      .portsPerNode,
    32,
  );
});

small.run();
