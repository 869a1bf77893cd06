import { largest } from "../extremes.js";
import { formatAddr } from "../ip/addr.js";
import { podHostId } from "../kube/hosts.js";
import type { Cluster, NetworkPlugin, Pod, Service } from "../kube/types.js";
import { type AddressChange, addressChanges, formatChangedBy } from "../net/addressChange.js";
import type { ModelLab } from "../net/lab.js";
import type { Disposition, Hop, Trace } from "../net/trace.js";
import type { Host } from "../net/types.js";
import type { Packet } from "../packet/packet.js";
import type { Built, BuiltCluster } from "./types.js";

const destinationKinds = ["same-node pod", "other-node pod", "VM", "service", "Internet"] as const;

/** Where a flow goes, as far as its source address is concerned. */
export type DestinationKind = (typeof destinationKinds)[number];

/** Whose address the receiver sees. */
export type Owner = "pod" | "node" | "load balancer" | "unknown";

/** A change of source or destination on a flow's way. */
export interface FlowChange {
  /** The node's name, or the load balancer's. */
  readonly place: string;
  readonly which: "source" | "destination";
  /** Address and port, as they were and as they became. */
  readonly from: string;
  readonly to: string;
  /** `POSTROUTING rule 3, MASQUERADE`, `load balancer kubernetes`. */
  readonly by: string;
  /** The rule's comment, where a rule with one decided it. */
  readonly comment?: string;
}

/** One flow from a pod or node: its source at each stage, taken from the trace of a TCP connection's first packet. Sources are `address:port`. */
export interface FlowRow {
  readonly cluster: string;
  readonly plugin: NetworkPlugin;
  readonly fromKind: "pod" | "node";
  readonly from: string;
  /** The node that it is, or runs on. */
  readonly node: string;
  readonly toKind: DestinationKind;
  /** What was called: a pod's, machine's, service's or site's name. */
  readonly to: string;
  /** As the sender itself sees it. */
  readonly sent: string;
  /** As the sender's node sends it out; absent when the packet stays on the node. */
  readonly leavingNode?: string;
  /** As the virtual network sees it; absent when the packet does not get there. */
  readonly inVnet?: string;
  /** As the Internet sees it; absent when the packet does not get there. */
  readonly onInternet?: string;
  /** As the receiver sees it; absent when nobody received the packet, as are the next three. */
  readonly received?: string;
  readonly owner?: Owner;
  /** The packet's TTL as it reaches the receiver, of 64 at the start. */
  readonly ttl?: number;
  /** The host that received it: for a service, the pod behind it. */
  readonly receiver?: string;
  readonly changes: readonly FlowChange[];
  readonly outcome: Disposition["kind"];
}

export interface FlowTableOptions {
  /** Namespace of the pods that send and that are called; default `default`. */
  readonly namespace?: string;
}

interface Sender {
  readonly kind: "pod" | "node";
  readonly host: string;
  readonly name: string;
  readonly node: string;
}

interface Destination {
  readonly kind: DestinationKind;
  readonly name: string;
  /** Address or name to connect to. */
  readonly to: string;
  readonly port: number;
}

const sourceOf = (packet: Packet): string =>
  packet.proto === "icmp" ? formatAddr(packet.src) : `${formatAddr(packet.src)}:${packet.sport}`;

const sendersOf = (cluster: Cluster, pods: readonly Pod[]): readonly Sender[] => [
  ...pods.map(pod => ({ kind: "pod", host: podHostId(cluster.name, pod), name: pod.name, node: pod.node }) as const),
  ...cluster.nodes.map(({ name }) => ({ kind: "node", host: name, name, node: name }) as const),
];

/** A service with pods behind it, and not the sender itself when there is a choice. */
const serviceFor = (services: readonly Service[], pods: readonly Pod[], own: Pod | undefined): Service | undefined => {
  const addresses = new Set(pods.map(pod => pod.ip));
  const leading = services.filter(
    ({ endpoints }) => endpoints.length > 0 && endpoints.every(({ ip }) => addresses.has(ip)),
  );
  return leading.find(({ endpoints }) => endpoints.every(({ ip }) => ip !== own?.ip)) ?? leading[0];
};

const toPod = (kind: DestinationKind, pod: Pod | undefined): readonly Destination[] => {
  const port = pod?.ports.find(({ protocol }) => protocol === "TCP")?.port;
  return pod === undefined || port === undefined ? [] : [{ kind, name: pod.name, to: formatAddr(pod.ip), port }];
};

/** A machine or site of the network, at a port where it listens: there the answer shows what it saw. */
const toHost = (kind: DestinationKind, host: Host | undefined): readonly Destination[] => {
  const address = host?.interfaces[0]?.addresses[0]?.address;
  const port = host?.listeners.find(({ proto }) => proto === "tcp")?.port;
  return host === undefined || address === undefined || port === undefined
    ? []
    : [{ kind, name: host.hostname, to: formatAddr(address), port }];
};

