import { InputError } from "../errors.js";
import { type Addr, formatAddr } from "../ip/addr.js";
import { podHostId } from "../kube/hosts.js";
import type { Cluster, NetworkPlugin, Pod } from "../kube/cluster.js";
import type { Disposition } from "../net/trace.js";
import type { Fabric, Host, Interface, Route, Veth } from "../net/network.js";
import {
  type ClassedFlow,
  type End,
  type FlowClass,
  type FlowNode,
  type FlowSender,
  type FlowTarget,
  FlowTracer,
  numbered,
  type OutlinedChange,
  partOf,
} from "./flowClasses.js";
import type { Built, BuiltCluster } from "./scenario.js";

/** What a flow may go to, in the order of tables. */
export const destinationKinds = ["same-node pod", "other-node pod", "VM", "service", "Internet"] as const;

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

/** Which rows a flow table has. */
export interface FlowTableOptions {
  /** Namespace of the pods that send and that are called; default `default`. */
  readonly namespace?: string;
  /** Kinds of destination to call; default all of them. */
  readonly kinds?: readonly DestinationKind[];
  /** Call every Internet site and every VM, not only the first of each. */
  readonly everyHost?: boolean;
}

interface Sender extends FlowSender {
  readonly kind: "pod" | "node";
  readonly name: string;
  readonly cluster: BuiltCluster;
}

interface Destination extends FlowTarget {
  readonly kind: DestinationKind;
  readonly name: string;
}

/** The client's ports, as Linux draws them: 32768-60999, from 40000 on. A node's flows each have their own, as long as there are enough. */
const clientPorts = { first: 32_768, count: 60_999 - 32_768 + 1, start: 40_000 - 32_768 } as const;

const clientPort = (flow: number): number => clientPorts.first + ((clientPorts.start + flow) % clientPorts.count);

const tcpPort = (ports: readonly { readonly port: number; readonly protocol: string }[]): number | undefined =>
  ports.find(({ protocol }) => protocol === "TCP")?.port;

/** All that is called, in the order in which it first is. */
class Called {
  readonly #all: Destination[] = [];

  get all(): readonly Destination[] {
    return this.#all;
  }

  add(to: Omit<Destination, "number">): Destination {
    const destination = { ...to, number: this.#all.length };
    this.#all.push(destination);
    return destination;
  }
}

/** What is called in one cluster: each destination is one object, whoever calls it. */
class Destinations {
  /** By node, places of its first two pods: the second is for the first. */
  readonly #onNode = new Map<string, number[]>();
  /** The place of the first pod, and of the first on another node than that. */
  readonly #other: number | undefined;
  readonly #services: readonly { readonly to: Destination | undefined; readonly behind: ReadonlySet<Addr> }[];
  readonly #machines: readonly Destination[];
  readonly #sites: readonly Destination[];

  constructor(
    { scenario }: Built,
    hosts: ReadonlyMap<string, Host>,
    cluster: Cluster,
    private readonly pods: readonly Pod[],
    private readonly kinds: ReadonlySet<DestinationKind>,
    private readonly called: Called,
    { namespace, everyHost }: { readonly namespace: string; readonly everyHost: boolean },
  ) {
    for (const [place, { node }] of pods.entries()) {
      const places = this.#onNode.get(node);
      if (places === undefined) this.#onNode.set(node, [place]);
      else if (places.length < 2) places.push(place);
    }
    const other = pods.findIndex(({ node }) => node !== pods[0]!.node);
    this.#other = other < 0 ? undefined : other;
    const addresses = new Set(pods.map(pod => pod.ip));
    this.#services = !kinds.has("service")
      ? []
      : cluster.services
          .filter(service => service.namespace === namespace && service.endpoints.length > 0)
          .map(service => ({ service, behind: new Set(service.endpoints.map(({ ip }) => ip)) }))
          .filter(({ behind }) => [...behind].every(ip => addresses.has(ip)))
          .map(({ service: { name, clusterIp, ports }, behind }) => {
            const port = tcpPort(ports);
            const to = port === undefined ? undefined : { kind: "service" as const, name, address: clusterIp, port };
            return { behind, to: to && called.add(to) };
          });
    const all = (kind: DestinationKind, named: readonly { readonly name: string }[]) =>
      !kinds.has(kind)
        ? []
        : (everyHost ? named : named.slice(0, 1))
            .flatMap(({ name }) => toHost(kind, hosts.get(name)))
            .map(to => called.add(to));
    this.#machines = all("VM", scenario.vms);
    this.#sites = all("Internet", scenario.sites);
  }

