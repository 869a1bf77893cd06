import { refuse } from "../errors.js";
import { largest, smallest } from "../extremes.js";
import type { Addr } from "../ip/addr.js";
import { emitPacket } from "../packet/emit.js";
import { ethernetHeader, etherTypes, linkTypes } from "../packet/link.js";
import type { Packet } from "../packet/packet.js";
import type { PcapRecord, Wire } from "../packet/pcap.js";
import { servicePort } from "../packet/portNames.js";

/** What a filter looks at. */
export interface Filterable {
  /** The EtherType of what the frame carries, 0 for none; undefined where its link header is cut. */
  readonly network: number | undefined;
  /** That, as far as it was captured. */
  readonly bytes: Uint8Array;
  /** Bytes of the whole frame on the wire. */
  readonly length: number;
}

/** Whether a capture keeps a frame. */
export type PacketFilter = (frame: Filterable) => boolean;

/** A packet at an interface, as a filter looks at it. */
export const filterablePacket = ({ packet, wire }: { readonly packet: Packet; readonly wire?: Wire }): Filterable => {
  const bytes = wire?.bytes ?? emitPacket(packet);
  return { network: etherTypes.ipv4, bytes, length: ethernetHeader + (wire?.length ?? bytes.length) };
};

/** A frame of a file, as a filter looks at it. One in a VLAN is none that carries IP: `ip` does not look behind the tag. */
export const filterableRecord = ({ frame, link, wire, length }: PcapRecord, linkType: number): Filterable => {
  const bytes = wire?.bytes ?? new Uint8Array();
  const version = (bytes[0] ?? 0) >> 4;
  const raw = linkType === linkTypes.raw || linkType === linkTypes.rawBsd || linkType === linkTypes.rawOpenBsd;
  // The EtherType stands at the end of a link header, but for Linux's second, which begins with it.
  const early = linkType === linkTypes.cooked && frame.length >= 2 ? frame[0]! * 0x100 + frame[1]! : undefined;
  if (link === undefined) return { network: early, bytes, length };
  if (link.vlans > 0 || (raw && version !== 4 && version !== 6)) return { network: 0, bytes, length };
  return { network: link.network, bytes, length };
};

/** Thrown where a filter asks for bytes that were not captured: libpcap then drops the frame, whatever else is asked. */
class Cut {}

const u8 = ({ bytes }: Filterable, at: number): number => {
  if (at >= bytes.length) throw new Cut();
  return bytes[at]!;
};
const u16 = (frame: Filterable, at: number): number => u8(frame, at) * 0x100 + u8(frame, at + 1);
const u32 = (frame: Filterable, at: number): number => u16(frame, at) * 0x10000 + u16(frame, at + 2);

const networkOf = ({ network }: Filterable): number => {
  if (network === undefined) throw new Cut();
  return network;
};

const isNetwork =
  (network: number): PacketFilter =>
  frame =>
    networkOf(frame) === network;
const both =
  (a: PacketFilter, b: PacketFilter): PacketFilter =>
  frame =>
    a(frame) && b(frame);
const either =
  (a: PacketFilter, b: PacketFilter): PacketFilter =>
  frame =>
    a(frame) || b(frame);

type Direction = "default" | "src" | "dst" | "or" | "and";

/** A test of one place for the source and another for the destination. */
const directed = (direction: Direction, test: (side: "src" | "dst") => PacketFilter): PacketFilter => {
  if (direction === "src" || direction === "dst") return test(direction);
  return direction === "and" ? both(test("src"), test("dst")) : either(test("src"), test("dst"));
};

/** Where ARP and IPv4 have the addresses of both sides. */
const addressPlaces: Readonly<Record<number, { readonly src: number; readonly dst: number }>> = {
  [etherTypes.ipv4]: { src: 12, dst: 16 },
  [etherTypes.arp]: { src: 14, dst: 24 },
  [etherTypes.rarp]: { src: 14, dst: 24 },
};

