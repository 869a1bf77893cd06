import { suite } from "uvu";
import * as assert from "uvu/assert";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { editCluster } from "../../lib/scenario/edit.js";
import { compareFlows, flowChangeColumns, flowTableColumns, type FlowTableView } from "../../lib/render/flowViews.js";
import { type DestinationKind, type FlowRow, flowTable } from "../../lib/scenario/flowTable.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { nodeCounts, plugins } from "./ways.js";
import { tableText } from "../../lib/course/dataTable.js";
import type { Scenario } from "../../lib/scenario/scenario.js";

const tableOf = (scenario: Scenario): readonly FlowRow[] => [...flowTable(build(scenario))];
const article = tableOf(articleScenario);
const flow = (rows: readonly FlowRow[], from: string, toKind: DestinationKind): FlowRow =>
  rows.find(row => row.from.endsWith(from) && row.toKind === toKind)!;
const address = (source: string | undefined) => source?.split(":")[0];
const lines = (view: FlowTableView) => tableText(view).split("\n");

const flows = suite("flowTable");

flows("an azure-cni pod keeps its address and TTL inside the virtual network", () => {
  const { received, ttl, inVnet, changes } = flow(article, "vdkjd", "VM");
  assert.equal([address(received), address(inVnet), ttl, changes], ["10.13.76.13", "10.13.76.13", 64, []]);
});

flows("a kubenet pod reaches the VM as its node, one hop away", () => {
  const { received, ttl, changes, owner } = flow(article, "d8rdb", "VM");
  assert.equal([address(received), ttl, owner], ["10.13.77.4", 63, "node"]);
  assert.equal(
    changes.map(({ by, comment }) => [by, comment]),
    [["POSTROUTING rule 3, MASQUERADE", "kubenet: SNAT for outbound traffic from cluster"]],
  );
});

flows("a kubenet pod reaches a pod on the other node as itself, two hops away", () => {
  const { received, ttl, changes, owner, receiver } = flow(article, "z7p82", "other-node pod");
  assert.equal(
    [address(received), ttl, owner, receiver, changes],
    ["192.168.0.9", 62, "pod", "whereami-564765b89-d8rdb", []],
  );
});

flows("pods of one node meet on the bridge, so TTL stays", () => {
  for (const row of article.filter(({ toKind }) => toKind === "same-node pod"))
    assert.equal([row.ttl, row.inVnet], [64, undefined], row.from);
});

flows("every pod and node is seen on the Internet as the first frontend, after its node's address", () => {
  const frontends: Readonly<Record<string, string>> = { "azure-cni": "104.45.15.171", kubenet: "137.117.164.147" };
  const rows = article.filter(({ toKind }) => toKind === "Internet");
  assert.is(rows.length, 4 + 1 + 4 + 2);
  for (const row of rows) {
    assert.equal(
      [address(row.received), row.received, row.owner],
      [frontends[row.plugin], row.onInternet, "load balancer"],
      row.from,
    );
    assert.match(address(row.inVnet)!, row.plugin === "kubenet" ? /^10\.13\.77\.[45]$/ : /^10\.13\.76\.4$/);
  }
});

flows("a service is left as a pod: its destination changes, not its source", () => {
  const row = flow(article, "d8rdb", "service");
  assert.equal([row.to, address(row.received)], ["whereami-ingress", "192.168.1.2"]);
  assert.equal(
    row.changes.map(({ which, from, comment }) => [which, from, comment]),
    [["destination", "10.0.186.51:80", "default/whereami-ingress:"]],
  );
  assert.match(row.receiver!, /^whereami-ingress-/);
});

flows("what has no such destination has no row", () => {
  assert.is(flow(article, "vdkjd", "other-node pod"), undefined);
});

flows("follows the scenario: without masquerading, kubenet pods keep their address", async () => {
  const rows = tableOf(editCluster(articleScenario, "kubenetcluster", { nonMasqueradeCidr: "0.0.0.0/0" }));
  const toVm = flow(rows, "d8rdb", "VM");
  assert.equal([address(toVm.received), toVm.ttl], ["192.168.1.2", 63]);
  const toInternet = flow(rows, "d8rdb", "Internet");
  assert.equal([toInternet.outcome, toInternet.received, toInternet.owner], ["dropped", undefined, undefined]);
});