  readonly #near = new Map<number, Destination | undefined>();
  readonly #far = new Map<number, Destination | undefined>();
  /** By node, what its last sender called. */
  readonly #last = new Map<
    string,
    {
      readonly near: number | undefined;
      readonly far: number | undefined;
      readonly service: object | undefined;
      readonly all: readonly Destination[];
    }
  >();

  /** What one sender calls, a kind after the other. `own` is its place among the pods. Most pods of a node call the same. */
  of(node: string, own: number | undefined): readonly Destination[] {
    const { pods } = this;
    const near = this.#onNode.get(node)?.find(place => place !== own);
    const far = pods.length === 0 ? undefined : pods[0]!.node === node ? this.#other : 0;
    const ip = own === undefined ? undefined : pods[own]!.ip;
    const service = this.#services.find(({ behind }) => ip === undefined || !behind.has(ip)) ?? this.#services[0];
    const last = this.#last.get(node);
    if (last !== undefined && last.near === near && last.far === far && last.service === service) return last.all;
    const all = [
      ...this.#pod("same-node pod", near, this.#near),
      ...this.#pod("other-node pod", far, this.#far),
      ...this.#machines,
      ...(service?.to === undefined ? [] : [service.to]),
      ...this.#sites,
    ];
    this.#last.set(node, { near, far, service, all });
    return all;
  }

  #pod(
    kind: "same-node pod" | "other-node pod",
    place: number | undefined,
    known: Map<number, Destination | undefined>,
  ): readonly Destination[] {
    if (place === undefined || !this.kinds.has(kind)) return [];
    if (!known.has(place)) {
      const { name, ip, ports, node } = this.pods[place]!;
      const port = tcpPort(ports);
      known.set(place, port === undefined ? undefined : this.called.add({ kind, name, address: ip, port, node }));
    }
    const pod = known.get(place);
    return pod === undefined ? [] : [pod];
  }
}

/** A machine or site of the network, at a port where it listens: there the answer shows what it saw. */
const toHost = (kind: DestinationKind, host: Host | undefined): readonly Omit<Destination, "number">[] => {
  const address = host?.interfaces[0]?.addresses[0]?.address;
  const port = host?.listeners.find(({ proto }) => proto === "tcp")?.port;
  return host === undefined || address === undefined || port === undefined
    ? []
    : [{ kind, name: host.hostname, address, port }];
};

/**
 * All fields of an object but some, as text: equal for objects that differ in nothing else. Most objects are as the one before,
 * so that the text is put together once for all of them.
 */
const fieldsOfMany = (without: ReadonlySet<string>): ((item: object) => string) => {
  let last: Readonly<Record<string, unknown>> = {};
  let names: readonly string[] = [];
  let text = "";
  return item => {
    const fields = item as Readonly<Record<string, unknown>>;
    const own = Object.keys(fields).filter(name => !without.has(name));
    if (
      own.length !== names.length ||
      !own.every((name, place) => name === names[place] && fields[name] === last[name])
    ) {
      const value = (name: string) =>
        typeof fields[name] === "object" ? JSON.stringify(fields[name]) : String(fields[name]);
      text = own.map(name => `${name}=${value(name)} `).join("");
      names = own;
    }
    last = fields;
    return text;
  };
};

/** Of a host: its name, and what is looked at by itself. What listens on it matters to nobody who is only passing. */
const hostsOwn: ReadonlySet<string> = new Set<keyof Host>([
  "id",
  "hostname",
  "interfaces",
  "routes",
  "rules",
  "listeners",
]);
const interfacesOwn: ReadonlySet<string> = new Set<keyof Veth>(["addresses", "peer"]);
const podEndsOwn: ReadonlySet<string> = new Set<keyof Veth>(["name", "peer"]);

