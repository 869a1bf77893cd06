import type { Addr } from "../ip/addr.js";
import type { Flow } from "../packet/flow.js";
import type { Packet } from "../packet/packet.js";
import type { Random } from "../random.js";
import type {
  AddrType,
  ConntrackState,
  ConntrackTimeouts,
  CountedRuleset,
  Hook,
  RejectWith,
  Rule,
  Ruleset,
  TableName,
} from "./ruleset.js";

/** What netfilter asks of the host that it runs on. */
export interface NetfilterHost {
  /** Whether an address is one of the host's own: dst-type LOCAL. */
  isLocal(address: Addr): boolean;
  /**
   * What `addrtype` finds an address to be. Without it an address is LOCAL by {@link isLocal} or in 127.0.0.0/8, BROADCAST for
   * 255.255.255.255 and 0.0.0.0, MULTICAST in 224.0.0.0/4, else UNICAST; only a host knows its subnets' broadcast addresses.
   */
  addrType?(address: Addr): AddrType;
  /** The address that MASQUERADE takes for a packet leaving by an interface; undefined when it has none. */
  sourceFor(outInterface: string, destination: Addr): Addr | undefined;
  /** Whether the host can send to an address from a source: asked where a packet of its own has to find its way again. */
  hasRoute?(destination: Addr, source: Addr): boolean;
  /** Simulated time in milliseconds. */
  now(): number;
  /** How long connections are remembered, where it is not as the kernel has it by default. */
  readonly timeouts?: Partial<ConntrackTimeouts> | undefined;
  readonly random: Random;
}

/**
 * A packet on its way through one host, with what the kernel notes beside it (an skb).
 * netfilter changes it in place: `packet` by NAT, `mark` by MARK, `connection` by tracking.
 */
export interface Skb {
  packet: Packet;
  mark: number;
  /** The interface that it came in by; absent for a packet that the host itself sends. */
  in?: string | undefined;
  /** The interface that it leaves by, known from FORWARD or OUTPUT on. */
  out?: string | undefined;
  /** Set where a packet of the host's own was translated to elsewhere, or marked by the mangle table: its way is looked up again. */
  rerouted?: boolean | undefined;
  /** Set by the tracker; opaque to others. Once set the tracker leaves the packet as it is, so every host starts with a new skb. */
  connection?: Connection | undefined;
  /** How the packet stands to its connection (the kernel's ctinfo). Set by the tracker; opaque to others. */
  relation?: number | undefined;
}

/** A tracked conversation: two tuples. NAT is "reply is not the inverse of original". */
export interface Connection {
  readonly original: Flow;
  readonly reply: Flow;
}

/** A row of `conntrack -L`. */
export interface ConntrackEntry extends Connection {
  /** ESTABLISHED, SYN_SENT ... for TCP; absent for other protocols. */
  readonly tcpState?: string;
  /** No reply has been seen. */
  readonly unreplied: boolean;
  /** Traffic has been seen both ways for long enough not to be dropped early. */
  readonly assured: boolean;
  /** Seconds until it is forgotten. */
  readonly timeout: number;
}

/** What happened to a packet at one rule, policy or translation; in a trace each is a step with its reason. */
export type NetfilterStep =
  | { readonly kind: "track"; readonly state: ConntrackState; readonly original?: Flow; readonly reply?: Flow }
  | {
      readonly kind: "rule";
      readonly hook: Hook;
      readonly table: TableName;
      readonly chain: string;
      /** 1 is the first. */ readonly number: number;
      readonly rule: Rule;
    }
  | { readonly kind: "policy"; readonly hook: Hook; readonly table: TableName; readonly policy: "ACCEPT" | "DROP" }
  | { readonly kind: "mark"; readonly before: number; readonly after: number }
  | {
      readonly kind: "nat";
      readonly hook: Hook;
      readonly which: "source" | "destination";
      readonly before: Flow;
      readonly after: Flow;
      /** A rule chose the translation now, or the connection has it from its first packet. */
      readonly by: "rule" | "connection";
    };

/** Where steps are written, in order; an array of steps or of more kinds of step will do. */
export interface StepLog {
  push(step: NetfilterStep): unknown;
}

/** What a hook says of a packet. */
export type Verdict =
  | { readonly kind: "accept" }
  | { readonly kind: "drop"; readonly reason: DropReason }
  | { readonly kind: "reject"; readonly with: RejectWith };

/** Why netfilter dropped a packet. */
export type DropReason =
  | { readonly kind: "rule"; readonly table: TableName; readonly chain: string; readonly number: number }
  | { readonly kind: "policy"; readonly table: TableName; readonly chain: string }
  /** NAT found no tuple that is still unique: the ports have run out. */
  | { readonly kind: "ports-exhausted"; readonly wanted: Flow }
  /** MASQUERADE on an interface without an address. */
  | { readonly kind: "no-source"; readonly interface: string };

/** The netfilter of one running host: its rules, their counters, its connections. */
export interface Netfilter {
  /**
   * Passes a packet through one hook, changing `skb` in place.
   * The last hook of its way (INPUT or POSTROUTING) confirms the connection.
   * @param steps receives what happened, in order; leave it out where nobody looks
   */
  run(hook: Hook, skb: Skb, steps?: StepLog): Verdict;
  /** Confirms the connection of a packet before its last hook, as a bridge does before it hands up a frame for many. */
  confirm(skb: Skb): Verdict;
  /** A connection that the host resets on behalf of a rule is over for its tracker too: said once the reset is on its way. */
  closeByReset(skb: Skb): void;
  /** The live connections, oldest first. */
  conntrack(): readonly ConntrackEntry[];
  /** The rules with their counters. */
  counters(): CountedRuleset;
}

/**
 * Starts netfilter on a host. As in the kernel, connections are tracked only where a rule needs it: one that translates,
 * or one that matches on a connection's state. A host without rules costs nothing.
 * @throws InputError where iptables would refuse the rules
 */
export type StartNetfilter = (ruleset: Ruleset, host: NetfilterHost) => Netfilter;
