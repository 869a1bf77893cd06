import type { Addr } from "../ip/addr.js";
import type { Cidr } from "../ip/cidr.js";
import type { ConntrackTimeouts, Ruleset } from "../netfilter/ruleset.js";

/**
 * A whole network as plain data: no functions, no answers. Either engine boots it.
 * Clouds and orchestrators are compiled into these nouns; an engine knows none of them.
 */
export interface Network {
  readonly name: string;
  readonly hosts: readonly Host[];
  readonly fabric: Fabric;
  /** Public DNS: what a name means to every host. */
  readonly names: readonly { readonly name: string; readonly address: Addr }[];
  /** Seeds every draw that an engine makes (endpoint choice, port search offsets, latencies). */
  readonly seed: number;
}

/** What a host is to the reader; engines treat all alike. */
export type HostRole = "node" | "pod" | "vm" | "site";

/** Something with an IP stack of its own: a node, a pod, a virtual machine, an Internet site. */
export interface Host {
  /** Unique in the network: a node's name, `cluster/namespace/pod` for a pod. */
  readonly id: string;
  /** What the host calls itself: prompts, tcpdump and whereami show it. */
  readonly hostname: string;
  readonly role: HostRole;
  readonly interfaces: readonly Interface[];
  /** Beside these, each interface address makes its own on-link route. Order does not matter: the longest prefix wins. */
  readonly routes: readonly Route[];
  /** net.ipv4.ip_forward. */
  readonly forwarding: boolean;
  /** net.ipv4.conf.all.route_localnet: 127.0.0.0/8 may come from and go to other interfaces than lo. Off when left out. */
  readonly routeLocalnet?: boolean;
  /** net.bridge.bridge-nf-call-iptables: bridged packets meet the iptables rules too. */
  readonly bridgeNfCallIptables: boolean;
  readonly rules: Ruleset;
  /** Where they are not as the kernel has them by default; each at least 1 second. */
  readonly conntrackTimeouts?: Partial<ConntrackTimeouts>;
  readonly listeners: readonly Listener[];
}

/** An address of an interface, with the prefix that says who else is on its link. */
export interface InterfaceAddress {
  readonly address: Addr;
  /** On-link prefix length: 24 makes the rest of its /24 neighbours, 32 nothing. */
  readonly prefix: number;
}

interface InterfaceBase {
  /** Unique on its host, at most 15 characters: eth0, cbr0, azure0, veth1a2b3c4d. */
  readonly name: string;
  /** The first is the source of packets that the host itself sends. */
  readonly addresses: readonly InterfaceAddress[];
  /** The bridge of the same host that it is a port of. */
  readonly master?: string;
}

/** An interface that can be a port of a bridge. */
interface PortBase extends InterfaceBase {
  /**
   * As a bridge port: a frame may leave by the port that it came in by. On a pod's port a pod reaches itself through a
   * service; on a card's port what a node is sent for a service reaches a pod of another node.
   */
  readonly hairpin?: boolean;
}

/** One end of a pair of virtual Ethernet interfaces. */
export interface Veth extends PortBase {
  readonly kind: "veth";
  readonly peer: { readonly host: string; readonly interface: string };
}

/** A network card on the fabric. */
export interface NicInterface extends PortBase {
  readonly kind: "nic";
}

/** A bridge: its ports are the interfaces that name it as their master. Its own addresses are the host's. */
export interface BridgeInterface extends InterfaceBase {
  readonly kind: "bridge";
}

/** An interface towards the public Internet: a site has one. */
export interface PublicInterface extends InterfaceBase {
  readonly kind: "public";
}

/** An interface of a host: a veth, a NIC in the fabric, a bridge, or one with a public address. */
export type Interface = Veth | NicInterface | BridgeInterface | PublicInterface;

