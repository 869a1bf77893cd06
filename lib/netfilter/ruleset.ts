import type { Addr } from "../ip/addr.js";
import type { Cidr } from "../ip/cidr.js";

/**
 * Where netfilter meets a packet. Within a hook the tables come in the order raw, mangle, nat, filter;
 * connections are tracked between raw and mangle, and source NAT comes last.
 *
 *     in --> PREROUTING --> route --> FORWARD --> POSTROUTING --> out
 *            (DNAT)           |                    (SNAT)  ^
 *                           INPUT --> process --> OUTPUT --'
 */
export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

/** The tables that are understood, in the order in which a packet meets them. */
export type TableName = "raw" | "mangle" | "nat" | "filter";

/** Packets and bytes that met a rule or a policy. */
export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

/** What the connection tracker says of a packet: `-m conntrack --ctstate`. */
export type ConntrackState = "NEW" | "ESTABLISHED" | "RELATED" | "INVALID" | "UNTRACKED";

/** Address types as `addrtype` tells them from a host's own point of view. */
export type AddrType = "LOCAL" | "UNICAST" | "BROADCAST" | "MULTICAST";

/** Seconds for which a host remembers connections: sysctl net.netfilter.nf_conntrack_*. */
export interface ConntrackTimeouts {
  readonly icmp_timeout: number;
  readonly udp_timeout: number;
  /** Of a UDP conversation that has gone both ways for two seconds. */
  readonly udp_timeout_stream: number;
  readonly tcp_timeout_syn_sent: number;
  readonly tcp_timeout_syn_recv: number;
  readonly tcp_timeout_established: number;
  readonly tcp_timeout_fin_wait: number;
  readonly tcp_timeout_close_wait: number;
  readonly tcp_timeout_last_ack: number;
  readonly tcp_timeout_time_wait: number;
  readonly tcp_timeout_close: number;
  /** While data waits for its acknowledgement. */
  readonly tcp_timeout_unacknowledged: number;
  /** While the same is sent again and again. */
  readonly tcp_timeout_max_retrans: number;
}

/** The kernel's own. */
export const conntrackTimeouts: ConntrackTimeouts = {
  icmp_timeout: 30,
  udp_timeout: 30,
  udp_timeout_stream: 120,
  tcp_timeout_syn_sent: 120,
  tcp_timeout_syn_recv: 60,
  tcp_timeout_established: 432_000,
  tcp_timeout_fin_wait: 120,
  tcp_timeout_close_wait: 60,
  tcp_timeout_last_ack: 30,
  tcp_timeout_time_wait: 120,
  tcp_timeout_close: 10,
  tcp_timeout_unacknowledged: 300,
  tcp_timeout_max_retrans: 300,
};

/** A closed range of port numbers; one port has `first === last`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** A closed range of addresses. */
export interface AddrRange {
  readonly first: Addr;
  readonly last: Addr;
}

/** One condition of a rule. `not` is the `!` before an option. */
export type Match =
  | { readonly kind: "source" | "destination"; readonly not: boolean; readonly cidr: Cidr }
  | {
      readonly kind: "in" | "out";
      readonly not: boolean;
      readonly interface: string; /* a trailing + matches any ending */
    }
  | { readonly kind: "protocol"; readonly not: boolean; readonly proto: "icmp" | "tcp" | "udp" }
  /** Needs a protocol match with the same `proto`. Ports 0-65535 stand for a bare `-m tcp`, which iptables-save prints without an option. */
  | {
      readonly kind: "sport" | "dport";
      readonly not: boolean;
      readonly proto: "tcp" | "udp";
      readonly ports: PortRange;
    }
  | {
      readonly kind: "multiport";
      readonly not: boolean;
      readonly on: "sports" | "dports" | "ports";
      readonly ports: readonly PortRange[];
    }
  | {
      readonly kind: "iprange";
      readonly not: boolean;
      readonly on: "source" | "destination";
      readonly range: AddrRange;
    }
  | {
      readonly kind: "addrtype";
      readonly not: boolean;
      readonly on: "source" | "destination";
      readonly types: readonly AddrType[];
    }
  | { readonly kind: "mark"; readonly not: boolean; readonly value: number; readonly mask: number }
  | { readonly kind: "comment"; readonly text: string }
  /** The kernel keeps a probability in units of 2^-31. */
  | { readonly kind: "statistic"; readonly mode: "random"; readonly not: boolean; readonly probability: number }
  /** Packet number `packet` (0 the first) of every `every`. */
  | {
      readonly kind: "statistic";
      readonly mode: "nth";
      readonly not: boolean;
      readonly every: number;
      readonly packet: number;
    }
  | {
      readonly kind: "conntrack";
      readonly not: boolean;
      readonly module: "conntrack" | "state";
      readonly states: readonly (ConntrackState | "SNAT" | "DNAT")[];
    };

