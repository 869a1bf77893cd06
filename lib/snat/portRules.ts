import { InputError } from "../errors.js";
import { seconds, wholeNumber, withFields, within } from "../checks.js";
import { figures } from "../figures.js";
import { oneOf } from "../shape.js";
import { type Era, newestEra } from "../azure/era.js";
import { type Sku, snatPorts } from "../azure/snat.js";
import { contradiction, reading } from "../azure/ledger.js";
import { type NodeCount, type Surge, defaultSurge } from "../azure/surge.js";
import { type PortChoice, portsAtMost } from "./erlang.js";
import type { Hold } from "./hold.js";
import { type Destination, type Spread, type Stream, addressName, destinationName } from "./workload.js";

/** What a result rests on: a figure or a choice, as it was used, and where it comes from. */
export interface RuleAssumption {
  readonly name: string;
  readonly value: string;
  readonly why: string;
  readonly source: string;
}

/**
 * What one UDP port serves at a time: one flow; one flow to each destination address;
 * or, as TCP ports do, one to each destination address and port.
 */
export type UdpPortPer = "flow" | "destination" | "destination-port";

/** Which connections a limit counts: open ones, or all that hold a port. */
export type CountedConnections = "open" | "held";

/** How outbound connections find their ports, for TCP and UDP alike; the two are counted apart. */
export interface PortRules {
  readonly kind: "load-balancer" | "nat-gateway" | "masquerade";
  readonly title: string;
  /** A pool of its own for each node, or one for all. */
  readonly pool: "per-node" | "shared";
  /** Ports in each pool. */
  readonly ports: number;
  readonly choice: PortChoice;
  readonly udpPortPer: UdpPortPer;
  /** Connections that may go to one destination at a time: the ports, or fewer. */
  readonly connectionsPerDestination: number;
  /** Which of them count: open ones, or every one that holds its port. */
  readonly counted: CountedConnections;
  /** Connections that one pool holds at a time, all destinations together. */
  readonly connections: number;
  /** Seconds without a packet until the port is given up. */
  readonly idle: { readonly tcp: number; readonly udp: number };
  /** Seconds that the port stays held towards the same destination after FIN, after RST, and after UDP's idle timeout. */
  readonly after: { readonly fin: number; readonly rst: number; readonly udp: number };
  /** In a line: what decided the ports and how long they are held, to be shown beside results. */
  readonly basis: string;
  readonly assumptions: readonly RuleAssumption[];
}

type Known = { readonly value: unknown; readonly unit: string; readonly source: string; readonly note?: string };

/** A figure of the field, or what the user puts in its place. */
const figureOr = (
  name: string,
  figure: Known & { readonly value: number },
  given: number | undefined,
): readonly [number, RuleAssumption] =>
  given === undefined || given === figure.value
    ? [
        figure.value,
        { name, value: `${figure.value} ${figure.unit}`, why: figure.note ?? "documented", source: figure.source },
      ]
    : [
        seconds(name, given),
        { name, value: `${given} ${figure.unit}`, why: `given; documented is ${figure.value}`, source: figure.source },
      ];

/** A load balancer, as far as its ports depend on it. */
export interface LoadBalancerOptions {
  /** Default Standard. */
  readonly sku?: Sku;
  /** Nodes in the backend pool; those of each node pool where there are several. */
  readonly nodes: NodeCount;
  /** Outbound addresses, 1-100. Default 1. */
  readonly outboundIps?: number;
  /** Standard only: a multiple of 8, 0 to 64,000; 0, the default: the tier table. */
  readonly allocatedOutboundPorts?: number;
  /** maxSurge, a number or a percentage of each pool: Azure counts what it adds when it checks `allocatedOutboundPorts`. Default: the era's. */
  readonly surge?: Surge;
  /** Default: the newest documented. */
  readonly era?: Era;
  /** 4-120. Default 30, as AKS sets it; with Basic 4. */
  readonly idleTimeoutMinutes?: number;
  readonly udpPortPer?: UdpPortPer;
  /** Seconds; default 240 and 15. */
  readonly holdAfterFin?: number;
  readonly holdAfterRst?: number;
}