/** An entry of a host's routing table; the longest prefix wins. */
export interface Route {
  readonly to: Cidr;
  /** The next hop; absent when the destination itself is a neighbour on `dev`. */
  readonly via?: Addr;
  readonly dev: string;
}

/** A server: it answers whoever connects. */
export interface Listener {
  readonly proto: "tcp" | "udp";
  readonly port: number;
  /** HTTP over TCP, or the datagram back over UDP: the caller's address as the server sees it, or a fixed text. */
  readonly answer: { readonly kind: "caller-address" } | { readonly kind: "text"; readonly text: string };
}

/**
 * The cloud's network: routes between cards without touching TTL, translates towards the Internet,
 * spreads what comes from there.
 */
export interface Fabric {
  readonly addressSpace: readonly Cidr[];
  readonly subnets: readonly FabricSubnet[];
  readonly nics: readonly FabricNic[];
  readonly translators: readonly Translator[];
}

/** A subnet as the fabric routes it. */
export interface FabricSubnet {
  readonly name: string;
  readonly cidr: Cidr;
  /** User-defined routes. Against a system route of equal length the user's wins. */
  readonly routes: readonly UserRoute[];
}

/** A route of the fabric that a user made: to an appliance, the virtual network, the Internet, or nowhere. */
export interface UserRoute {
  readonly name: string;
  readonly to: Cidr;
  readonly nextHop:
    | { readonly kind: "appliance"; readonly address: Addr }
    | { readonly kind: "vnet" }
    | { readonly kind: "internet" }
    | { readonly kind: "none" };
}

/** Where a host's card meets the fabric. */
export interface FabricNic {
  readonly host: string;
  readonly interface: string;
  readonly subnet: string;
  /** Every address that the fabric delivers to this card: the primary first, then what is reserved for pods. */
  readonly addresses: readonly Addr[];
  /** A public address of its own, translated one to one, ports untouched. */
  readonly publicAddress?: Addr;
  /** IP forwarding on the card: it may send from and be handed addresses that are not its own. */
  readonly ipForwarding: boolean;
}

/** A load balancer, or whatever else shares public addresses out by port. */
export interface Translator {
  readonly name: string;
  /** Protocols that it can translate on the way out: ICMP has no ports, so it is never among them. */
  readonly protocols: readonly ("tcp" | "udp")[];
  /** How a source finds its ports. */
  readonly allocations: readonly PortAllocation[];
  /** One UDP port a flow, or one a destination address. TCP ports are shared by every destination. */
  readonly udpPortPer: "flow" | "destination";
  readonly timeouts: {
    /** Seconds without a packet until a mapping is dropped. */
    readonly idle: number;
    /** Seconds that a port stays held after FIN and after RST. */
    readonly fin: number;
    readonly rst: number;
  };
  /**
   * What becomes of a TCP flow that was idle for too long. Either way it is forgotten, and as only a SYN begins a flow, its
   * next segment is of no flow at all. With reset both ends are sent RST when the time is over, and so is who sends such a
   * segment; without, which is the default, nobody is told.
   */
  readonly tcpReset?: boolean;
  readonly inbound: readonly InboundRule[];
}

/** The ports of one backend: those of each range, lowest free first, ranges in order. TCP and UDP are counted apart. */
export interface PortAllocation {
  /** The backend's own address, as the translator sees it. */
  readonly source: Addr;
  readonly ranges: readonly { readonly address: Addr; readonly first: number; readonly last: number }[];
}

/** A public port handed to one of several backends by the hash of the flow. */
export interface InboundRule {
  readonly name: string;
  readonly address: Addr;
  readonly port: number;
  readonly proto: "tcp" | "udp";
  /** Primary addresses of the cards that may receive it. */
  readonly backends: readonly Addr[];
  /** The port it is sent to; absent when the destination stays as it was (floating IP). */
  readonly backendPort?: number;
  /** Seconds without a packet until one of its flows is forgotten; as for outbound flows when left out. */
  readonly idle?: number;
}