/** How REJECT answers: an ICMP error, or a reset of the connection. */
export type RejectWith =
  | "icmp-net-unreachable"
  | "icmp-host-unreachable"
  | "icmp-proto-unreachable"
  | "icmp-port-unreachable"
  | "icmp-net-prohibited"
  | "icmp-host-prohibited"
  | "icmp-admin-prohibited"
  | "tcp-reset";

/** What a rule does with a packet that it matches. */
export type Target =
  | { readonly kind: "ACCEPT" | "DROP" | "RETURN" }
  | { readonly kind: "REJECT"; readonly with: RejectWith }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** mark = (mark & ~mask) ^ value for xmark, | value for or, & value for and, ^ value for xor, as iptables does it: all become --set-xmark. */
  | { readonly kind: "MARK"; readonly value: number; readonly mask: number }
  | { readonly kind: "MASQUERADE"; readonly ports?: PortRange; readonly randomFully: boolean }
  /** At least one of `addresses` and `ports`; `randomFully` for SNAT only. */
  | {
      readonly kind: "SNAT" | "DNAT";
      readonly addresses?: AddrRange;
      readonly ports?: PortRange;
      readonly randomFully: boolean;
    }
  /** A rule without -j: it only counts. */
  | { readonly kind: "none" };

/** What a packet must match, all of it, and what becomes of it then. */
export interface Rule {
  readonly matches: readonly Match[];
  readonly target: Target;
}

/** A list of rules that a packet meets one after the other, until one decides. */
export interface Chain {
  readonly name: string;
  /** Only a built-in chain (named after a hook) has a policy. */
  readonly policy?: "ACCEPT" | "DROP";
  readonly rules: readonly Rule[];
}

/** The chains of one purpose: `raw` before tracking, `mangle` for marks, `nat` for addresses, `filter` for what may pass. */
export interface Table {
  readonly name: TableName;
  /** In the order that `iptables-save` prints. */
  readonly chains: readonly Chain[];
}

/** A host's rules. Plain data: one value may be shared by a thousand nodes. Tables left out are empty with policy ACCEPT. */
export interface Ruleset {
  readonly tables: readonly Table[];
}

/** No rules at all. */
export const noRules: Ruleset = { tables: [] };

/** Counters beside the rules that they belong to. */
export interface CountedRule extends Rule {
  readonly counters: Counters;
}
/** A chain with its counters: those of its policy, and each rule's. */
export interface CountedChain {
  readonly name: string;
  readonly policy?: "ACCEPT" | "DROP";
  readonly counters: Counters;
  readonly rules: readonly CountedRule[];
}
/** A table with its counters. */
export interface CountedTable {
  readonly name: TableName;
  readonly chains: readonly CountedChain[];
}
/** What `iptables -vxnL` and `iptables-save -c` show of a running host. */
export interface CountedRuleset {
  readonly tables: readonly CountedTable[];
}
