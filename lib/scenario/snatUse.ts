import { wholeNumber } from "../checks.js";
import { InputError } from "../errors.js";
import { largest } from "../extremes.js";
import { formatAddr } from "../ip/addr.js";
import { podHostId } from "../kube/hosts.js";
import type { Cluster, Pod } from "../kube/cluster.js";
import type { ModelLab } from "../net/lab.js";
import { bootModel } from "../net/model.js";
import type { Trace } from "../net/trace.js";
import { build } from "./build.js";
import type { Built, Scenario } from "./scenario.js";

/** The connections that every pod opens and leaves open. */
export interface SnatLoad {
  /** 0-28232, as many as a pod has ports for clients. Connection i goes to destination i modulo their number. */
  readonly connectionsPerPod: number;
  /** Where to: a site's name or an address, and a port. By default port 80 of each of the scenario's sites. */
  readonly destinations?: readonly { readonly to: string; readonly port: number }[];
  /** Default tcp. */
  readonly proto?: "tcp" | "udp";
  /** Namespace of the pods that open them; default `default`. */
  readonly namespace?: string;
  /** Only the first so many nodes of each cluster are loaded, and have rows. By default all: ports are a node's own, so one shows what a large cluster's nodes would. */
  readonly nodes?: number;
}

/** What one pod's connections hold of its node's SNAT ports. A flat record, so rows can be shown as a table. */
export type SnatUseRow = {
  readonly cluster: string;
  readonly node: string;
  /** Absent in the one row of a node where no pod opens anything. */
  readonly pod?: string;
  /** Ports that the pod was the first to take. TCP ports are shared between destinations, so they may be fewer than its connections. */
  readonly portsInUse: number;
  /** Ports that the load balancer gives the whole node for the protocol. */
  readonly allotted: number;
  /** Connections of the pod that were not established. */
  readonly failed: number;
};

/** One setting of a sweep, and how the fullest node fares in it. */
export type SnatSweepRow<X extends number | string> = {
  /** The value of the parameter that changes. */
  readonly x: X;
  readonly cluster: string;
  /** Nodes that were loaded. */
  readonly nodes: number;
  /** Ports in use on the node that uses most. */
  readonly portsInUse: number;
  /** Ports that each node has. */
  readonly allotted: number;
  /** Connections of the loaded nodes that were not established. */
  readonly failed: number;
};

/** Linux's ports for clients: with more connections a pod would use one twice. */
const atMost = 28_232;

const destinationsOf = (built: Built, load: SnatLoad) => {
  const destinations = load.destinations ?? built.scenario.sites.map(site => ({ to: site.name, port: 80 }));
  if (destinations.length === 0)
    throw new InputError({
      where: "load.destinations",
      value: [],
      problem: "is empty",
      expected: "at least one destination",
    });
  wholeNumber("load.connectionsPerPod", load.connectionsPerPod, { least: 0, most: atMost }, "connections");
  if (load.nodes !== undefined)
    wholeNumber("load.nodes", load.nodes, { least: 1, most: Number.POSITIVE_INFINITY }, "nodes");
  return destinations;
};

/** Ports that the sender's node holds once the packet has passed its translator; undefined when it got none. */
const portsHeld = (trace: Trace): number | undefined => {
  for (const hop of trace.hops) for (const step of hop.steps) if (step.kind === "translate") return step.portsInUse;
  return undefined;
};

const podsByNode = (cluster: Cluster, namespace: string): ReadonlyMap<string, readonly Pod[]> => {
  const byNode = new Map<string, Pod[]>(cluster.nodes.map(node => [node.name, []]));
  for (const pod of cluster.pods) if (pod.namespace === namespace && !pod.hostNetwork) byNode.get(pod.node)?.push(pod);
  return byNode;
};

/**
 * Opens the load's connections from every pod of a namespace, leaves them open, and counts the SNAT ports that they take.
 * Pods on the host network are left out. The lab keeps the connections: a second call adds to the first.
 * @param lab the booted network of `built`
 * @returns a row per pod, in the order of the clusters' nodes and pods
 * @throws InputError on a load out of range or without a destination
 */
export const snatUse = (lab: ModelLab, built: Built, load: SnatLoad): readonly SnatUseRow[] => {
  const destinations = destinationsOf(built, load);
  const proto = load.proto ?? "tcp";
  const atStart = new Map(
    lab
      .portUse()
      .filter(use => use.proto === proto)
      .map(use => [use.source, use]),
  );

  /** Opens a pod's connections; `held` is what its node holds before and after. */
  const open = (pod: string, held: number) => {
    let taken = 0;
    let failed = 0;
    for (let i = 0; i < load.connectionsPerPod; i++) {
      const { to, port } = destinations[i % destinations.length]!;
      const trace = lab.traceConnect(pod, to, port, { proto });
      const now = portsHeld(trace) ?? held;
      taken += Math.max(0, now - held);
      held = now;
      if (trace.disposition.kind !== "delivered") failed++;
    }
    return { held, taken, failed };
  };

  return built.clusters.flatMap(({ cluster }) => {
    const pods = podsByNode(cluster, load.namespace ?? "default");
    return cluster.nodes.slice(0, load.nodes).flatMap((node): SnatUseRow[] => {
      const use = atStart.get(formatAddr(node.internalIp));
      const row = { cluster: cluster.name, node: node.name, portsInUse: 0, allotted: use?.allotted ?? 0, failed: 0 };
      let inUse = use?.inUse ?? 0;
      const rows = pods.get(node.name)!.map(pod => {
        const { held, taken, failed } = open(podHostId(cluster.name, pod), inUse);
        inUse = held;
        return { ...row, pod: pod.name, portsInUse: taken, failed };
      });
      return rows.length === 0 ? [row] : rows;
    });
  });
};

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The fullest node of each cluster, for one value of the swept parameter. */
const summarise = <X extends number | string>(x: X, rows: readonly SnatUseRow[]): readonly SnatSweepRow<X>[] =>
  [...new Set(rows.map(row => row.cluster))].map(cluster => {
    const own = rows.filter(row => row.cluster === cluster);
    const perNode = new Map<string, number>();
    for (const { node, portsInUse } of own) perNode.set(node, (perNode.get(node) ?? 0) + portsInUse);
    const used = [...perNode.values()];
    return {
      x,
      cluster,
      nodes: used.length,
      portsInUse: largest(used),
      allotted: own[0]!.allotted,
      failed: sum(own.map(row => row.failed)),
    };
  });

/**
 * Builds and boots a fresh network for each value of a parameter, puts the load on it, and tells how the fullest node fares.
 * Any parameter will do: pods, connections per pod, nodes, frontends, SKU.
 *
 *     sweepSnatUse([1, 50, 51], nodeCount => ({ scenario: smallCluster({ nodeCount }), load: { connectionsPerPod: 600, nodes: 1 } }))
 *
 * @returns a row per value and cluster, in the order of the values
 * @throws InputError when a scenario or its load is not valid
 */
export const sweepSnatUse = <X extends number | string>(
  values: readonly X[],
  setting: (value: X) => { readonly scenario: Scenario; readonly load: SnatLoad },
): readonly SnatSweepRow<X>[] =>
  values.flatMap(value => {
    const { scenario, load } = setting(value);
    const built = build(scenario);
    return summarise(value, snatUse(bootModel(built.network), built, load));
  });