const balancerPorts = (options: LoadBalancerOptions) => {
  withFields("options", options, "nodes, and what else the load balancer has");
  const { sku = "Standard", nodes, outboundIps = 1, allocatedOutboundPorts = 0, era = newestEra } = options;
  const { surge = defaultSurge(era) } = options;
  wholeNumber("outboundIps", outboundIps, figures.aks.outboundIps.value, "outbound addresses");
  const found = snatPorts({ sku, nodes, frontends: outboundIps, allocated: allocatedOutboundPorts, surge, era });
  if (found.kind !== "rejected") return found;
  throw new InputError({
    where: found.because === "over-capacity" ? "allocatedOutboundPorts" : "nodes",
    value: found.because === "over-capacity" ? allocatedOutboundPorts : nodes,
    problem: `is refused: ${found.reason}`,
    expected:
      found.because === "over-capacity"
        ? "fewer ports, fewer nodes or more outbound addresses"
        : sku === "Basic"
          ? `at most ${figures.loadBalancer.basicPool.value} nodes, or sku Standard`
          : "at most 1,000 nodes, or ports allocated by hand",
  });
};

/**
 * The rules of an Azure load balancer: each node has ports of its own, the lowest free is taken first, a TCP port serves
 * every destination at once, and stays held for a while after the connection ended.
 * @throws InputError for ports that are no multiple of 8 or more than the frontends hold, in Azure's own arithmetic
 */
export const loadBalancerRules = (options: LoadBalancerOptions): PortRules => {
  const found = balancerPorts(options);
  const {
    sku = "Standard",
    outboundIps = 1,
    era = newestEra,
    udpPortPer = era === "2018" ? "flow" : "destination",
  } = options;
  oneOf("use of a UDP port", "flow", "destination", "destination-port")(udpPortPer, "udpPortPer");
  const { loadBalancer, aks } = figures;
  const idleFigure = sku === "Basic" ? loadBalancer.idleTimeout : aks.idleTimeout;
  const minutes = options.idleTimeoutMinutes ?? idleFigure.value;
  wholeNumber("idleTimeoutMinutes", minutes, aks.idleTimeoutRange.value, "minutes");
  const [fin, finFrom] = figureOr("holdAfterFin", loadBalancer.holdAfterFin, options.holdAfterFin);
  const [rst, rstFrom] = figureOr("holdAfterRst", loadBalancer.holdAfterRst, options.holdAfterRst);
  return {
    kind: "load-balancer",
    title: `${sku} load balancer, ${found.perNode} ports per node`,
    pool: "per-node",
    ports: found.perNode,
    choice: "lowest",
    udpPortPer,
    connectionsPerDestination: found.perNode,
    counted: "held",
    connections: Infinity,
    idle: { tcp: minutes * 60, udp: minutes * 60 },
    after: { fin, rst, udp: 0 },
    basis: `${found.basis}; a port is held ${fin} s after FIN`,
    assumptions: [
      {
        name: "portsPerNode",
        value: `${found.perNode} of each protocol`,
        why: `${found.basis}; ${outboundIps} outbound address${outboundIps === 1 ? "" : "es"}`,
        source: loadBalancer.defaultPorts.source,
      },
      ...(found.kind === "allocated"
        ? [
            {
              name: "surge",
              value: `${found.counted.maxSurge}`,
              why: `${found.counted.says}${options.surge === undefined ? ", the era's default" : ", given"}`,
              source: reading("surge", contradiction("surge").default).source,
            },
          ]
        : []),
      {
        name: "era",
        value: era,
        why: "which documents decide what they disagree on",
        source: loadBalancer.defaultCeiling.source,
      },
      { name: "portChoice", value: "lowest free first", why: "documented", source: loadBalancer.holdAfterFin.source },
      {
        name: "udpPortPer",
        value: udpPortPer,
        why: options.udpPortPer === undefined ? "follows from the era" : "given",
        source: loadBalancer.holdAfterFin.source,
      },
      {
        name: "idleTimeout",
        value: `${minutes} minutes`,
        why: options.idleTimeoutMinutes === undefined ? "default" : "given",
        source: idleFigure.source,
      },
      finFrom,
      rstFrom,
    ],
  };
};

/** A NAT gateway, as far as its ports depend on it. */
export interface NatGatewayOptions {
  /** Public addresses, 1-16. Default 1. */
  readonly ips?: number;
  /** TCP, 4-120. Default 4. */
  readonly idleTimeoutMinutes?: number;
  /** Seconds; default 65, 16 and 65. */
  readonly holdAfterFin?: number;
  readonly holdAfterRst?: number;
  readonly holdUdp?: number;
  /**
   * Which connections count towards the 50,000 per address and destination: those that are `open`, or every one that still
   * holds its port, the time after its end included. No document decides; see `connectionsPerDestination` in the ledger. Default open.
   */
  readonly counted?: CountedConnections;
}

