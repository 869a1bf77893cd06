import type { ConntrackEntry } from "../netfilter/netfilter.js";
import type { CountedRuleset } from "../netfilter/ruleset.js";
import type { Packet } from "../packet/packet.js";
import type { Wire } from "../packet/pcap.js";
import type { FailedConnect } from "./socketError.js";
import type { Network } from "./network.js";
import type { Trace } from "./trace.js";

/** What `ping` sends. */
export interface PingOptions {
  /** Echo requests to send, 1-10000. Default 1. */
  readonly count?: number;
  /** Default 64. */
  readonly ttl?: number;
  /** Bytes of data, default 56. */
  readonly size?: number;
  /** Whether it may go to a broadcast address, as with `ping -b`. Default false. */
  readonly broadcast?: boolean;
}

/** One answer to a ping: an echo reply, or the ICMP error of a host on the way. */
export interface PingReply {
  readonly seq: number;
  /** Who answered, dotted. Not the address asked when an error came back. */
  readonly from: string;
  readonly kind: "echo-reply" | "time-exceeded" | "unreachable";
  /** Of an error, its ICMP code: for unreachable 0 net, 1 host, 2 protocol, 3 port, 13 administratively prohibited. */
  readonly code?: number;
  /** Bytes of the ICMP message: 64 for an ordinary ping. */
  readonly bytes: number;
  /** TTL of the answer as it arrived: 64 less the forwarding hosts on its way. */
  readonly ttl: number;
  readonly milliseconds: number;
}

/** What `ping` prints when it ends: how many requests went out, and every answer. */
export interface PingResult {
  readonly from: string;
  /** The address pinged, dotted. */
  readonly to: string;
  readonly size: number;
  readonly sent: number;
  readonly received: number;
  readonly replies: readonly PingReply[];
}

/** How a client connects, and how its connection ends. */
export interface ConnectOptions {
  /** Default tcp. */
  readonly proto?: "tcp" | "udp";
  /** The client's port; by default the next free one of 32768-60999. */
  readonly sourcePort?: number;
  /** What to send once connected; an HTTP GET when left out for tcp. */
  readonly request?: string;
  /** Seconds of silence between the connection and the request over it, tcp only. Default 0. Whoever forgets idle flows may have forgotten it. */
  readonly silence?: number;
  /** How it ends: FIN both ways (default), RST from the client, or left open. */
  readonly close?: "fin" | "rst" | "open";
}

/** What became of a connection: answered, with the source that the server saw, or not, and why. */
export type ConnectResult =
  | {
      readonly kind: "connected";
      readonly to: string;
      readonly port: number;
      readonly sourcePort: number;
      /** The caller's address and port as the server sees them: what NAT made of the source. */
      readonly seenAs: { readonly address: string; readonly port: number };
      /** The host that answered. */
      readonly server: string;
      /** The body of the answer. */
      readonly body: string;
    }
  | (FailedConnect & {
      readonly to: string;
      readonly port: number;
      readonly sourcePort: number;
    });

/** A packet seen at an interface. */
export interface Captured {
  /** Seconds since the epoch, with microseconds. */
  readonly time: number;
  readonly direction: "in" | "out";
  /** The interface that saw it. */
  readonly interface: string;
  readonly packet: Packet;
  /** The packet's bytes, on an engine that has real ones: with what no packet of the model tells, TCP's options among it. */
  readonly wire?: Wire;
}

/** A capture that runs until it is stopped. */
export interface Capture {
  readonly host: string;
  /** As asked for: `any` for all of the host's. */
  readonly interface: string;
  /** Ends it and gives what was seen. A second call gives the same. */
  stop(): Promise<readonly Captured[]>;
}

/** A booted network, whichever engine runs it. Hosts are named by id; destinations are addresses or names. */
export interface Lab {
  readonly engine: "model" | "linux";
  readonly network: Network;
  /** Seconds since the epoch, as the lab's hosts see it. */
  now(): number;
  /** Sends echo requests from a host, as `ping` does. @throws InputError for a host or address that is not known */
  ping(from: string, to: string, options?: PingOptions): Promise<PingResult>;
  /** A whole conversation with a server: connect, ask, read, close. */
  connect(from: string, to: string, port: number, options?: ConnectOptions): Promise<ConnectResult>;
  /** Listens at an interface, or at `any`: at all of the host's, whose packets come in the order seen. */
  capture(host: string, interfaceName: string): Promise<Capture>;
  /** The host's live connections. */
  conntrack(host: string): Promise<readonly ConntrackEntry[]>;
  /** The host's rules with packet and byte counters. */
  counters(host: string): Promise<CountedRuleset>;
  /** Lets time pass. */
  wait(seconds: number): Promise<void>;
  /** Ends the lab, and frees what it holds of the machine. */
  close(): Promise<void>;
}

/** The ports that a translator has given out for one backend. */
export interface PortUse {
  readonly translator: string;
  /** The backend's address, dotted. */
  readonly source: string;
  readonly proto: "tcp" | "udp";
  /** Ports of the allocation in use now. */
  readonly inUse: number;
  readonly allotted: number;
  /** The ports themselves, ascending. */
  readonly ports: readonly number[];
}

/** The in-process engine: beside what every lab does, it shows every hop, and what the cloud keeps to itself. */
export interface ModelLab extends Lab {
  readonly engine: "model";
  /** Sends one packet from a host and follows it, and what is sent back because of it. State changes as for any packet; the clock stays. */
  trace(from: string, packet: Packet): Trace;
  /** Sends one packet as from a raw socket: no program waits for what comes back, so the host's stack answers that as a stranger's. The clock stays. */
  sendRaw(from: string, packet: Packet): Trace;
  /** Puts a packet on the wire at an interface, for the next hop of its destination, as if the host had sent it: past its rules. The clock stays. */
  inject(from: string, interfaceName: string, packet: Packet): Trace;
  /** Like {@link Lab.ping} with one request: the way there and the way back. */
  tracePing(from: string, to: string, options?: { readonly ttl?: number }): Trace;
  /** The first packet of a TCP or UDP conversation and what it causes. */
  traceConnect(
    from: string,
    to: string,
    port: number,
    options?: { readonly proto?: "tcp" | "udp"; readonly sourcePort?: number },
  ): Trace;
  /** Ports in use at every translator, one row per backend and protocol. */
  portUse(): readonly PortUse[];
}
