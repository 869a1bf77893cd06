import { InputError } from "../../lib/errors.js";
import { addr } from "../../lib/ip/addr.js";
import type { Lab } from "../../lib/net/lab.js";
import type { Host, Network } from "../../lib/net/network.js";
import type { Packet } from "../../lib/packet/packet.js";
import { ask, lans } from "./stack.js";

/** Addresses that stand for other than one host, and what Linux 6.18 does with packets that carry them. */

const hooks = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"] as const;
const counting = `*mangle\n${hooks.map(hook => `-A ${hook} -p udp\n-A ${hook} -p tcp\n-A ${hook} -p icmp\n`).join("")}COMMIT\n`;

/** How many packets each host's hooks saw, but for IGMP: `r 1 1 0 0 0` in the order PREROUTING INPUT FORWARD OUTPUT POSTROUTING. */
const counts = async (lab: Lab, hosts: readonly string[]): Promise<readonly string[]> =>
  Promise.all(
    hosts.map(async host => {
      const { chains } = (await lab.counters(host)).tables.find(({ name }) => name === "mangle")!;
      const of = (hook: string) =>
        chains.find(({ name }) => name === hook)!.rules.reduce((total, { counters }) => total + counters.packets, 0);
      return `${host} ${hooks.map(of).join(" ")}`;
    }),
  );

const difference = (before: readonly string[], after: readonly string[]): readonly string[] =>
  after.map((line, i) => {
    const [host, ...numbers] = line.split(" ");
    const was = before[i]!.split(" ").slice(1).map(Number);
    return `${host} ${numbers.map((number, k) => Number(number) - was[k]!).join(" ")}`;
  });

const pause = (milliseconds: number) => new Promise(done => setTimeout(done, milliseconds));

/**
 * What the hooks saw while something was done.
 * @param expected on Linux, where packets may still be under way: it is waited for, a second at most
 */
export const during = async (
  lab: Lab,
  hosts: readonly string[],
  what: () => Promise<unknown>,
  expected?: string,
): Promise<string> => {
  const before = await counts(lab, hosts);
  await what();
  for (let tries = 0; ; tries++) {
    const seen = difference(before, await counts(lab, hosts))
      .filter(line => /[1-9]/.test(line.slice(2)))
      .join(", ");
    if (expected === undefined || seen === expected || tries === 40) return seen;
    await pause(25);
  }
};

const localnet = (on: boolean) => (host: Host) => ({ ...host, routeLocalnet: on && host.id === "r" });

/** The network of {@link lans}, counting; `extra` are rules of the nat table by host. */
export const counted = (extra: { readonly [host in "a" | "r"]?: string } = {}, routeLocalnet = false): Network => {
  const nat = (host: "a" | "r") => (extra[host] === undefined ? "" : `*nat\n${extra[host]}\nCOMMIT\n`);
  return lans({ a: nat("a") + counting, r: nat("r") + counting, b: counting, c: counting }, localnet(routeLocalnet));
};

/** A packet that a puts on the wire, and what came of it at r, b and c. */
export interface OnTheWire {
  readonly src: string;
  readonly dst: string;
  readonly proto: "udp" | "tcp" | "icmp";
  readonly localnet?: boolean;
  readonly came: string;
}

export const packetOf = ({ src, dst, proto }: OnTheWire): Packet => {
  const base = { src: addr(src), dst: addr(dst), ttl: 64 };
  if (proto === "icmp") return { ...base, proto, type: "echo-request", id: 7, seq: 1, size: 8 };
  const ports = { sport: 1000, dport: 9 };
  if (proto === "udp") return { ...base, ...ports, proto, payload: "x" };
  return { ...base, ...ports, proto, flags: ["SYN"], seq: 100, ack: 0, payload: "" };
};

export const wireName = ({ src, dst, proto, localnet: on }: OnTheWire): string =>
  `${proto} ${src} > ${dst}${on === true ? ", route_localnet" : ""}`;