flows(
  "follows the scenario: pods that are masqueraded towards each other are seen as nodes, whichever node does it",
  async () => {
    const rows = tableOf(editCluster(articleScenario, "kubenetcluster", { nonMasqueradeCidr: "10.13.0.0/16" }));
    const seen = (["same-node pod", "other-node pod", "VM"] as const).map(kind => flow(rows, "d8rdb", kind));
    assert.equal(
      seen.map(({ received, owner }) => `${owner} ${address(received)}`),
      ["node 192.168.1.1", "node 192.168.0.1", "pod 192.168.1.2"],
    );
  },
);

flows("each row is delivered, and its stages follow from its changes, with one, two and five nodes", async () => {
  const shapes = plugins.flatMap(plugin =>
    nodeCounts.flatMap(nodeCount =>
      ([{ sku: "Basic" }, { sku: "Standard", frontends: 2 }] as const).map(balancer =>
        smallCluster({ plugin, nodeCount, seed: nodeCount + 2, ...balancer }),
      ),
    ),
  );
  const tables = shapes.map(tableOf);
  const kinds = (rows: readonly FlowRow[]) => new Set(rows.map(({ toKind }) => toKind)).size;
  assert.equal(
    tables.map(kinds),
    shapes.map(({ clusters }) => (clusters[0]!.nodeCount === 1 ? 4 : 5)),
  );
  for (const row of [...article, ...tables.flat()]) {
    assert.is(row.outcome, "delivered", `${row.from} to ${row.to}`);
    const last = row.changes.findLast(({ which }) => which === "source");
    assert.is(row.received, last?.to ?? row.sent, `${row.from} to ${row.to}`);
    assert.ok(row.ttl! <= 64 && row.ttl! >= 62);
  }
});

flows("fits 100 columns", () => {
  for (const view of [...flowTableColumns(article), ...flowChangeColumns(article), compareFlows(article)])
    for (const line of lines(view)) assert.ok(line.length <= 100, line);
});

flows("repeats a port only where it is new", () => {
  const [azure] = flowTableColumns(article);
  assert.equal(lines(azure!).slice(0, 7), [
    "azurecluster (azure-cni)",
    "FROM    TO             SENT AS            NODE         VNET         RECEIVER            TTL",
    "------  -------------  -----------------  -----------  -----------  ------------------  ---",
    "vdkjd   same-node pod  10.13.76.13:40000  -            -            10.13.76.13          64",
    "vdkjd   VM             10.13.76.13:40001  10.13.76.13  10.13.76.13  10.13.76.13          64",
    "vdkjd   service        10.13.76.13:40002  -            -            10.13.76.13          64",
    "vdkjd   Internet       10.13.76.13:40003  10.13.76.4   10.13.76.4   104.45.15.171:1024   64",
  ]);
});

flows("names who changes what", () => {
  const [, kubenet] = flowChangeColumns(article);
  const rows = kubenet!.rows.map(row => row.join(" | "));
  assert.ok(rows.includes("pod | VM | POSTROUTING 3 MASQUERADE | kubenet: SNAT for outbound traffic from cluster"));
  assert.ok(rows.includes("pod | Internet | load balancer SNAT | "));
});

flows("shows both plugins side by side", () => {
  assert.equal(lines(compareFlows(article)).slice(0, 8), [
    "Source that the receiver sees",
    "FROM  TO              azure-cni                    TTL  kubenet                        TTL",
    "----  --------------  ---------------------------  ---  -----------------------------  ---",
    "pod   same-node pod   pod 10.13.76.13               64  pod 192.168.1.2                 64",
    "pod   other-node pod  -                                 pod 192.168.1.2                 62",
    "pod   VM              pod 10.13.76.13               64  node 10.13.77.4                 63",
    "pod   service         pod 10.13.76.13               64  pod 192.168.1.2                 62",
    "pod   Internet        load balancer 104.45.15.171   64  load balancer 137.117.164.147   63",
  ]);
});

flows.run();
