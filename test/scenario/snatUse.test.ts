import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { bootModel } from "../../lib/net/model.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { type SmallClusterOptions, smallCluster } from "../../lib/scenario/small.js";
import { type SnatLoad, snatUse, sweepSnatUse } from "../../lib/scenario/snatUse.js";

const boot = (options: SmallClusterOptions) => {
  const built = build(smallCluster(options));
  return { built, lab: bootModel(built.network) };
};
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const sites = (count: number) => Array.from({ length: count }, (_, i) => ({ to: `site-${i + 1}.example`, port: 80 }));

const use = suite("snatUse");

use("fills a node's 1,024 ports, then connections fail", () => {
  const { built, lab } = boot({ nodeCount: 1, podsPerNode: 2 });
  const rows = snatUse(lab, built, { connectionsPerPod: 600 });
  assert.equal(
    rows.map(({ portsInUse, allotted, failed }) => [portsInUse, allotted, failed]),
    [
      [600, 1024, 0],
      [424, 1024, 176],
    ],
  );
});

use("counts what the load balancer counts", () => {
  fc.assert(
    fc.property(
      fc.record({
        nodeCount: fc.integer({ min: 1, max: 3 }),
        podsPerNode: fc.integer({ min: 0, max: 3 }),
        sku: fc.constantFrom("Basic" as const, "Standard" as const),
        sites: fc.integer({ min: 1, max: 3 }),
      }),
      fc.integer({ min: 0, max: 500 }),
      fc.constantFrom("tcp" as const, "udp" as const),
      (options, connectionsPerPod, proto) => {
        const { built, lab } = boot(options);
        const port = proto === "tcp" ? 80 : 53;
        const rows = snatUse(lab, built, {
          connectionsPerPod,
          proto,
          destinations: sites(options.sites).map(site => ({ ...site, port })),
        });
        const { nodes } = built.clusters[0]!.cluster;
        const counted = lab.portUse().filter(one => one.proto === proto && one.translator.startsWith("cluster/"));
        assert.is(counted.length, nodes.length);
        nodes.forEach((node, i) => {
          const own = rows.filter(row => row.node === node.name);
          assert.is(own.length, Math.max(1, options.podsPerNode));
          assert.is(sum(own.map(row => row.portsInUse)), counted[i]!.inUse);
          assert.ok(own.every(row => row.allotted === counted[i]!.allotted));
          if (options.sites === 1)
            assert.is(sum(own.map(row => row.portsInUse + row.failed)), connectionsPerPod * options.podsPerNode);
        });
      },
    ),
    { numRuns: 15 },
  );
});

use("a port serves several destinations; one of UDP did not by the documentation of 2018", () => {
  const inUse = (load: SnatLoad, era: SmallClusterOptions["era"]) => {
    const { built, lab } = boot({ nodeCount: 1, podsPerNode: 1, sites: 4, ...(era && { era }) });
    return sum(snatUse(lab, built, load).map(row => row.portsInUse));
  };
  const udp = sites(4).map(({ to }) => ({ to, port: 53 }));
  assert.is(inUse({ connectionsPerPod: 400, destinations: sites(4) }, undefined), 100);
  assert.is(inUse({ connectionsPerPod: 400, destinations: sites(1) }, undefined), 400);
  assert.is(inUse({ connectionsPerPod: 400, destinations: udp, proto: "udp" }, undefined), 100);
  assert.is(inUse({ connectionsPerPod: 400, destinations: udp, proto: "udp" }, "2018"), 400);
});

use("a second call adds to the first", () => {
  const { built, lab } = boot({ nodeCount: 1, podsPerNode: 1 });
  const used = () =>
    snatUse(lab, built, { connectionsPerPod: 600 }).map(({ portsInUse, failed }) => [portsInUse, failed]);
  assert.equal([used(), used(), used()], [[[600, 0]], [[424, 176]], [[0, 600]]]);
});