/** What a program at a does, what it is told, and how many packets the hooks saw; of TCP only what it is told. */
export interface Asked {
  readonly what: string;
  readonly to: string;
  readonly by: "tcp" | "udp" | "closed udp" | "ping" | "ping -b";
  /** Rules of the nat table, as `iptables-save` prints them. */
  readonly nat?: { readonly [host in "a" | "r"]?: string };
  /** Hosts with route_localnet. */
  readonly localnet?: string;
  readonly came: string;
}

export const networkOf = ({ nat = {}, localnet: on = "" }: Omit<Asked, "came">): Network => {
  const base = counted(nat);
  return { ...base, hosts: base.hosts.map(host => ({ ...host, routeLocalnet: on.includes(host.id) })) };
};

const answered = async (lab: Lab, { by, to }: Omit<Asked, "came">): Promise<string> => {
  if (by === "tcp") return ask(lab, "a", to, 80);
  if (by === "udp" || by === "closed udp") return ask(lab, "a", to, by === "udp" ? 53 : 9, { proto: "udp" });
  try {
    const { received, replies } = await lab.ping("a", to, { broadcast: by === "ping -b" });
    return `${received} received${replies.map(({ from }) => ` from ${from}`).join("")}`;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return "refused";
  }
};

/** @param expected as in {@link during} */
export const happened = async (lab: Lab, of: Omit<Asked, "came">, expected?: string): Promise<string> => {
  let got = "";
  const seen = await during(
    lab,
    ["a", "r", "b", "c"],
    async () => {
      got = await answered(lab, of);
    },
    of.by === "tcp" ? undefined : expected?.split("; ")[1],
  );
  return of.by === "tcp" || seen === "" ? got : `${got}; ${seen}`;
};

