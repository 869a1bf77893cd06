import type { Addr } from "../ip/addr.js";
import type { DropReason, NetfilterStep } from "../netfilter/netfilter.js";
import type { RejectWith } from "../netfilter/ruleset.js";
import type { Flow } from "../packet/flow.js";
import type { Packet } from "../packet/packet.js";
import type { Route, UserRoute } from "./network.js";

/** Why a packet went no further. */
export type Reason =
  | { readonly kind: "netfilter"; readonly drop: DropReason }
  | { readonly kind: "no-route"; readonly destination: Addr }
  /** The bridge would have to send the frame back out of the port that it came in by. */
  | { readonly kind: "hairpin"; readonly bridge: string; readonly port: string }
  /** A next hop that nobody on the link answers for. */
  | { readonly kind: "no-neighbour"; readonly address: Addr; readonly dev: string }
  /** It came in with an address of this very host as its source, so it is forged or has come round in a circle. */
  | { readonly kind: "martian"; readonly source: Addr }
  /** No packet may come from there: 127.0.0.0/8 without route_localnet, multicast, 255.255.255.255, 0.0.0.0. */
  | { readonly kind: "martian-source"; readonly source: Addr }
  /** No packet may come from outside for there: 127.0.0.0/8 without route_localnet, 0.0.0.0. */
  | { readonly kind: "martian-destination"; readonly destination: Addr }
  /** The host has not joined the multicast group, and routes no multicast. */
  | { readonly kind: "not-joined"; readonly group: Addr }
  /** It was sent to all on the link; such packets are not forwarded. */
  | { readonly kind: "for-the-link" }
  /** The fabric carries neither broadcast nor multicast. */
  | { readonly kind: "unicast-only"; readonly destination: Addr }
  /** The packet is for another host and this one does not forward. */
  | { readonly kind: "not-forwarding" }
  /** No card of the fabric has the address. */
  | { readonly kind: "no-nic"; readonly address: Addr }
  /** The fabric drops what a card sends from an address that is not its own, unless IP forwarding is on. */
  | { readonly kind: "spoofed"; readonly source: Addr }
  | { readonly kind: "user-route-none"; readonly route: UserRoute }
  /** Nothing translates the source towards the Internet. */
  | { readonly kind: "no-translation"; readonly source: Addr }
  /** A translator knows TCP and UDP only. */
  | { readonly kind: "untranslatable"; readonly translator: string; readonly proto: string }
  /** A TCP segment of no flow that the translator knows: it began without a SYN, or was idle for too long. `reset`: its sender is told. */
  | { readonly kind: "unknown-flow"; readonly translator: string; readonly reset: boolean }
  /** Every port of the backend is in use towards this destination. */
  | { readonly kind: "ports-exhausted"; readonly translator: string; readonly source: Addr; readonly ports: number }
  /** From the Internet to an address or port where nothing waits. */
  | { readonly kind: "no-inbound"; readonly address: Addr; readonly port: number }
  /** A public address that no host has. */
  | { readonly kind: "no-site"; readonly address: Addr };

/** One thing that happened to a packet at one place, in order, with what decided it. */
export type Step =
  | NetfilterStep
  | { readonly kind: "route"; readonly route: Route; readonly onLink: boolean }
  | { readonly kind: "local"; readonly address: Addr }
  | {
      readonly kind: "bridge";
      readonly bridge: string;
      readonly from: string;
      readonly to: string;
      /** The rules saw it, though no IP layer did. */ readonly filtered: boolean;
    }
  | { readonly kind: "ttl"; readonly before: number; readonly after: number }
  | { readonly kind: "fabric-route"; readonly route: UserRoute | "vnet" | "internet"; readonly to: Addr }
  /** A translator gave a port out, or found the mapping that a flow already has. */
  | {
      readonly kind: "translate";
      readonly translator: string;
      readonly before: Flow;
      readonly after: Flow;
      readonly fresh: boolean;
      readonly portsInUse: number;
      readonly portsAllotted: number;
    }
  | { readonly kind: "public-address"; readonly before: Flow; readonly after: Flow }
  | { readonly kind: "inbound"; readonly rule: string; readonly backend: Addr };

/** One place that a packet passed: a host, the fabric, a translator, the Internet. */
export interface Hop {
  readonly kind: "host" | "fabric" | "translator" | "internet";
  /** The host's id, or the translator's name. */
  readonly place: string;
  readonly in?: string;
  readonly out?: string;
  /** As it came (or as the host made it). */
  readonly before: Packet;
  /** As it left, or as it was when it ended here. */
  readonly after: Packet;
  readonly steps: readonly Step[];
}

/** How a packet's way ended. */
export type Disposition =
  | { readonly kind: "delivered"; readonly host: string }
  | { readonly kind: "dropped"; readonly place: string; readonly reason: Reason }
  | { readonly kind: "rejected"; readonly place: string; readonly with: RejectWith }
  | { readonly kind: "ttl-exceeded"; readonly place: string }
  /** It went on as several, one for each that a broadcast or multicast reaches. */
  | { readonly kind: "copied"; readonly place: string; readonly copies: readonly Trace[] }
  | { readonly kind: "loop"; readonly place: string };

/** A packet's whole way, one direction. */
export interface Trace {
  readonly packet: Packet;
  readonly hops: readonly Hop[];
  readonly disposition: Disposition;
  /** What the receiver, or a host on the way, sent back because of it; with its own way. */
  readonly replies: readonly Trace[];
}
