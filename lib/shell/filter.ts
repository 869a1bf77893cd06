import { InputError } from "../errors.js";
import { type Addr, addr } from "../ip/addr.js";
import { cidr, contains } from "../ip/cidr.js";
import type { Packet } from "../packet/packet.js";

/** Whether a capture keeps a packet. */
export type PacketFilter = (packet: Packet) => boolean;

type Direction = "src" | "dst" | "either";

/** More than anybody writes; keeps nesting within bounds. */
const wordsAtMost = 500;

const expected =
  "icmp, tcp, udp, ip, [src|dst] host A, [src|dst] net CIDR, [src|dst] port N, portrange N-M; with and, or, not and parentheses";

const ports = (packet: Packet, direction: Direction): readonly number[] => {
  if (packet.proto === "icmp") return [];
  return direction === "src" ? [packet.sport] : direction === "dst" ? [packet.dport] : [packet.sport, packet.dport];
};

const addresses = (packet: Packet, direction: Direction): readonly Addr[] =>
  direction === "src" ? [packet.src] : direction === "dst" ? [packet.dst] : [packet.src, packet.dst];

const portNames: Readonly<Record<string, number>> = { ssh: 22, domain: 53, http: 80, https: 443 };

/**
 * Reads a capture filter in the language of tcpdump, as far as it speaks of this model's packets:
 * protocols, hosts, nets and ports with and, or (of equal rank, from the left), not and parentheses. An empty filter keeps all.
 * @param resolve what a host name means, where names are known
 * @throws InputError naming what the filter may hold
 */
export const packetFilter = (text: string, resolve?: (name: string) => Addr | undefined): PacketFilter => {
  const tokens = text.match(/&&|\|\||[()!]|[^\s()!&|]+|[&|]/g) ?? [];
  let at = 0;
  const fail = (value: string, problem: string): never => {
    throw new InputError({ where: "tcpdump filter", value, problem, expected });
  };
  const take = (after: string): string => tokens[at++] ?? fail(text, `ends after ${after}`);
  const accept = (...words: readonly string[]): boolean => {
    const found = words.includes(tokens[at] ?? "");
    if (found) at++;
    return found;
  };

  const host = (name: string): Addr => resolve?.(name) ?? addr(name, "tcpdump filter");
  const port = (name: string): number => {
    const number = Object.hasOwn(portNames, name) ? portNames[name]! : Number(name);
    return Number.isInteger(number) && number >= 0 && number <= 65535 && name !== ""
      ? number
      : fail(name, "is not a port");
  };
  const portRange = (name: string): readonly [number, number] => {
    const ends = /^(\d+)-(\d+)$/.exec(name) ?? fail(name, "is not a range of ports");
    return [port(ends[1]!), port(ends[2]!)];
  };

  /** What follows a direction, or stands without one. */
  const primitive = (direction: Direction): PacketFilter | undefined => {
    if (accept("host")) {
      const address = host(take("host"));
      return packet => addresses(packet, direction).includes(address);
    }
    if (accept("net")) {
      const block = cidr(take("net"), "tcpdump filter");
      return packet => addresses(packet, direction).some(address => contains(block, address));
    }
    if (accept("port")) {
      const number = port(take("port"));
      return packet => ports(packet, direction).includes(number);
    }
    if (accept("portrange")) {
      const [first, last] = portRange(take("portrange"));
      return packet => ports(packet, direction).some(number => number >= first && number <= last);
    }
    return undefined;
  };

  const directed = (): PacketFilter | undefined => {
    const direction: Direction = accept("src") ? "src" : accept("dst") ? "dst" : "either";
    const found = primitive(direction);
    if (found !== undefined || direction === "either") return found;
    const address = host(take(direction));
    return packet => addresses(packet, direction).includes(address);
  };

  const term = (): PacketFilter => {
    if (accept("not", "!")) {
      const inner = term();
      return packet => !inner(packet);
    }
    if (accept("(")) {
      const inner = expression();
      if (!accept(")")) fail(text, "has ( without its )");
      return inner;
    }
    const proto = tokens[at];
    if (accept("icmp", "tcp", "udp", "ip")) {
      const inner = directed() ?? (() => true);
      return packet => (proto === "ip" || packet.proto === proto) && inner(packet);
    }
    return directed() ?? fail(take("nothing"), "is not known in a filter");
  };

  const expression = (): PacketFilter => {
    let left = term();
    for (;;) {
      const before = left;
      if (accept("and", "&&")) {
        const right = term();
        left = packet => before(packet) && right(packet);
      } else if (accept("or", "||")) {
        const right = term();
        left = packet => before(packet) || right(packet);
      } else return left;
    }
  };

  if (tokens.length > wordsAtMost) fail(text, `is longer than ${wordsAtMost} words`);
  if (tokens.length === 0) return () => true;
  const filter = expression();
  if (at < tokens.length) fail(tokens[at]!, "is not known at its place in a filter");
  return filter;
};
