import { type Addr, addr } from "../../lib/ip/addr.js";
import type { Tcp, TcpFlag, Udp } from "../../lib/packet/packet.js";
import type { Host } from "../../lib/net/network.js";
import { lans } from "../net/stack.js";
import type { Case, Sent } from "./generate.js";

/** The smallest networks that show something: one router between hosts a (10.1.0.2), b (10.1.1.2) and, on a's bridge, c (10.1.0.3). */
const silent = "*raw\n:PREROUTING DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";

export interface RouterOptions {
  /** As `iptables-save` prints them. */
  readonly rules?: string;
  readonly bridgeNfCallIptables?: boolean;
  readonly hairpin?: boolean;
  readonly forwarding?: boolean;
  readonly conntrackTimeouts?: Host["conntrackTimeouts"];
}

export const address = { a: addr("10.1.0.2"), b: addr("10.1.1.2"), c: addr("10.1.0.3") };

/** A case that sends exactly what it is given. */
export const smallCase = ({
  rules = "",
  bridgeNfCallIptables = false,
  hairpin = false,
  forwarding = true,
  conntrackTimeouts,
}: RouterOptions): Case => {
  const asRouter = (host: Host): Host => ({
    ...host,
    forwarding,
    bridgeNfCallIptables,
    interfaces: host.interfaces.map(entry => (entry.master === undefined ? entry : { ...entry, hairpin })),
    ...(conntrackTimeouts !== undefined && { conntrackTimeouts }),
  });
  const hosts = lans({ a: silent, b: silent, c: silent, r: rules }, host => ({
    ...(host.id === "r" ? asRouter(host) : host),
    listeners: [],
  }));
  return {
    network: { ...hosts, name: "small" },
    endpoints: [
      { host: "a", address: address.a },
      { host: "b", address: address.b },
      { host: "c", address: address.c },
    ],
    conversations: [],
    actions: [],
  };
};

export const udp = (host: string, src: Addr, sport: number, dst: Addr, dport: number, ttl = 64): Sent => {
  const packet: Udp = { proto: "udp", src, sport, dst, dport, ttl, payload: `${host} ${sport}` };
  return { host, packet };
};

export const tcp = (
  host: string,
  src: Addr,
  sport: number,
  dst: Addr,
  dport: number,
  flags: readonly TcpFlag[],
  seq: number,
  ack = 0,
  payload = "",
): Sent => {
  const packet: Tcp = { proto: "tcp", src, sport, dst, dport, ttl: 64, flags, seq, ack, payload };
  return { host, packet };
};