const isOwn = (entry: Interface): boolean => entry.kind !== "veth";

const shapesOf = (fabric: Fabric) => {
  const number = numbered();
  const nics = new Map(fabric.nics.map(nic => [nic.host, nic]));
  const nicOf = new Map(fabric.nics.flatMap(nic => nic.addresses.map(address => [address, nic.host] as const)));
  const nodeLinks = new WeakMap<Host, PodLinks>();
  const linksOf = (node: Host): PodLinks => {
    const known = nodeLinks.get(node) ?? new PodLinks(node);
    nodeLinks.set(node, known);
    return known;
  };
  const interfaceFields = fieldsOfMany(interfacesOwn);
  const interfaceShape = (entry: Interface): string =>
    `${interfaceFields(entry)}/${entry.addresses.map(({ prefix }) => prefix).join()}`;
  const hostFields = fieldsOfMany(hostsOwn);
  const podEndFields = fieldsOfMany(podEndsOwn);
  return {
    /** Of a node as a sender: all else of it is in its {@link FlowNode}. */
    ofNodes: number("node"),
    node(host: Host): FlowNode {
      const nic = nics.get(host.id);
      const card = nic && [nic.interface, nic.subnet, nic.ipForwarding, nic.publicAddress !== undefined];
      const own = host.interfaces.filter(isOwn);
      return {
        name: host.id,
        addresses: own.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
        shape: number(
          JSON.stringify([number(host.rules), hostFields(host), host.routes, own.map(interfaceShape), card]),
        ),
      };
    },
    /** Of a pod: it may have rules of its own, which tell it from all others. */
    pod(host: Host, node: Host): number {
      const rules = host.rules.tables.length === 0 ? "" : host.id;
      const inVnet = nicOf.get(host.interfaces[0]!.addresses[0]!.address) === node.id;
      const links = linksOf(node);
      const interfaces = host.interfaces.map(interfaceShape).join();
      const end = links.end(host);
      const podEnd = end === undefined ? "" : podEndFields(end);
      return number(`${rules} ${hostFields(host)} ${links.routes(host)} ${interfaces} ${inVnet} ${podEnd}`);
    },
  };
};

/** How the pods of one node hang on it. */
class PodLinks {
  readonly #ends: ReadonlyMap<string, Interface>;
  /** Pods of a node share a list of routes. */
  readonly #routes = new Map<Host["routes"], string>();

  constructor(private readonly node: Host) {
    this.#ends = new Map(node.interfaces.map(entry => [entry.name, entry]));
  }

  /** A pod's routes. Its gateway is its node's: it has another address on each node, and plays the same part. */
  routes({ routes }: Host): string {
    let shape = this.#routes.get(routes);
    if (shape === undefined) {
      shape = JSON.stringify(routes.map(route => ({ ...route, via: gatewayPart(route, this.node) })));
      this.#routes.set(routes, shape);
    }
    return shape;
  }

  /** The node's end of a pod's link. */
  end({ interfaces }: Host): Interface | undefined {
    const name = interfaces.flatMap(entry => (entry.kind === "veth" ? [entry.peer.interface] : []))[0];
    return name === undefined ? undefined : this.#ends.get(name);
  }
}

const gatewayPart = ({ via }: Route, { interfaces }: Host): string =>
  via === undefined
    ? ""
    : (interfaces.find(({ addresses }) => addresses.some(({ address }) => address === via))?.name ?? `${via}`);