use("knows the article's clusters: each pod of `default`, its node's 1,024 ports", () => {
  const built = build(articleScenario);
  const rows = snatUse(bootModel(built.network), built, { connectionsPerPod: 10 });
  assert.equal(rows.map(row => `${row.node} ${row.pod} ${row.portsInUse}/${row.allotted}`).sort(), [
    "aks-nodepool1-26711606-0 whereami-564765b89-vdkjd 10/1024",
    "aks-nodepool1-26711606-0 whereami-564765b89-xcvjm 10/1024",
    "aks-nodepool1-26711606-0 whereami-ingress-7f97d7c96f-6ws82 10/1024",
    "aks-nodepool1-26711606-0 whereami-ingress-7f97d7c96f-qcf6p 10/1024",
    "aks-nodepool1-35377101-0 whereami-564765b89-z7p82 10/1024",
    "aks-nodepool1-35377101-0 whereami-ingress-7f97d7c96f-2lqxf 10/1024",
    "aks-nodepool1-35377101-1 whereami-564765b89-d8rdb 10/1024",
    "aks-nodepool1-35377101-1 whereami-ingress-7f97d7c96f-66vvv 10/1024",
  ]);
});

use("says what is wrong with a load", () => {
  const { built, lab } = boot({ nodeCount: 1 });
  const message = (load: SnatLoad) => {
    try {
      snatUse(lab, built, load);
    } catch (error) {
      assert.instance(error, InputError);
      return (error as Error).message;
    }
    throw new Error("expected an InputError");
  };
  assert.is(
    message({ connectionsPerPod: -1 }),
    "load.connectionsPerPod: -1 is out of range; expected 0 to 28232 connections",
  );
  assert.is(
    message({ connectionsPerPod: 1, destinations: [] }),
    "load.destinations: [] is empty; expected at least one destination",
  );
  assert.is(message({ connectionsPerPod: 1, nodes: 0 }), "load.nodes: 0 is out of range; expected 1 or more nodes");
  assert.match(
    message({ connectionsPerPod: 1, destinations: [{ to: "nowhere.example", port: 80 }] }),
    /nowhere\.example/,
  );
});

use.run();

const sweep = suite("sweepSnatUse");

sweep("halves a node's ports from 50 to 51 nodes", () => {
  const rows = sweepSnatUse([50, 51], nodeCount => ({
    scenario: smallCluster({ nodeCount }),
    load: { connectionsPerPod: 300, nodes: 1 },
  }));
  assert.equal(
    rows.map(({ x, portsInUse, allotted, failed }) => [x, portsInUse, allotted, failed]),
    [
      [50, 600, 1024, 0],
      [51, 512, 512, 88],
    ],
  );
});

sweep("goes over pods, connections, frontends and SKU alike", () => {
  const figures = <X extends number | string>(
    rows: readonly { x: X; portsInUse: number; allotted: number; failed: number }[],
  ) => rows.map(({ x, portsInUse, allotted, failed }) => [x, portsInUse, allotted, failed]);
  const load = { connectionsPerPod: 100, nodes: 1 };
  assert.equal(
    figures(sweepSnatUse([1, 5, 11], podsPerNode => ({ scenario: smallCluster({ nodeCount: 1, podsPerNode }), load }))),
    [
      [1, 100, 1024, 0],
      [5, 500, 1024, 0],
      [11, 1024, 1024, 76],
    ],
  );
  assert.equal(
    figures(
      sweepSnatUse([10, 20], connectionsPerPod => ({
        scenario: smallCluster({ nodeCount: 1, podsPerNode: 1 }),
        load: { connectionsPerPod },
      })),
    ),
    [
      [10, 10, 1024, 0],
      [20, 20, 1024, 0],
    ],
  );
  assert.equal(
    figures(
      sweepSnatUse([1, 2], frontends => ({
        scenario: smallCluster({ nodeCount: 60, podsPerNode: 6, sku: "Standard", frontends }),
        load,
      })),
    ),
    [
      [1, 512, 512, 88],
      [2, 600, 1024, 0],
    ],
  );
  assert.equal(
    figures(
      sweepSnatUse(["Basic", "Standard"] as const, sku => ({
        scenario: smallCluster({
          nodeCount: 1,
          podsPerNode: 1,
          sku,
          ...(sku === "Standard" ? { allocatedOutboundPorts: 64 } : {}),
        }),
        load,
      })),
    ),
    [
      ["Basic", 100, 1024, 0],
      ["Standard", 64, 64, 36],
    ],
  );
});

sweep.run();
