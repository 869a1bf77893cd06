import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidr } from "../../lib/ip/cidr.js";
import { parseSave } from "../../lib/netfilter/parse.js";
import type { Tcp, TcpFlag, Udp } from "../../lib/packet/packet.js";
import type { Host, Interface, Network } from "../../lib/net/types.js";
import type { Case, Sent } from "./generate.js";

/** The smallest networks that show something: one router between hosts a (10.1.0.2), b (10.1.1.2) and, on a's bridge, c (10.1.0.3). */
const silent = parseSave("*raw\n:PREROUTING DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n");

const end = (id: string, address: string, peer: string): Host => ({
  id,
  hostname: id,
  role: "pod",
  interfaces: [
    {
      kind: "veth",
      name: "eth0",
      addresses: [{ address: addr(address), prefix: 24 }],
      peer: { host: "r", interface: peer },
    },
  ],
  routes: [{ to: cidr("0.0.0.0/0"), via: addr(address.replace(/\d+$/, "1")), dev: "eth0" }],
  forwarding: false,
  bridgeNfCallIptables: false,
  rules: silent,
  listeners: [],
});

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
  const port = (name: string): Interface => ({
    kind: "veth",
    name: `port-${name}`,
    addresses: [],
    master: "br0",
    hairpin,
    peer: { host: name, interface: "eth0" },
  });
  const router: Host = {
    id: "r",
    hostname: "r",
    role: "node",
    interfaces: [
      { kind: "bridge", name: "br0", addresses: [{ address: addr("10.1.0.1"), prefix: 24 }] },
      port("a"),
      port("c"),
      {
        kind: "veth",
        name: "lan1",
        addresses: [{ address: addr("10.1.1.1"), prefix: 24 }],
        peer: { host: "b", interface: "eth0" },
      },
    ],
    routes: [],
    forwarding,
    bridgeNfCallIptables,
    rules: parseSave(rules),
    listeners: [],
    ...(conntrackTimeouts !== undefined && { conntrackTimeouts }),
  };
  const network: Network = {
    name: "small",
    seed: 1,
    names: [],
    fabric: { addressSpace: [], subnets: [], nics: [], translators: [] },
    hosts: [router, end("a", "10.1.0.2", "port-a"), end("b", "10.1.1.2", "lan1"), end("c", "10.1.0.3", "port-c")],
  };
  return {
    network,
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