const hasAddress = (network: number, address: number, mask: number, direction: Direction): PacketFilter =>
  both(
    isNetwork(network),
    directed(direction, side => frame => (u32(frame, addressPlaces[network]![side]) & mask) >>> 0 === address),
  );

const fragmentHeader = 44;
const ipv6Header = 40;

const ipv4Protocol = (protocol: number): PacketFilter =>
  both(isNetwork(etherTypes.ipv4), frame => u8(frame, 9) === protocol);
const ipv6Protocol = (protocol: number): PacketFilter =>
  both(isNetwork(etherTypes.ipv6), frame => {
    const next = u8(frame, 6);
    return next === protocol || (next === fragmentHeader && u8(frame, ipv6Header) === protocol);
  });

const protocolNumbers = { icmp: 1, tcp: 6, udp: 17, sctp: 132 } as const;
type PortProto = "tcp" | "udp" | "sctp";
const portProtos: readonly PortProto[] = ["tcp", "udp", "sctp"];

const hasPort = (first: number, last: number, protos: readonly PortProto[], direction: Direction): PacketFilter => {
  const numbers: readonly number[] = protos.map(proto => protocolNumbers[proto]);
  const at = (start: (frame: Filterable) => number): PacketFilter =>
    directed(direction, side => frame => {
      const port = u16(frame, start(frame) + (side === "src" ? 0 : 2));
      return port >= first && port <= last;
    });
  const ipv4 = at(frame => (u8(frame, 0) & 15) * 4);
  const ipv6 = at(() => ipv6Header);
  return frame => {
    if (networkOf(frame) === etherTypes.ipv4)
      return numbers.includes(u8(frame, 9)) && (u16(frame, 6) & 0x1fff) === 0 && ipv4(frame);
    return frame.network === etherTypes.ipv6 && numbers.includes(u8(frame, 6)) && ipv6(frame);
  };
};

/** What a protocol's name asks by itself. */
const protocols: Readonly<Record<string, PacketFilter>> = {
  ip: isNetwork(etherTypes.ipv4),
  ip6: isNetwork(etherTypes.ipv6),
  arp: isNetwork(etherTypes.arp),
  rarp: isNetwork(etherTypes.rarp),
  icmp: ipv4Protocol(1),
  igmp: ipv4Protocol(2),
  igrp: ipv4Protocol(9),
  vrrp: ipv4Protocol(112),
  carp: ipv4Protocol(112),
  icmp6: ipv6Protocol(58),
  tcp: either(ipv4Protocol(6), ipv6Protocol(6)),
  udp: either(ipv4Protocol(17), ipv6Protocol(17)),
  sctp: either(ipv4Protocol(132), ipv6Protocol(132)),
  esp: either(ipv4Protocol(50), ipv6Protocol(50)),
  ah: either(ipv4Protocol(51), ipv6Protocol(51)),
  pim: either(ipv4Protocol(103), ipv6Protocol(103)),
};

/** Words of the language that are not read here, so that none of them is taken for a name. */
const notRead = new Set(
  "link ether ppp slip fddi tr wlan radio atalk aarp decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp snp csnp psnp clnp stp ipx netbeui protochain gateway type subtype direction dir address1 addr1 address2 addr2 address3 addr3 address4 addr4 ra ta byte broadcast len length inbound outbound ifindex vlan mpls pppoed pppoes geneve lane llc metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect on ifname rset ruleset rnr rulenum srnr subrulenum reason action fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls".split(
    " ",
  ),
);
const keywords = new Set([
  ...Object.keys(protocols),
  ..."src dst host net mask port portrange proto and or not less greater multicast".split(" "),
]);

type Token = { readonly text: string } & (
  { readonly kind: "word" | "sign" | "name" | "address" } | { readonly kind: "number"; readonly value: number }
);

/** More than anybody writes; keeps nesting within bounds. */
const wordsAtMost = 500;

