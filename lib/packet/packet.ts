import type { Addr } from "../ip/addr.js";

/** What every IPv4 packet carries. */
interface Ipv4 {
  readonly src: Addr;
  readonly dst: Addr;
  /** Time to live: 64 when a Linux host sends, one less after each forwarding host. */
  readonly ttl: number;
}

/** A ping, or its answer. The identifier plays the part that ports play in TCP and UDP. */
export interface IcmpEcho extends Ipv4 {
  readonly proto: "icmp";
  readonly type: "echo-request" | "echo-reply";
  /** 0-65535. */
  readonly id: number;
  readonly seq: number;
  /** Bytes after the ICMP header: 56 when ping is not told otherwise. */
  readonly size: number;
}

/** An error that a host sends back, quoting the packet that it is about. */
export interface IcmpError extends Ipv4 {
  readonly proto: "icmp";
  readonly type: "time-exceeded" | "unreachable";
  /** For unreachable: 0 net, 1 host, 2 protocol, 3 port; prohibited: 9 net, 10 host, 13 by a filter. For time exceeded: 0. */
  readonly code: number;
  readonly quoted: IcmpEcho | Tcp | Udp;
}

/** URG, ECE, CWR and NS come from captures only: the model's hosts send none. */
export type TcpFlag = "SYN" | "ACK" | "FIN" | "RST" | "PSH" | "URG" | "ECE" | "CWR" | "NS";

/** A TCP segment. */
export interface Tcp extends Ipv4 {
  readonly proto: "tcp";
  /** 0-65535. */
  readonly sport: number;
  readonly dport: number;
  readonly flags: readonly TcpFlag[];
  readonly seq: number;
  readonly ack: number;
  /** Data, one character a byte (latin-1). */
  readonly payload: string;
}

/** A UDP datagram. */
export interface Udp extends Ipv4 {
  readonly proto: "udp";
  readonly sport: number;
  readonly dport: number;
  /** Data, one character a byte (latin-1). */
  readonly payload: string;
}

/** An IPv4 packet. Plain data: sending, forwarding and translating make new ones. */
export type Packet = IcmpEcho | IcmpError | Tcp | Udp;

/** The protocols of a packet: its `proto`. */
export type Proto = Packet["proto"];

/** Linux quotes no more of a packet in an ICMP error than makes the error 576 bytes long. */
const quotedAtMost = 576 - 28;

/** The bytes of the IPv4 packet, headers included: 84 for an ordinary ping. TCP is counted without options. */
export const packetLength = (packet: Packet): number => {
  switch (packet.proto) {
    case "tcp":
      return 40 + packet.payload.length;
    case "udp":
      return 28 + packet.payload.length;
    case "icmp":
      return 28 + ("quoted" in packet ? Math.min(packetLength(packet.quoted), quotedAtMost) : packet.size);
  }
};