const sendersOf = (
  built: BuiltCluster,
  pods: readonly Pod[],
  hosts: ReadonlyMap<string, Host>,
  shapes: ReturnType<typeof shapesOf>,
  first: number,
): readonly Sender[] => {
  const { cluster } = built;
  const nodes = new Map(cluster.nodes.map(({ name }) => [name, shapes.node(hosts.get(name)!)]));
  return [
    ...pods.map((pod, place): Sender => {
      const id = podHostId(cluster.name, pod);
      const host = hosts.get(id)!;
      const link = host.interfaces.find((entry): entry is Veth => entry.kind === "veth")?.peer.interface;
      return {
        number: first + place,
        kind: "pod",
        cluster: built,
        host: id,
        name: pod.name,
        node: nodes.get(pod.node)!,
        address: pod.ip,
        shape: shapes.pod(host, hosts.get(pod.node)!),
        link,
      };
    }),
    ...cluster.nodes.map(({ name, internalIp }, place): Sender => ({
      number: first + pods.length + place,
      kind: "node",
      cluster: built,
      host: name,
      name,
      node: nodes.get(name)!,
      address: internalIp,
      link: undefined,
      shape: shapes.ofNodes,
    })),
  ];
};

const formatEnd = ({ address, port }: End): string => `${formatAddr(address)}:${port}`;

/** Whose an address is: a node's (the sender's, or the one that masquerades on arrival), the sender's, the load balancer's. */
const owners = (hosts: ReadonlyMap<string, Host>, { cluster, loadBalancer }: BuiltCluster) => {
  const addressesOf = (id: string): readonly Addr[] =>
    hosts.get(id)?.interfaces.flatMap(one => one.addresses.map(({ address }) => address)) ?? [];
  const ofNodes = new Set(cluster.nodes.flatMap(({ name }) => addressesOf(name)));
  const frontends = new Set(loadBalancer.outboundFrontends);
  return (address: Addr, sender: FlowSender): Owner => {
    if (ofNodes.has(address)) return "node";
    if (addressesOf(sender.host).includes(address)) return "pod";
    return frontends.has(formatAddr(address)) ? "load balancer" : "unknown";
  };
};

/**
 * A table of flows. Its rows are held as classes: one flow of each was traced, the others follow from it, and a row is put
 * together when it is looked at. So a table may have millions of rows; each says what a trace of its own would.
 */
export class FlowTable implements Iterable<FlowRow> {
  constructor(
    readonly length: number,
    /** How many of the rows were traced; the others were derived. */
    readonly traced: number,
    private readonly at: (index: number) => FlowRow,
  ) {}

  /** @throws RangeError for an index that no row has */
  row(index: number): FlowRow {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw new RangeError(`no row ${index}: there are ${this.length}, counted from 0`);
    return this.at(index);
  }

  *[Symbol.iterator](): Generator<FlowRow, void> {
    for (let index = 0; index < this.length; index++) yield this.at(index);
  }
}

/**
 * The first packet of a TCP connection from every pod of a namespace, and from every node, to each kind of destination, all
 * at the same moment: the source address and port at each stage of its way. All of it is read from traces; a flow that no
 * rule can tell from another one is not traced again.
 * A kind that a cluster does not have (a pod on another node, where there is one node) has no row.
 *
 *     const rows = [...flowTable(build(articleScenario))];
 */