const where = "tcpdump filter";
const expected =
  "icmp, tcp, udp, ip, ip6, arp and other protocols, [src|dst] host A, net CIDR, port N, portrange N-M, [ip] proto N, greater N, less N; with and, or, not and parentheses";

const fail = (value: string, problem: string): never => refuse(where, value, problem, expected);

/** A number as C writes it: with 0x hexadecimal, with 0 octal. */
const readNumber = (text: string): number => {
  const octal = /^0\d/.test(text);
  if (octal && /[89]/.test(text)) fail(text, "starts with 0 as an octal number does, and is none");
  const value = octal ? Number.parseInt(text, 8) : Number(text);
  return value <= 0xffffffff ? value : fail(text, "is larger than 32 bits hold");
};

const tokenPattern =
  /[ \r\n\t]+|(?<sign>&&|\|\||[()!/])|(?<name>[A-Za-z0-9](?:[-_.A-Za-z0-9]*[.A-Za-z0-9])?)|\\(?<escaped>[^ !()\n\t]+)/y;

const tokenize = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (let at = 0; at < text.length; at = tokenPattern.lastIndex) {
    tokenPattern.lastIndex = at;
    const found = tokenPattern.exec(text);
    if (found === null)
      return fail(
        text.slice(at, at + 20),
        /^[[\]+\-*%:<>&|^=]/.test(text.slice(at))
          ? "compares bytes or has colons, which is not read here"
          : "is not known in a filter",
      );
    const { sign, name, escaped } = found.groups!;
    if (tokens.length > wordsAtMost) fail(text, `is longer than ${wordsAtMost} words`);
    if (sign !== undefined)
      tokens.push({ kind: "sign", text: sign === "&&" ? "and" : sign === "||" ? "or" : sign === "!" ? "not" : sign });
    else if (escaped !== undefined) tokens.push({ kind: "name", text: escaped });
    else if (name === undefined) continue;
    else if (/^(?:\d+|0[xX][0-9a-fA-F]+)$/.test(name))
      tokens.push({ kind: "number", text: name, value: readNumber(name) });
    else if (/^\d+(?:\.\d+){1,3}$/.test(name)) tokens.push({ kind: "address", text: name });
    else if (keywords.has(name)) tokens.push({ kind: "word", text: name });
    else if (notRead.has(name)) fail(name, "is a word of filters that is not read here");
    else tokens.push({ kind: "name", text: name });
  }
  return tokens;
};

/** Bytes of an address, which may lack its last ones: `10.244` is 10.244.0.0 with 16 bits. */
const readAddress = (text: string): { readonly address: number; readonly mask: number } => {
  const parts = text.split(".").map(Number);
  if (parts.some(part => part > 255)) fail(text, "is not an IPv4 address");
  const address = parts.reduce((sum, part, index) => sum + part * 2 ** (24 - 8 * index), 0);
  return { address, mask: (0xffffffff << (32 - 8 * parts.length)) >>> 0 };
};

/** What stands in front of an address or a port, and holds for those that follow it behind `and` and `or`. */
interface Qualifiers {
  readonly proto: string | undefined;
  readonly direction: Direction;
  /** Undefined where nothing was in front that a value could go on from. */
  readonly type: "default" | "host" | "net" | "port" | "portrange" | "proto" | undefined;
}

const unqualified: Qualifiers = { proto: undefined, direction: "default", type: undefined };

interface Parsed {
  readonly test: PacketFilter;
  readonly qualifiers: Qualifiers;
}

const protosOfPort = (value: string, { proto, type }: Qualifiers): readonly PortProto[] => {
  if (proto === undefined) return portProtos;
  const found = portProtos.find(each => each === proto);
  return found === undefined ? fail(`${proto} ${type} ${value}`, "asks a protocol for ports that has none") : [found];
};

