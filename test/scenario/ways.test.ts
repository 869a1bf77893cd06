import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import type { NetworkPlugin } from "../../lib/kube/cluster.js";
import { describeWay, go, nodeCounts, plugins, shapeOf, type Way, waysOf } from "./ways.js";

const test = suite("every way");

/** Who has a way to a destination of a kind: pods of kubenet have none from outside their cluster, services only by their outer addresses. */
const leads = (plugin: NetworkPlugin, { from, to }: Way): boolean => {
  const within = from.kind === "pod" || from.kind === "node";
  switch (to.kind) {
    case "pod":
      return within || (from.kind === "VM" && plugin === "azure-cni");
    case "ClusterIP":
      return within;
    case "node":
    case "VM":
    case "NodePort":
      return from.kind !== "Internet";
    case "site":
      return to.proto !== "icmp" || !within; // a load balancer translates no ping
    case "LoadBalancer":
      return true;
  }
};

/** A node of five is drawn in 24 tries but once in 200. */
const tries = 24;

for (const plugin of plugins)
  for (const nodeCount of nodeCounts)
    test(`${plugin} with ${nodeCount} nodes: where a way leads to somebody, every connection is answered`, async () => {
      const built = shapeOf(plugin, nodeCount);
      const lab = bootModel(built.network);
      for (const way of waysOf(built)) {
        const seen = new Set<string>();
        for (let i = 0; i < tries; i++) seen.add(await go(lab, way));
        const answered = (outcome: string) => / sees |echo-reply/.test(outcome);
        const expected = way.to.answers && leads(plugin, way);
        for (const outcome of seen) assert.is(answered(outcome), expected, `${describeWay(way)}: ${outcome}`);
      }
    });

test.run();