const destinationsOf = (
  { scenario }: Built,
  hosts: ReadonlyMap<string, Host>,
  cluster: Cluster,
  pods: readonly Pod[],
  sender: Sender,
  namespace: string,
): readonly Destination[] => {
  const own = sender.kind === "pod" ? pods.find(pod => pod.name === sender.name) : undefined;
  const others = pods.filter(pod => pod !== own);
  const service = serviceFor(
    cluster.services.filter(one => one.namespace === namespace),
    pods,
    own,
  );
  const port = service?.ports.find(({ protocol }) => protocol === "TCP")?.port;
  const first = (named: readonly { readonly name: string }[]) => hosts.get(named[0]?.name ?? "");
  return [
    ...toPod(
      "same-node pod",
      others.find(pod => pod.node === sender.node),
    ),
    ...toPod(
      "other-node pod",
      others.find(pod => pod.node !== sender.node),
    ),
    ...toHost("VM", first(scenario.vms)),
    ...(service === undefined || port === undefined
      ? []
      : [{ kind: "service", name: service.name, to: formatAddr(service.clusterIp), port } as const]),
    ...toHost("Internet", first(scenario.sites)),
  ];
};

const formatChange = ({ place, which, before, after, by }: AddressChange): FlowChange => {
  const end = (flow: AddressChange["before"]) =>
    which === "source" ? `${formatAddr(flow.src)}:${flow.sport}` : `${formatAddr(flow.dst)}:${flow.dport}`;
  return {
    place,
    which,
    from: end(before),
    to: end(after),
    by: formatChangedBy(by),
    ...(by.kind === "rule" && by.comment !== undefined && { comment: by.comment }),
  };
};

/** A port of its own for each flow, so that none is translated because another has its port. */
function* clientPorts(): Generator<number, never> {
  for (let i = 0; ; i++) yield 40_000 + (i % 20_000);
}

/** The hop after which a packet is among public addresses. */
const lastBeforeInternet = (hops: readonly Hop[]): Hop | undefined =>
  hops.find(hop =>
    hop.steps.some(
      step => step.kind === "public-address" || (step.kind === "translate" && step.before.src !== step.after.src),
    ),
  );

/** The source at each stage of a trace. */
const stages = ({
  hops,
  disposition,
}: Trace): Pick<FlowRow, "sent" | "leavingNode" | "inVnet" | "onInternet" | "received" | "ttl"> => {
  const entry = hops.findIndex(hop => hop.kind === "fabric");
  const leaving = hops[entry - 1];
  const fabric = hops[entry];
  const translated = lastBeforeInternet(hops);
  const last = hops.at(-1)!;
  return {
    sent: sourceOf(hops[0]!.before),
    ...(leaving !== undefined && { leavingNode: sourceOf(leaving.after) }),
    ...(fabric !== undefined && { inVnet: sourceOf(fabric.before) }),
    ...(translated !== undefined && { onInternet: sourceOf(translated.after) }),
    ...(disposition.kind === "delivered" && { received: sourceOf(last.before), ttl: last.before.ttl }),
  };
};

/** Whose an address is: a node's (the sender's, or the one that masquerades on arrival), the sender's, the load balancer's. */
const owners = (hosts: ReadonlyMap<string, Host>, cluster: Cluster, balancer: BuiltCluster["loadBalancer"]) => {
  const addressesOf = (id: string): readonly string[] =>
    hosts.get(id)?.interfaces.flatMap(one => one.addresses.map(({ address }) => formatAddr(address))) ?? [];
  const ofNodes = new Set(cluster.nodes.flatMap(({ name }) => addressesOf(name)));
  return (source: string, sender: Sender): Owner => {
    const address = source.split(":")[0]!;
    if (ofNodes.has(address)) return "node";
    if (addressesOf(sender.host).includes(address)) return "pod";
    return balancer.outboundFrontends.includes(address) ? "load balancer" : "unknown";
  };
};

/**
 * Sends the first packet of a TCP connection from every pod of a namespace, and from every node, to each kind of
 * destination, and tells the source address and port at each stage of its way. All of it is read from the traces.
 * A kind that a cluster does not have (a pod on another node, where there is one node) has no row.
 * @param lab the booted network of `built`; the connections are left open in it
 */