/**
 * The rules of a NAT gateway: one pool of 64,512 ports per address for every node of the subnet, a random free port,
 * each port serving every destination once, 50,000 connections per address to one destination.
 * @throws InputError for addresses or minutes out of range
 */
export const natGatewayRules = (options: NatGatewayOptions = {}): PortRules => {
  withFields("options", options, "ips, and what else the gateway has; each may be left out");
  const { ips = 1, counted = contradiction("connectionsPerDestination").default as CountedConnections } = options;
  oneOf("count of connections", "open", "held")(counted, "counted");
  const countedBy = reading("connectionsPerDestination", counted);
  const gateway = figures.natGateway;
  wholeNumber("ips", ips, gateway.addresses.value, "public addresses");
  const minutes = wholeNumber(
    "idleTimeoutMinutes",
    options.idleTimeoutMinutes ?? gateway.idleTimeout.value,
    gateway.idleTimeoutRange.value,
    "minutes",
  );
  const [fin, finFrom] = figureOr("holdAfterFin", gateway.holdAfterFin, options.holdAfterFin);
  const [rst, rstFrom] = figureOr("holdAfterRst", gateway.holdAfterRst, options.holdAfterRst);
  const [udp, udpFrom] = figureOr("holdUdp", gateway.holdUdp, options.holdUdp);
  const perDestination = ips * gateway.connectionsPerAddress.value;
  return {
    kind: "nat-gateway",
    title: `NAT gateway, ${ips} address${ips === 1 ? "" : "es"}`,
    pool: "shared",
    ports: ips * gateway.portsPerAddress.value,
    choice: "random",
    udpPortPer: "destination-port",
    connectionsPerDestination: perDestination,
    counted,
    connections: gateway.connections.value,
    idle: { tcp: minutes * 60, udp: gateway.udpIdleTimeout.value * 60 },
    after: { fin, rst, udp },
    basis: `${ips} x ${gateway.portsPerAddress.value} ports, held ${fin} s after FIN; of the ${perDestination} connections to one destination ${counted === "open" ? "only open ones count" : "those that hold a port count"} (no document decides)`,
    assumptions: [
      {
        name: "ports",
        value: `${ips} x ${gateway.portsPerAddress.value}`,
        why: "shared by all nodes",
        source: gateway.portsPerAddress.source,
      },
      {
        name: "connectionsPerDestination",
        value: `${perDestination}`,
        why: "per address and destination",
        source: gateway.connectionsPerAddress.source,
      },
      {
        name: "counted",
        value: counted,
        why: `${countedBy.says}${options.counted === undefined ? ", assumed as no document decides" : ", given"}`,
        source: countedBy.source,
      },
      {
        name: "connections",
        value: `${gateway.connections.value}`,
        why: "TCP and UDP are each held to it, as they are counted apart",
        source: gateway.connections.source,
      },
      { name: "portChoice", value: "random free port", why: "documented", source: gateway.portsPerAddress.source },
      {
        name: "idleTimeout",
        value: `${minutes} minutes; UDP ${gateway.udpIdleTimeout.value}`,
        why: options.idleTimeoutMinutes === undefined ? "default" : "given",
        source: gateway.idleTimeout.source,
      },
      finFrom,
      rstFrom,
      udpFrom,
    ],
  };
};

/** The range of ports that a node's own MASQUERADE searches. */
export interface MasqueradeOptions {
  /** The ports that MASQUERADE may take. Default 1024-65535: what the kernel searches for a source port in that range. */
  readonly first?: number;
  readonly last?: number;
}

/**
 * The rules of the node's own MASQUERADE, with the connection tracker's timeouts as its holds: a port is taken as long as
 * its tuple with the destination is, established connections are forgotten after 24 hours (kube-proxy's setting),
 * after FIN the tuple stays for 120 s (TIME_WAIT), after RST for 10 s; UDP goes after 120 s of silence.
 */