export const flowTable = (built: Built, options: FlowTableOptions = {}): FlowTable => {
  const { namespace = "default", kinds = destinationKinds, everyHost = false } = options;
  const unknown = kinds.find(kind => !destinationKinds.includes(kind));
  if (unknown !== undefined)
    throw new InputError({
      where: "kinds",
      value: unknown,
      problem: "is not a kind of destination",
      expected: destinationKinds.join(", "),
    });
  const hosts = new Map(built.network.hosts.map(host => [host.id, host]));
  const shapes = shapesOf(built.network.fabric);
  const called = new Called();
  const senders: Sender[] = [];
  /** By sender. */
  const calls: (readonly Destination[])[] = [];
  const ownersOf = new Map<BuiltCluster, ReturnType<typeof owners>>();
  /** By node, how many flows it sends, and how many of them have been followed. */
  const flows = new Map<FlowNode, { all: number; next: number }>();
  for (const each of built.clusters) {
    const { cluster } = each;
    ownersOf.set(each, owners(hosts, each));
    const pods = cluster.pods.filter(pod => pod.namespace === namespace && !pod.hostNetwork);
    const destinations = new Destinations(built, hosts, cluster, pods, new Set(kinds), called, {
      namespace,
      everyHost,
    });
    for (const [place, sender] of sendersOf(each, pods, hosts, shapes, senders.length).entries()) {
      const to = destinations.of(sender.node.name, place < pods.length ? place : undefined);
      const count = flows.get(sender.node) ?? { all: 0, next: 0 };
      count.all += to.length;
      flows.set(sender.node, count);
      senders.push(sender);
      calls.push(to);
    }
  }
  const length = calls.reduce((sum, to) => sum + to.length, 0);
  const tracer = new FlowTracer(built.network, senders, called.all, length);
  for (const [place, sender] of senders.entries()) {
    const to = calls[place]!;
    const count = flows.get(sender.node)!;
    const first = count.next;
    tracer.follow(sender, to, next => clientPort(first + next), count.all > clientPorts.count);
    count.next += to.length;
  }
  const receivers = new Map<FlowClass, Pick<FlowRow, "owner" | "receiver" | "ttl">>();
  const receiverOf = (of: FlowClass, sender: Sender): Pick<FlowRow, "owner" | "receiver" | "ttl"> => {
    let found = receivers.get(of);
    if (found === undefined) {
      const { received, receiver, ttl } = of.outline;
      const owner = ownersOf.get(sender.cluster)!(received!.address, of.sender);
      receivers.set(of, (found = { owner, ttl: ttl!, receiver: hosts.get(receiver!)?.hostname ?? "" }));
    }
    return found;
  };
  return new FlowTable(length, tracer.traced, index => {
    const flow = tracer.at(index);
    const sender = senders[flow.sender.number]!;
    const to = called.all[flow.to.number]!;
    const { backend } = flow;
    const { outline, public: taken, drawn } = flow.class;
    const write = writer(flow);
    const changeOf = (change: OutlinedChange): FlowChange => {
      const { which, comment } = change;
      const chosen = which === "destination" ? backend : undefined;
      const note = chosen === undefined ? comment : chosen.comment;
      return {
        place: change.place === flow.class.sender.node.name ? sender.node.name : change.place,
        which,
        from: chosen === undefined ? write(change.from) : formatEnd(change.from),
        to: chosen === undefined ? write(change.to) : formatEnd(chosen),
        by: chosen === undefined ? change.by : chosen.by,
        ...(note !== undefined && { comment: note }),
      };
    };
    // No port was left for it, though there was for the one that was traced: it went as far as the NAT device.
    const cutShort = taken !== undefined && flow.public === undefined;
    const row: { -readonly [Key in keyof FlowRow]: FlowRow[Key] } = {
      cluster: sender.cluster.cluster.name,
      plugin: sender.cluster.cluster.plugin,
      fromKind: sender.kind,
      from: sender.name,
      node: sender.node.name,
      toKind: to.kind,
      to: to.name,
      sent: write(outline.sent),
      changes: outline.changes.filter(change => !cutShort || change.to.address !== taken.address).map(changeOf),
      outcome: cutShort ? "dropped" : outline.outcome,
    };
    if (outline.leavingNode !== undefined) row.leavingNode = write(outline.leavingNode);
    if (outline.inVnet !== undefined) row.inVnet = write(outline.inVnet);
    if (cutShort) return row;
    if (outline.onInternet !== undefined) row.onInternet = write(outline.onInternet);
    if (outline.received === undefined) return row;
    row.received = write(outline.received);
    Object.assign(row, receiverOf(flow.class, sender));
    if (drawn !== undefined && outline.receiver === drawn.host)
      row.receiver = hosts.get(tracer.podAt(backend!.address)!.host)!.hostname;
    return row;
  });
};

/** How a flow's ends are written: those of the one that was traced, with its own sender, port and public end in their places. */
const writer = ({ class: of, sender, port, public: own }: ClassedFlow): ((end: End) => string) => {
  const { outline, sender: model, public: taken } = of;
  if (sender === model && port === outline.sent.port) return formatEnd;
  return ({ address }) => {
    if (address === taken?.address) return formatEnd(own!);
    return `${formatAddr(partOf(address, model)(sender))}:${port}`;
  };
};
