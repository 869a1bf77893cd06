import type { Addr } from "../ip/addr.js";
import type { IcmpEcho, Packet, Proto, Tcp, Udp } from "./packet.js";

/**
 * One direction of a conversation. For ICMP echo the identifier stands at the asking side:
 * `sport` of a request, `dport` of a reply, and the other is 0, so inverting works as for ports.
 */
export interface Flow {
  readonly proto: Proto;
  readonly src: Addr;
  readonly sport: number;
  readonly dst: Addr;
  readonly dport: number;
}

/** A packet that can open or continue a conversation, so any but an ICMP error. */
export type FlowPacket = IcmpEcho | Tcp | Udp;

export const isFlowPacket = (packet: Packet): packet is FlowPacket => !("quoted" in packet);

/** The flow that a packet belongs to. */
export const flowOf = (packet: FlowPacket): Flow => {
  const { proto, src, dst } = packet;
  if (packet.proto !== "icmp") return { proto, src, sport: packet.sport, dst, dport: packet.dport };
  return packet.type === "echo-request"
    ? { proto, src, sport: packet.id, dst, dport: 0 }
    : { proto, src, sport: 0, dst, dport: packet.id };
};

/** The opposite direction. `invert(invert(flow))` is `flow`. */
export const invert = (flow: Flow): Flow => ({
  proto: flow.proto,
  src: flow.dst,
  sport: flow.dport,
  dst: flow.src,
  dport: flow.sport,
});

/** The same packet with a flow's addresses and ports. `flowOf(rewrite(packet, flow))` is `flow`. */
export const rewrite = (packet: FlowPacket, flow: Flow): FlowPacket => {
  const { src, dst } = flow;
  if (packet.proto !== "icmp") return { ...packet, src, sport: flow.sport, dst, dport: flow.dport };
  return { ...packet, src, dst, id: packet.type === "echo-request" ? flow.sport : flow.dport };
};

/** A key for maps, equal when and only when two flows are. */
export const flowKey = (flow: Flow): string => `${flow.proto} ${flow.src}:${flow.sport} ${flow.dst}:${flow.dport}`;