/** The port that a name means, and with which protocols, among those that are asked for. */
const namedPort = (
  name: string,
  asked: readonly PortProto[],
): { readonly port: number; readonly protos: readonly PortProto[] } => {
  const [tcp, udp] = [servicePort(name, "tcp"), servicePort(name, "udp")];
  const port = tcp ?? udp ?? fail(name, "is not a port");
  const single: PortProto | undefined = tcp === udp ? undefined : tcp === undefined ? "udp" : "tcp";
  if (single === undefined) return { port, protos: asked };
  if (!asked.includes(single)) fail(`${asked.join()} port ${name}`, `is a port of ${single}`);
  return { port, protos: [single] };
};

const checkedPort = (port: number): number => (port <= 65535 ? port : fail(String(port), "is not a port"));

const portRange = (
  name: string,
  asked: readonly PortProto[],
): { readonly ports: readonly [number, number]; readonly protos: readonly PortProto[] } => {
  const numbers = /^(\d+)-(\d+)/.exec(name);
  if (numbers !== null)
    return { ports: [checkedPort(Number(numbers[1])), checkedPort(Number(numbers[2]))], protos: asked };
  const dash = name.indexOf("-");
  if (dash < 0) return fail(name, "is not a range of ports");
  const [first, last] = [name.slice(0, dash), name.slice(dash + 1)].map(end => namedPort(end, portProtos));
  const same = first!.protos.join() === last!.protos.join();
  const own = same ? first!.protos : portProtos;
  if (own.length === 1 && !asked.includes(own[0]!)) fail(name, `is a range of ports of ${own[0]}`);
  return { ports: [first!.port, last!.port], protos: own.length === 1 ? own : asked };
};

class Parser {
  #at = 0;
  readonly #tokens: readonly Token[];

  constructor(
    readonly text: string,
    readonly resolve: ((name: string) => Addr | undefined) | undefined,
  ) {
    this.#tokens = tokenize(text);
  }

  parse(): PacketFilter {
    if (this.#tokens.length === 0) return () => true;
    const { test } = this.#expression(unqualified);
    if (this.#at < this.#tokens.length)
      return fail(this.#tokens[this.#at]!.text, "is not known at its place in a filter");
    return frame => {
      try {
        return test(frame);
      } catch (error) {
        if (error instanceof Cut) return false;
        throw error;
      }
    };
  }

  #is(...texts: readonly string[]): boolean {
    const token = this.#tokens[this.#at];
    return token !== undefined && (token.kind === "word" || token.kind === "sign") && texts.includes(token.text);
  }

  #accept(...texts: readonly string[]): string | undefined {
    return this.#is(...texts) ? this.#tokens[this.#at++]!.text : undefined;
  }

  #take(after: string): Token {
    return this.#tokens[this.#at++] ?? fail(this.text, `ends after ${after}`);
  }

  /** Whether a value comes next, behind any number of `not` and parentheses. */
  #valueFollows(): boolean {
    let at = this.#at;
    while (["not", "("].includes(this.#tokens[at]?.text ?? "") && this.#tokens[at]!.kind !== "name") at++;
    const kind = this.#tokens[at]?.kind;
    return kind === "name" || kind === "address" || kind === "number";
  }

  /** Terms joined by `and` and `or`, of equal rank, from the left. Behind those a value goes on from what was in front. */
  #expression(before: Qualifiers): Parsed {
    let left = this.#term(before);
    for (;;) {
      const operator = this.#accept("and", "or");
      if (operator === undefined) return left;
      const right = this.#valueFollows() ? this.#value(left.qualifiers) : this.#term(left.qualifiers);
      left = {
        test: operator === "and" ? both(left.test, right.test) : either(left.test, right.test),
        qualifiers: right.qualifiers,
      };
    }
  }