export const onTheWire: readonly OnTheWire[] = [
  { src: "10.1.0.2", dst: "127.0.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "127.0.0.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "127.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "0.0.0.0", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "127.0.0.1", proto: "udp", localnet: true, came: "r 1 1 0 1 1" },
  { src: "10.1.0.2", dst: "127.0.0.2", proto: "udp", localnet: true, came: "r 1 1 0 1 1" },
  { src: "10.1.0.2", dst: "127.255.255.255", proto: "udp", localnet: true, came: "r 1 1 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "0.0.0.0", proto: "udp", localnet: true, came: "r 1 0 0 0 0" },
  { src: "127.0.0.1", dst: "10.1.1.2", proto: "udp", localnet: true, came: "r 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "10.1.1.2", proto: "udp", localnet: true, came: "r 1 0 1 0 1, b 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "10.1.0.1", proto: "udp", localnet: true, came: "r 2 2 0 1 1" },
  { src: "127.0.0.1", dst: "10.1.0.1", proto: "udp", localnet: true, came: "r 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "192.0.2.9", proto: "udp", localnet: true, came: "r 2 1 0 1 1" },
  { src: "127.0.0.1", dst: "192.0.2.9", proto: "udp", localnet: true, came: "r 2 1 0 1 1" },
  { src: "127.255.255.255", dst: "10.1.1.2", proto: "udp", localnet: true, came: "r 1 0 1 0 1, b 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "255.255.255.255", proto: "udp", localnet: true, came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "127.0.0.2", dst: "224.0.0.1", proto: "udp", localnet: true, came: "r 1 1 0 0 0, c 1 0 0 0 0" },
  { src: "127.0.0.1", dst: "255.255.255.255", proto: "udp", localnet: true, came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "127.0.0.1", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.0.0.1", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.0.0.1", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.255.255.255", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "127.0.0.2", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "127.0.0.2", dst: "224.0.0.1", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "127.0.0.1", dst: "255.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "255.255.255.255", proto: "tcp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "255.255.255.255", proto: "icmp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "10.1.0.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "10.1.0.255", proto: "tcp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "10.1.0.255", proto: "icmp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "10.1.1.255", proto: "udp", came: "r 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "10.1.1.255", proto: "tcp", came: "r 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "10.1.1.255", proto: "icmp", came: "r 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "224.0.0.1", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "224.0.0.1", proto: "tcp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "224.0.0.1", proto: "icmp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.2", dst: "224.0.0.5", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "224.0.0.5", proto: "tcp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "224.0.0.5", proto: "icmp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "239.1.2.3", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "239.1.2.3", proto: "tcp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "239.1.2.3", proto: "icmp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "10.1.0.2", dst: "0.1.2.3", proto: "udp", came: "r 1 0 0 1 1" },
  { src: "10.1.0.2", dst: "0.1.2.3", proto: "tcp", came: "r 1 0 0 1 1" },
  { src: "10.1.0.2", dst: "0.1.2.3", proto: "icmp", came: "r 1 0 0 1 1" },
  { src: "10.1.0.2", dst: "240.0.0.1", proto: "udp", came: "r 1 0 0 1 1" },
  { src: "10.1.0.2", dst: "240.0.0.1", proto: "tcp", came: "r 1 0 0 1 1" },
  { src: "10.1.0.2", dst: "240.0.0.1", proto: "icmp", came: "r 1 0 0 1 1" },
  { src: "0.0.0.0", dst: "0.0.0.0", proto: "udp", came: "r 1 1 0 0 0" },
  { src: "0.0.0.0", dst: "0.0.0.0", proto: "tcp", came: "r 1 1 0 0 0" },
  { src: "0.0.0.0", dst: "0.0.0.0", proto: "icmp", came: "r 1 1 0 0 0" },
  { src: "0.0.0.0", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "0.0.0.0", dst: "10.1.0.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "0.0.0.0", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "0.0.0.0", dst: "224.0.0.1", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "0.0.0.0", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "0.0.0.0", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "224.0.0.1", dst: "255.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "224.0.0.1", dst: "10.1.0.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "224.0.0.1", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "224.0.0.1", dst: "224.0.0.1", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "224.0.0.1", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "224.0.0.1", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "239.1.2.3", dst: "255.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "239.1.2.3", dst: "10.1.0.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "239.1.2.3", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "239.1.2.3", dst: "224.0.0.1", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "239.1.2.3", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "239.1.2.3", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "255.255.255.255", dst: "255.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "255.255.255.255", dst: "10.1.0.255", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "255.255.255.255", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "255.255.255.255", dst: "224.0.0.1", proto: "udp", came: "r 1 0 0 0 0, c 1 0 0 0 0" },
  { src: "255.255.255.255", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "255.255.255.255", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.0.255", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.255", dst: "10.1.0.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.255", dst: "10.1.0.1", proto: "udp", came: "r 2 2 0 1 2, c 1 1 0 0 0" },
  { src: "10.1.0.255", dst: "224.0.0.1", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.255", dst: "10.1.1.2", proto: "udp", came: "r 2 1 1 0 1, b 1 1 0 1 1" },
  { src: "10.1.0.255", dst: "192.0.2.9", proto: "udp", came: "r 2 1 0 1 2, c 1 1 0 0 0" },
  { src: "10.1.1.255", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.1.255", dst: "10.1.0.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.1.255", dst: "10.1.0.1", proto: "udp", came: "r 2 2 0 1 2, b 1 1 0 0 0" },
  { src: "10.1.1.255", dst: "224.0.0.1", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.1.255", dst: "10.1.1.2", proto: "udp", came: "r 2 1 1 0 1, b 2 2 0 1 2" },
  { src: "10.1.1.255", dst: "192.0.2.9", proto: "udp", came: "r 2 1 0 1 2, b 1 1 0 0 0" },
  { src: "10.1.0.1", dst: "255.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.1", dst: "10.1.0.255", proto: "udp", came: "r 1 0 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.1", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.0.1", dst: "224.0.0.1", proto: "udp", came: "r 1 0 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.0.1", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.0.1", dst: "192.0.2.9", proto: "udp", came: "r 2 1 0 1 1" },
  { src: "10.1.1.1", dst: "255.255.255.255", proto: "udp", came: "r 1 0 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.1.1", dst: "10.1.0.255", proto: "udp", came: "r 1 0 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.1.1", dst: "10.1.0.1", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.1.1", dst: "224.0.0.1", proto: "udp", came: "r 1 0 0 0 0, c 1 1 0 0 0" },
  { src: "10.1.1.1", dst: "10.1.1.2", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "10.1.1.1", dst: "192.0.2.9", proto: "udp", came: "r 2 1 0 1 1" },
  { src: "0.1.2.3", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "0.1.2.3", dst: "10.1.0.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "0.1.2.3", dst: "10.1.0.1", proto: "udp", came: "r 1 1 0 0 0" },
  { src: "0.1.2.3", dst: "224.0.0.1", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "0.1.2.3", dst: "10.1.1.2", proto: "udp", came: "r 2 0 1 0 1, b 1 1 0 1 1" },
  { src: "0.1.2.3", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
  { src: "240.0.0.1", dst: "255.255.255.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "240.0.0.1", dst: "10.1.0.255", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "240.0.0.1", dst: "10.1.0.1", proto: "udp", came: "r 1 1 0 0 0" },
  { src: "240.0.0.1", dst: "224.0.0.1", proto: "udp", came: "r 1 1 0 0 0, c 1 1 0 0 0" },
  { src: "240.0.0.1", dst: "10.1.1.2", proto: "udp", came: "r 2 0 1 0 1, b 1 1 0 1 1" },
  { src: "240.0.0.1", dst: "192.0.2.9", proto: "udp", came: "r 1 0 0 0 0" },
];

export const asked: readonly Asked[] = [
  { what: "tcp to 0.0.0.0", to: "0.0.0.0", by: "tcp", came: "connected to a" },
  { what: "udp to 0.0.0.0", to: "0.0.0.0", by: "udp", came: "connected to a; a 2 2 0 2 2" },
  { what: "closed udp to 0.0.0.0", to: "0.0.0.0", by: "closed udp", came: "refused ECONNREFUSED; a 2 2 0 2 2" },
  { what: "ping to 0.0.0.0", to: "0.0.0.0", by: "ping", came: "1 received from 127.0.0.1; a 2 2 0 2 2" },
  { what: "ping -b to 0.0.0.0", to: "0.0.0.0", by: "ping -b", came: "1 received from 127.0.0.1; a 2 2 0 2 2" },
  { what: "tcp to 127.0.0.1", to: "127.0.0.1", by: "tcp", came: "connected to a" },
  { what: "udp to 127.0.0.1", to: "127.0.0.1", by: "udp", came: "connected to a; a 2 2 0 2 2" },
  { what: "closed udp to 127.0.0.1", to: "127.0.0.1", by: "closed udp", came: "refused ECONNREFUSED; a 2 2 0 2 2" },
  { what: "ping to 127.0.0.1", to: "127.0.0.1", by: "ping", came: "1 received from 127.0.0.1; a 2 2 0 2 2" },
  { what: "ping -b to 127.0.0.1", to: "127.0.0.1", by: "ping -b", came: "1 received from 127.0.0.1; a 2 2 0 2 2" },
  { what: "tcp to 127.0.0.2", to: "127.0.0.2", by: "tcp", came: "connected to a" },
  { what: "udp to 127.0.0.2", to: "127.0.0.2", by: "udp", came: "timeout; a 3 3 0 3 3" },
  { what: "closed udp to 127.0.0.2", to: "127.0.0.2", by: "closed udp", came: "refused ECONNREFUSED; a 2 2 0 2 2" },
  { what: "ping to 127.0.0.2", to: "127.0.0.2", by: "ping", came: "1 received from 127.0.0.2; a 2 2 0 2 2" },
  { what: "ping -b to 127.0.0.2", to: "127.0.0.2", by: "ping -b", came: "1 received from 127.0.0.2; a 2 2 0 2 2" },
  { what: "tcp to 127.255.255.255", to: "127.255.255.255", by: "tcp", came: "unreachable ENETUNREACH" },
  { what: "udp to 127.255.255.255", to: "127.255.255.255", by: "udp", came: "denied EACCES" },
  { what: "closed udp to 127.255.255.255", to: "127.255.255.255", by: "closed udp", came: "denied EACCES" },
  { what: "ping to 127.255.255.255", to: "127.255.255.255", by: "ping", came: "refused" },
  { what: "ping -b to 127.255.255.255", to: "127.255.255.255", by: "ping -b", came: "0 received; a 1 1 0 1 1" },
  { what: "tcp to 255.255.255.255", to: "255.255.255.255", by: "tcp", came: "unreachable ENETUNREACH" },
  { what: "udp to 255.255.255.255", to: "255.255.255.255", by: "udp", came: "denied EACCES" },
  { what: "closed udp to 255.255.255.255", to: "255.255.255.255", by: "closed udp", came: "denied EACCES" },
  { what: "ping to 255.255.255.255", to: "255.255.255.255", by: "ping", came: "refused" },
  {
    what: "ping -b to 255.255.255.255",
    to: "255.255.255.255",
    by: "ping -b",
    came: "0 received; a 1 1 0 1 2, r 1 1 0 0 0, c 1 1 0 0 0",
  },
  { what: "tcp to 10.1.0.255", to: "10.1.0.255", by: "tcp", came: "unreachable ENETUNREACH" },
  { what: "udp to 10.1.0.255", to: "10.1.0.255", by: "udp", came: "denied EACCES" },
  { what: "closed udp to 10.1.0.255", to: "10.1.0.255", by: "closed udp", came: "denied EACCES" },
  { what: "ping to 10.1.0.255", to: "10.1.0.255", by: "ping", came: "refused" },
  {
    what: "ping -b to 10.1.0.255",
    to: "10.1.0.255",
    by: "ping -b",
    came: "0 received; a 1 1 0 1 2, r 1 1 0 0 0, c 1 1 0 0 0",
  },
  { what: "tcp to 10.1.1.255", to: "10.1.1.255", by: "tcp", came: "timeout" },
  { what: "udp to 10.1.1.255", to: "10.1.1.255", by: "udp", came: "timeout; a 1 1 0 2 2, r 2 2 0 1 1" },
  { what: "closed udp to 10.1.1.255", to: "10.1.1.255", by: "closed udp", came: "timeout; a 0 0 0 1 1, r 1 1 0 0 0" },
  { what: "ping to 10.1.1.255", to: "10.1.1.255", by: "ping", came: "0 received; a 0 0 0 1 1, r 1 1 0 0 0" },
  { what: "ping -b to 10.1.1.255", to: "10.1.1.255", by: "ping -b", came: "0 received; a 0 0 0 1 1, r 1 1 0 0 0" },
  { what: "tcp to 224.0.0.1", to: "224.0.0.1", by: "tcp", came: "unreachable ENETUNREACH" },
  { what: "udp to 224.0.0.1", to: "224.0.0.1", by: "udp", came: "timeout; a 5 5 0 5 6, r 2 2 0 1 1, c 2 2 0 1 1" },
  {
    what: "closed udp to 224.0.0.1",
    to: "224.0.0.1",
    by: "closed udp",
    came: "timeout; a 1 1 0 1 2, r 1 1 0 0 0, c 1 1 0 0 0",
  },
  { what: "ping to 224.0.0.1", to: "224.0.0.1", by: "ping", came: "0 received; a 1 1 0 1 2, r 1 1 0 0 0, c 1 1 0 0 0" },
  {
    what: "ping -b to 224.0.0.1",
    to: "224.0.0.1",
    by: "ping -b",
    came: "0 received; a 1 1 0 1 2, r 1 1 0 0 0, c 1 1 0 0 0",
  },
  { what: "tcp to 239.1.2.3", to: "239.1.2.3", by: "tcp", came: "unreachable ENETUNREACH" },
  { what: "udp to 239.1.2.3", to: "239.1.2.3", by: "udp", came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0, c 1 0 0 0 0" },
  {
    what: "closed udp to 239.1.2.3",
    to: "239.1.2.3",
    by: "closed udp",
    came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0, c 1 0 0 0 0",
  },
  { what: "ping to 239.1.2.3", to: "239.1.2.3", by: "ping", came: "0 received; a 0 0 0 1 1, r 1 0 0 0 0, c 1 0 0 0 0" },
  {
    what: "ping -b to 239.1.2.3",
    to: "239.1.2.3",
    by: "ping -b",
    came: "0 received; a 0 0 0 1 1, r 1 0 0 0 0, c 1 0 0 0 0",
  },
  { what: "tcp to 10.1.1.1", to: "10.1.1.1", by: "tcp", came: "connected to r" },
  { what: "udp to 10.1.1.1", to: "10.1.1.1", by: "udp", came: "connected to r; a 1 1 0 1 1, r 1 1 0 1 1" },
  {
    what: "closed udp to 10.1.1.1",
    to: "10.1.1.1",
    by: "closed udp",
    came: "refused ECONNREFUSED; a 1 1 0 1 1, r 1 1 0 1 1",
  },
  { what: "ping to 10.1.1.1", to: "10.1.1.1", by: "ping", came: "1 received from 10.1.1.1; a 1 1 0 1 1, r 1 1 0 1 1" },
  {
    what: "ping -b to 10.1.1.1",
    to: "10.1.1.1",
    by: "ping -b",
    came: "1 received from 10.1.1.1; a 1 1 0 1 1, r 1 1 0 1 1",
  },
  {
    what: "tcp to 127.0.0.1, translated to b",
    to: "127.0.0.1",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2" },
    came: "timeout",
  },
  {
    what: "tcp to 127.0.0.1, translated to b and masqueraded",
    to: "127.0.0.1",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2\n-A POSTROUTING -o eth0 -j MASQUERADE" },
    came: "timeout",
  },
  {
    what: "tcp translated at the router to 127.0.0.1",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 127.0.0.1" },
    came: "timeout",
  },
  {
    what: "tcp to 127.0.0.1, translated to b",
    to: "127.0.0.1",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2" },
    localnet: "a",
    came: "timeout",
  },
  {
    what: "tcp to 127.0.0.1, translated to b and masqueraded",
    to: "127.0.0.1",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2\n-A POSTROUTING -o eth0 -j MASQUERADE" },
    localnet: "a",
    came: "connected to b",
  },
  {
    what: "tcp translated at the router to 127.0.0.1",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 127.0.0.1" },
    localnet: "r",
    came: "connected to r",
  },
  {
    what: "tcp translated at home to 127.0.0.1",
    to: "10.9.9.9",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 127.0.0.1" },
    came: "connected to a",
  },
  {
    what: "tcp translated at home to nowhere",
    to: "10.9.9.9",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 127.255.255.255" },
    came: "timeout",
  },
  {
    what: "tcp from 127.0.0.5 by translation at the router",
    to: "10.1.1.2",
    by: "tcp",
    nat: { r: "-A POSTROUTING -d 10.1.1.2/32 -j SNAT --to-source 127.0.0.5" },
    came: "timeout",
  },
  {
    what: "tcp translated at home to 255.255.255.255",
    to: "10.9.9.9",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 255.255.255.255" },
    came: "timeout",
  },
  {
    what: "tcp translated at the router to 255.255.255.255",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 255.255.255.255" },
    came: "timeout",
  },
  {
    what: "tcp translated at home to 10.1.0.255",
    to: "10.9.9.9",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 10.1.0.255" },
    came: "timeout",
  },
  {
    what: "tcp translated at the router to 10.1.0.255",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 10.1.0.255" },
    came: "timeout",
  },
  {
    what: "tcp translated at home to 224.0.0.1",
    to: "10.9.9.9",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 224.0.0.1" },
    came: "timeout",
  },
  {
    what: "tcp translated at the router to 224.0.0.1",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 224.0.0.1" },
    came: "timeout",
  },
  {
    what: "tcp translated at home to 239.1.2.3",
    to: "10.9.9.9",
    by: "tcp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 239.1.2.3" },
    came: "timeout",
  },
  {
    what: "tcp translated at the router to 239.1.2.3",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 239.1.2.3" },
    came: "timeout",
  },
  {
    what: "tcp translated at the router to 0.0.0.0",
    to: "10.9.9.9",
    by: "tcp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 0.0.0.0" },
    came: "timeout",
  },
  {
    what: "udp to 127.0.0.1, translated to b",
    to: "127.0.0.1",
    by: "udp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2" },
    came: "denied EINVAL; a 0 0 0 1 0",
  },
  {
    what: "udp to 127.0.0.1, translated to b and masqueraded",
    to: "127.0.0.1",
    by: "udp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2\n-A POSTROUTING -o eth0 -j MASQUERADE" },
    came: "denied EINVAL; a 0 0 0 1 0",
  },
  {
    what: "udp translated at the router to 127.0.0.1",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 127.0.0.1" },
    came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0",
  },
  {
    what: "udp to 127.0.0.1, translated to b",
    to: "127.0.0.1",
    by: "udp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2" },
    localnet: "a",
    came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0",
  },
  {
    what: "udp to 127.0.0.1, translated to b and masqueraded",
    to: "127.0.0.1",
    by: "udp",
    nat: { a: "-A OUTPUT -d 127.0.0.1/32 -j DNAT --to-destination 10.1.1.2\n-A POSTROUTING -o eth0 -j MASQUERADE" },
    localnet: "a",
    came: "connected to b; a 1 1 0 1 1, r 2 0 2 0 2, b 1 1 0 1 1",
  },
  {
    what: "udp translated at the router to 127.0.0.1",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 127.0.0.1" },
    localnet: "r",
    came: "timeout; a 1 1 0 2 2, r 2 2 0 1 1",
  },
  {
    what: "udp translated at home to 127.0.0.1",
    to: "10.9.9.9",
    by: "udp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 127.0.0.1" },
    came: "timeout; a 3 3 0 3 3",
  },
  {
    what: "udp translated at home to nowhere",
    to: "10.9.9.9",
    by: "udp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 127.255.255.255" },
    came: "timeout; a 3 3 0 3 3",
  },
  {
    what: "udp from 127.0.0.5 by translation at the router",
    to: "10.1.1.2",
    by: "udp",
    nat: { r: "-A POSTROUTING -d 10.1.1.2/32 -j SNAT --to-source 127.0.0.5" },
    came: "timeout; a 0 0 0 1 1, r 1 0 1 0 1, b 1 0 0 0 0",
  },
  {
    what: "udp translated at home to 255.255.255.255",
    to: "10.9.9.9",
    by: "udp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 255.255.255.255" },
    came: "timeout; a 5 5 0 5 6, r 2 2 0 1 1, c 2 2 0 1 1",
  },
  {
    what: "udp translated at the router to 255.255.255.255",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 255.255.255.255" },
    came: "timeout; a 1 1 0 2 2, r 2 2 0 1 1",
  },
  {
    what: "udp translated at home to 10.1.0.255",
    to: "10.9.9.9",
    by: "udp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 10.1.0.255" },
    came: "timeout; a 5 5 0 5 6, r 2 2 0 1 1, c 2 2 0 1 1",
  },
  {
    what: "udp translated at the router to 10.1.0.255",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 10.1.0.255" },
    came: "timeout; a 1 1 0 2 2, r 2 2 0 1 1",
  },
  {
    what: "udp translated at home to 224.0.0.1",
    to: "10.9.9.9",
    by: "udp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 224.0.0.1" },
    came: "timeout; a 5 5 0 5 6, r 2 2 0 1 1, c 2 2 0 1 1",
  },
  {
    what: "udp translated at the router to 224.0.0.1",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 224.0.0.1" },
    came: "timeout; a 1 1 0 2 2, r 2 2 0 1 1",
  },
  {
    what: "udp translated at home to 239.1.2.3",
    to: "10.9.9.9",
    by: "udp",
    nat: { a: "-A OUTPUT -d 10.9.9.9/32 -j DNAT --to-destination 239.1.2.3" },
    came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0, c 1 0 0 0 0",
  },
  {
    what: "udp translated at the router to 239.1.2.3",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 239.1.2.3" },
    came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0",
  },
  {
    what: "udp translated at the router to 0.0.0.0",
    to: "10.9.9.9",
    by: "udp",
    nat: { r: "-A PREROUTING -d 10.9.9.9/32 -j DNAT --to-destination 0.0.0.0" },
    came: "timeout; a 0 0 0 1 1, r 1 0 0 0 0",
  },
];