export const flowTable = async (
  lab: ModelLab,
  built: Built,
  options: FlowTableOptions = {},
): Promise<readonly FlowRow[]> => {
  const namespace = options.namespace ?? "default";
  const hosts = new Map(built.network.hosts.map(host => [host.id, host]));
  const ports = clientPorts();
  return built.clusters.flatMap(({ cluster, loadBalancer }) => {
    const pods = cluster.pods.filter(pod => pod.namespace === namespace && !pod.hostNetwork);
    const ownerOf = owners(hosts, cluster, loadBalancer);
    return sendersOf(cluster, pods).flatMap(sender =>
      destinationsOf(built, hosts, cluster, pods, sender, namespace).map((destination): FlowRow => {
        const trace = lab.traceConnect(sender.host, destination.to, destination.port, {
          sourcePort: ports.next().value,
        });
        const seen = stages(trace);
        return {
          cluster: cluster.name,
          plugin: cluster.plugin,
          fromKind: sender.kind,
          from: sender.name,
          node: sender.node,
          toKind: destination.kind,
          to: destination.name,
          ...seen,
          ...(seen.received !== undefined && {
            owner: ownerOf(seen.received, sender),
            receiver: hosts.get(trace.hops.at(-1)!.place)?.hostname ?? "",
          }),
          changes: addressChanges(trace).map(formatChange),
          outcome: trace.disposition.kind,
        };
      }),
    );
  });
};

/** A table ready to be shown: cells as text or numbers. */
export interface FlowTableView {
  readonly caption: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

const groupBy = <Item>(items: readonly Item[], key: (item: Item) => string): ReadonlyMap<string, readonly Item[]> => {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
};

/** What tells a pod or node from its like: what follows the last dash of its name. */
const shortName = ({ fromKind, from }: FlowRow): string =>
  fromKind === "node" ? `node ${from.slice(from.lastIndexOf("-") + 1)}` : from.slice(from.lastIndexOf("-") + 1);

/** A source with its port only where the port is new. */
const source = (value: string | undefined, before: string): string => {
  if (value === undefined) return "-";
  const [address, port] = value.split(":");
  return before.endsWith(`:${port}`) ? address! : value;
};

/** The source address at each stage, a table for each cluster, within 100 columns. A port is repeated only where it changes. */
export const flowTableColumns = (rows: readonly FlowRow[]): readonly FlowTableView[] =>
  [...groupBy(rows, row => row.cluster)].map(([cluster, own]) => ({
    caption: `${cluster} (${own[0]!.plugin})`,
    columns: ["FROM", "TO", "SENT AS", "NODE", "VNET", "RECEIVER", "TTL"],
    rows: own.map(row => [
      shortName(row),
      row.toKind,
      row.sent,
      source(row.leavingNode, row.sent),
      source(row.inVnet, row.sent),
      row.received === undefined ? row.outcome : source(row.received, row.sent),
      row.ttl ?? null,
    ]),
  }));

const widest = 100;

const cut = (text: string, width: number): string => (text.length > width ? `${text.slice(0, width - 1)}…` : text);

/** `POSTROUTING 3 MASQUERADE`: whether source or destination changes is in the target's name. */
const decidedBy = ({ by }: FlowChange): string =>
  by.replace(/^load balancer .*/, "load balancer SNAT").replace(/ rule (\d+),/, " $1");

/** Who changes addresses and by which rule, for each kind of sender and destination; a table for each cluster, within 100 columns. */
export const flowChangeColumns = (rows: readonly FlowRow[]): readonly FlowTableView[] =>
  [...groupBy(rows, row => row.cluster)].map(([cluster, own]) => {
    const all = own.flatMap(row =>
      row.changes.map(change => [row.fromKind, row.toKind, decidedBy(change), change.comment ?? ""] as const),
    );
    const cells = [...groupBy(all, cell => cell.join("\t")).values()].map(same => same[0]!);
    const rest = ([0, 1, 2] as const).reduce(
      (left, column) => left - 2 - Math.max(4, largest(cells.map(cell => cell[column].length))),
      widest,
    );
    return {
      caption: `${cluster} (${own[0]!.plugin})`,
      columns: ["FROM", "TO", "BY", "COMMENT"],
      rows: cells.map(([from, to, by, comment]) => [from, to, by, cut(comment, rest)]),
    };
  });

/** What the receiver sees, the clusters side by side: whose address, and the TTL, for the first sender of each kind whose packet arrives. */
export const compareFlows = (rows: readonly FlowRow[]): FlowTableView => {
  const clusters = [...groupBy(rows, row => row.cluster)];
  const kinds = (["pod", "node"] as const)
    .flatMap(fromKind => destinationKinds.map(toKind => ({ fromKind, toKind })))
    .filter(({ fromKind, toKind }) => rows.some(row => row.fromKind === fromKind && row.toKind === toKind));
  const seen = (own: readonly FlowRow[]): readonly (string | number | null)[] => {
    const row = own.find(({ outcome }) => outcome === "delivered") ?? own[0];
    if (row === undefined) return ["-", null];
    return row.received === undefined ? [row.outcome, null] : [`${row.owner} ${row.received.split(":")[0]}`, row.ttl!];
  };
  return {
    caption: "Source that the receiver sees",
    columns: ["FROM", "TO", ...clusters.flatMap(([, own]) => [own[0]!.plugin, "TTL"])],
    rows: kinds.map(({ fromKind, toKind }) => [
      fromKind,
      toKind,
      ...clusters.flatMap(([, own]) => seen(own.filter(row => row.fromKind === fromKind && row.toKind === toKind))),
    ]),
  };
};