  #close(): void {
    if (this.#accept(")") === undefined) {
      const token = this.#tokens[this.#at];
      fail(
        token?.text ?? this.text,
        token === undefined ? "has ( without its )" : "is not known at its place in a filter",
      );
    }
  }

  #term(before: Qualifiers): Parsed {
    if (this.#accept("not") !== undefined) {
      const { test, qualifiers } = this.#term(before);
      return { test: frame => !test(frame), qualifiers };
    }
    if (this.#accept("(") !== undefined) {
      const { test } = this.#expression(before);
      this.#close();
      return { test, qualifiers: before };
    }
    const relation = this.#accept("greater", "less");
    if (relation !== undefined) {
      const token = this.#take(relation);
      if (token.kind !== "number") return fail(token.text, "is not a number of bytes");
      const { value } = token;
      return {
        test: relation === "greater" ? ({ length }) => length >= value : ({ length }) => length <= value,
        qualifiers: unqualified,
      };
    }
    const proto = this.#accept(...Object.keys(protocols));
    if (this.#accept("multicast") !== undefined) {
      if (proto !== "ip")
        return fail(proto ?? "multicast", "asks for multicast otherwise than of ip, which is not read here");
      return { test: both(protocols["ip"]!, frame => u8(frame, 16) >= 224), qualifiers: unqualified };
    }
    const qualifiers = this.#head(proto);
    if (qualifiers === undefined) {
      if (proto !== undefined) return { test: protocols[proto]!, qualifiers: unqualified };
      return fail(this.#take("nothing").text, "is not known at its place in a filter");
    }
    return this.#value(qualifiers);
  }

  #direction(): Direction {
    const first = this.#accept("src", "dst");
    if (first === undefined) return "default";
    const other = first === "src" ? "dst" : "src";
    const operator = this.#accept("or", "and");
    if (operator === undefined) return first as Direction;
    if (this.#accept(other) === undefined) fail(`${first} ${operator}`, `goes on otherwise than with ${other}`);
    return operator as Direction;
  }

  /** What stands in front of a value; undefined where nothing does. */
  #head(proto: string | undefined): Qualifiers | undefined {
    const direction = this.#direction();
    const type = this.#accept("host", "net", "port", "portrange", ...(direction === "default" ? ["proto"] : []));
    if (type === undefined && direction === "default") return undefined;
    return { proto, direction, type: (type ?? "default") as Qualifiers["type"] };
  }

  /** A value, or several in parentheses. */
  #value(qualifiers: Qualifiers): Parsed {
    if (this.#accept("not") !== undefined) {
      const { test } = this.#value(qualifiers);
      return { test: frame => !test(frame), qualifiers };
    }
    if (this.#accept("(") === undefined) return { test: this.#single(qualifiers), qualifiers };
    // Only a number may have parentheses of its own at the start of a list.
    const nested = this.#is("(");
    const from = this.#at;
    let { test } = this.#value(qualifiers);
    if (
      nested &&
      !this.#tokens.slice(from, this.#at).every(({ kind, text }) => kind === "number" || "()".includes(text))
    )
      fail("((", "opens a list in a list");
    for (;;) {
      const operator = this.#accept("and", "or");
      if (operator === undefined) break;
      const left = test;
      const right = this.#value(qualifiers).test;
      test = operator === "and" ? both(left, right) : either(left, right);
    }
    this.#close();
    return { test, qualifiers };
  }

  #single(qualifiers: Qualifiers): PacketFilter {
    const { type } = qualifiers;
    const token = this.#take(type ?? "nothing");
    if (type === undefined || token.kind === "word" || token.kind === "sign")
      return fail(token.text, "is not known at its place in a filter");
    switch (type) {
      case "port":
      case "portrange":
        return this.#ports(token, qualifiers);
      case "proto":
        return this.#protocol(token, qualifiers);
      default:
        return this.#address(token, qualifiers);
    }
  }

  #ports(token: Token, qualifiers: Qualifiers): PacketFilter {
    const asked = protosOfPort(token.text, qualifiers);
    const { direction, type } = qualifiers;
    if (token.kind === "number") {
      const port = checkedPort(token.value);
      return hasPort(port, port, asked, direction);
    }
    if (token.kind === "address") return fail(token.text, "is not a port");
    if (type === "port") {
      const { port, protos } = namedPort(token.text, asked);
      return hasPort(port, port, protos, direction);
    }
    const { ports, protos } = portRange(token.text, asked);
    return hasPort(smallest(ports), largest(ports), protos, direction);
  }

  #protocol(token: Token, { proto }: Qualifiers): PacketFilter {
    if (proto !== undefined && proto !== "ip" && proto !== "ip6")
      return fail(`${proto} proto`, "asks a protocol for another that carries none");
    const named = Object.hasOwn(protocolNumbers, token.text)
      ? protocolNumbers[token.text as keyof typeof protocolNumbers]
      : undefined;
    const number =
      token.kind === "number"
        ? token.value
        : (named ?? fail(token.text, "is not a protocol's number, nor \\icmp, \\tcp, \\udp or \\sctp"));
    const [ipv4, ipv6] = [ipv4Protocol(number), ipv6Protocol(number)];
    return proto === "ip" ? ipv4 : proto === "ip6" ? ipv6 : either(ipv4, ipv6);
  }

  #address(token: Token, { proto, direction, type }: Qualifiers): PacketFilter {
    const networks: Readonly<Record<string, number>> = {
      ip: etherTypes.ipv4,
      arp: etherTypes.arp,
      rarp: etherTypes.rarp,
    };
    if (proto !== undefined && !Object.hasOwn(networks, proto))
      return fail(`${proto} ${type === "net" ? "net" : "host"}`, "asks a protocol for addresses that has none");
    const { address, mask } = this.#block(token, type === "net");
    const asked = proto === undefined ? Object.values(networks) : [networks[proto]!];
    return asked.map(network => hasAddress(network, address, mask, direction)).reduce(either);
  }

  #block(token: Token, net: boolean): { readonly address: number; readonly mask: number } {
    const given = token.kind === "address" ? readAddress(token.text) : undefined;
    const named = this.#accept("/", "mask");
    if (named !== undefined) {
      if (given === undefined || !net) return fail(token.text, `stands in front of ${named} and is no net`);
      const width = this.#take(named);
      if ((named === "/") !== (width.kind === "number") || (named === "mask" && width.kind !== "address"))
        return fail(width.text, "is no mask");
      if (width.kind === "number" && width.value > 32) return fail(width.text, "is no number of bits, 0 to 32");
      const mask =
        width.kind === "number"
          ? width.value === 0
            ? 0
            : (0xffffffff << (32 - width.value)) >>> 0
          : readAddress(width.text).address;
      if ((given.address & ~mask) !== 0)
        return fail(`${token.text} ${named} ${width.text}`, "has address bits beyond its mask");
      return { address: given.address, mask };
    }
    if (given !== undefined) return given;
    if (token.kind === "number") {
      let [address, mask] = [token.value, 0xffffffff];
      if (net) for (; address !== 0 && address < 0x1000000; address *= 0x100) mask = (mask << 8) >>> 0;
      return { address, mask };
    }
    if (net) return fail(token.text, "is not a net");
    return {
      address: this.resolve?.(token.text) ?? fail(token.text, "is not an address, nor a host that is known"),
      mask: 0xffffffff,
    };
  }
}

/**
 * Reads a capture filter in tcpdump's language: protocols, hosts, nets, ports and lengths, with and, or (of equal rank,
 * from the left), not and parentheses. What is refused by tcpdump is refused here; what is taken keeps the same frames.
 * An empty filter keeps all.
 * @param resolve what a host name means, where names are known
 * @throws InputError naming what the filter may hold, at comparisons of bytes too
 */
export const packetFilter = (text: string, resolve?: (name: string) => Addr | undefined): PacketFilter =>
  new Parser(text, resolve).parse();