export const masqueradeRules = (options: MasqueradeOptions = {}): PortRules => {
  const { first = 1024, last = 65_535 } = withFields("options", options, "first and last; each may be left out");
  wholeNumber("first", first, { least: 1, most: 65_535 }, "as a port");
  wholeNumber("last", last, { least: first, most: 65_535 }, "as a port");
  const ports = last - first + 1;
  const source = "linux Documentation/networking/nf_conntrack-sysctl.rst";
  return {
    kind: "masquerade",
    title: `MASQUERADE on the node, ports ${first}-${last}`,
    pool: "per-node",
    ports,
    choice: "random",
    udpPortPer: "destination-port",
    connectionsPerDestination: ports,
    counted: "held",
    connections: Infinity,
    idle: { tcp: 86_400, udp: 120 },
    after: { fin: 120, rst: 10, udp: 0 },
    basis: `ports ${first}-${last} of the node's own MASQUERADE, held 120 s after FIN by the connection tracker`,
    assumptions: [
      {
        name: "ports",
        value: `${first}-${last}`,
        why: "the range that holds the source port",
        source: "linux net/netfilter/nf_nat_core.c",
      },
      {
        name: "portChoice",
        value: "any free port",
        why: "source ports are kept when they can be, else searched from a random place",
        source: "linux net/netfilter/nf_nat_core.c",
      },
      {
        name: "portSearch",
        value: "the last free port is found",
        why: "a simplification: Linux looks at some 240 ports of a large range, then the connection fails",
        source: "linux net/netfilter/nf_nat_core.c",
      },
      {
        name: "idleTimeout",
        value: "86400 s; UDP 120 s",
        why: "kube-proxy sets the first, the kernel the second",
        source,
      },
      { name: "holdAfterFin", value: "120 seconds", why: "TIME_WAIT", source },
      { name: "holdAfterRst", value: "10 seconds", why: "CLOSE", source },
    ],
  };
};

/** Refuses rules by which no port can be found, such as rules made by hand. @throws InputError naming the field under `where` */
export const checkRules = (rules: PortRules, where = "rules"): void => {
  const { connections, idle, after } = withFields(
    where,
    rules,
    "rules of ports: loadBalancerRules, natGatewayRules ...",
  );
  withFields(`${where}.idle`, idle, "seconds for tcp and udp");
  withFields(`${where}.after`, after, "seconds for fin, rst and udp");
  oneOf("kind of rules", "load-balancer", "nat-gateway", "masquerade")(rules.kind, `${where}.kind`);
  oneOf("pool", "per-node", "shared")(rules.pool, `${where}.pool`);
  oneOf("choice of ports", "lowest", "random")(rules.choice, `${where}.choice`);
  oneOf("use of a UDP port", "flow", "destination", "destination-port")(rules.udpPortPer, `${where}.udpPortPer`);
  const ports = { least: 1, most: portsAtMost };
  wholeNumber(`${where}.ports`, rules.ports, ports, "ports");
  wholeNumber(`${where}.connectionsPerDestination`, rules.connectionsPerDestination, ports, "connections");
  oneOf("count of connections", "open", "held")(rules.counted, `${where}.counted`);
  within(`${where}.connections`, connections, connections >= 1, "a number of connections, or Infinity");
  for (const protocol of ["tcp", "udp"] as const) seconds(`${where}.idle.${protocol}`, idle[protocol]);
  for (const end of ["fin", "rst", "udp"] as const) seconds(`${where}.after.${end}`, after[end]);
};

/** How long connections of a stream hold their port under these rules. */
export const holdOf = (stream: Stream, rules: PortRules): Hold => {
  const { protocol } = stream.to;
  const idle = rules.idle[protocol];
  const ends = protocol === "udp" ? "idle" : (stream.ends ?? "fin");
  const after = protocol === "udp" ? idle + rules.after.udp : ends === "idle" ? idle : rules.after[ends];
  const forgotten = stream.traffic === "once" && (stream.keepAlive ?? Infinity) >= idle;
  const closed = protocol === "udp" ? rules.after.udp : ends === "idle" ? 0 : rules.after[ends];
  // A silent connection is forgotten by the idle timeout, whether its owner ends it later or never.
  if (!forgotten) return { duration: stream.duration, after, closed };
  return protocol === "udp" || ends === "idle"
    ? { duration: { kind: "constant", seconds: after }, after: 0, closed }
    : { duration: stream.duration, after, closed, cut: idle };
};

/**
 * What a port serves once at a time: two connections of one group need two ports, of different groups they can share one.
 * For TCP a group is a destination.
 */
export const groupOf = (to: Destination | Spread, index: number, rules: PortRules): string => {
  if (to.protocol === "tcp" || rules.udpPortPer === "destination-port") return destinationName(to, index);
  return rules.udpPortPer === "destination" ? `${addressName(to, index)}/udp` : "any/udp";
};
