import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fitSubnet, nodesThatFit, subnetNeed } from "../../lib/azure/need.js";
import { message } from "../message.js";

const need = suite("subnetNeed");

need("plans as the published examples do", () => {
  const rows: readonly (readonly [
    plugin: "azure-cni" | "kubenet",
    nodes: number,
    surge: number,
    maxPods: number,
    addresses: number,
  ])[] = [
    ["azure-cni", 50, 1, 30, 1581],
    ["azure-cni", 60, 1, 30, 1891],
    ["azure-cni", 10, 0, 30, 310],
    ["azure-cni", 8, 0, 30, 248],
    ["azure-cni", 8, 1, 30, 279],
    ["kubenet", 251, 0, 110, 251],
  ];
  for (const [plugin, nodes, surge, maxPods, addresses] of rows)
    assert.is(subnetNeed({ plugin, nodes, surge, maxPods }).addresses, addresses);
});

need("fits a /24 as published: 8 nodes with Azure CNI, 251 with kubenet", () => {
  assert.is(nodesThatFit("azure-cni", 30, 251), 8);
  assert.is(nodesThatFit("kubenet", 110, 251), 251);
  assert.is(nodesThatFit("kubenet", 110, 251) * 110, 27610);
  assert.equal(fitSubnet(subnetNeed({ plugin: "azure-cni", nodes: 8, maxPods: 30 }), 251), { kind: "fits", left: 3 });
});

need("is refused with Azure's arithmetic", () => {
  assert.equal(fitSubnet(subnetNeed({ plugin: "azure-cni", nodes: 10, maxPods: 30 }), 251), {
    kind: "rejected",
    reason: "Pre-allocated IPs 310 exceeds IPs available 251 in Subnet",
  });
  // Every address may go; one more may not.
  const all = subnetNeed({ plugin: "kubenet", nodes: 251, maxPods: 110 });
  assert.equal(fitSubnet(all, 251), { kind: "fits", left: 0 });
  assert.is(fitSubnet(all, 250).kind, "rejected");
  assert.is(fitSubnet(subnetNeed({ plugin: "azure-cni", nodes: 8, surge: 1, maxPods: 30 }), 251).kind, "rejected");
});

need("counts a surge in percent, of each pool", () => {
  assert.is(subnetNeed({ plugin: "azure-cni", nodes: 7, surge: "10%", maxPods: 30 }).addresses, 8 * 31);
  assert.is(subnetNeed({ plugin: "kubenet", nodes: [10, 10, 2], surge: "10%", maxPods: 30 }).addresses, 25);
});

need("names a bad figure", () => {
  assert.is(
    message(() => subnetNeed({ plugin: "azure-cni-overlay" as "azure-cni", nodes: 1, maxPods: 30 })),
    'plugin: "azure-cni-overlay" is no network plugin; expected azure-cni or kubenet',
  );
  assert.is(
    message(() => subnetNeed({ plugin: "kubenet", nodes: [5000, 1], maxPods: 30 })),
    "nodes: 5001 is out of range; expected 1 to 5000 nodes",
  );
  assert.is(
    message(() => subnetNeed({ plugin: "kubenet", nodes: 0, maxPods: 110 })),
    "nodes: 0 is out of range; expected 1 or more nodes",
  );
  assert.is(
    message(() => subnetNeed({ plugin: "azure-cni", nodes: 1, maxPods: 251 })),
    "maxPods: 251 is out of range; expected 10 to 250 pods per node",
  );
});

need.run();
