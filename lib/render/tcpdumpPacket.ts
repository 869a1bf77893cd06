import type { Addr } from "../ip/addr.js";
import { etherTypes } from "../packet/link.js";
import type { Wire } from "../packet/pcap.js";

/** Turns addresses and ports into text. */
export interface Naming {
  readonly host: (address: Addr) => string;
  readonly port: (port: number, proto: "tcp" | "udp") => string;
  /** An IP protocol's name; undefined where its number is to be printed. */
  readonly protocol: (protocol: number) => string | undefined;
}

/** Where each TCP conversation started, so that later numbers print relative to it, as tcpdump keeps it. */
export type Starts = Map<string, { seq: number; ack: number }>;

/** How packets are printed. */
export interface PacketForm {
  readonly names: Naming;
  /** `-q`: protocol and length, no more. */
  readonly quiet: boolean;
  readonly starts: Starts;
}

/** Thrown where bytes are asked for that the capture did not keep; the line ends there. */
class Cut {}

/** Thrown at what tcpdump decodes and this program does not. */
class NotRead {}

/** Bytes as far as they were kept, from an offset on. */
class Kept {
  constructor(
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
  ) {}

  get length(): number {
    return Math.max(0, this.end - this.start);
  }

  holds(at: number, bytes = 1): boolean {
    return this.start + at + bytes <= this.end;
  }

  u8(at: number): number {
    if (!this.holds(at)) throw new Cut();
    return this.bytes[this.start + at]!;
  }

  u16(at: number): number {
    if (!this.holds(at, 2)) throw new Cut();
    return this.bytes[this.start + at]! * 0x100 + this.bytes[this.start + at + 1]!;
  }

  u32(at: number): number {
    if (!this.holds(at, 4)) throw new Cut();
    return this.u16(at) * 0x10000 + this.u16(at + 2);
  }

  address(at: number): Addr {
    return this.u32(at) as Addr;
  }

  hex(at: number, bytes: number): string {
    let text = "";
    for (let i = 0; i < bytes; i++)
      text += this.u8(at + i)
        .toString(16)
        .padStart(2, "0");
    return text;
  }

  from(at: number, end = this.end): Kept {
    return new Kept(this.bytes, this.start + at, Math.min(end, this.end));
  }
}

/** What has been printed of a packet, and in which protocol, for the mark where it is cut. */
class Line {
  text = "";
  protocol = "";

  print(text: string): void {
    this.text += text;
  }

  cut(): void {
    this.text += ` [|${this.protocol}]`;
  }
}

const flagLetters = "FSRP.UEW";

const formatFlags = (flags: number): string =>
  [...flagLetters].filter((_, bit) => (flags & (1 << bit)) !== 0).join("") || "none";

const tcpFlags = { fin: 1, syn: 2, rst: 4, ack: 16, urg: 32 } as const;
const tcpHeader = 20;

const tcpOptions = {
  end: 0,
  nop: 1,
  mss: 2,
  wscale: 3,
  sackOk: 4,
  sack: 5,
  echo: 6,
  echoReply: 7,
  timestamp: 8,
  cc: 11,
  ccNew: 12,
  ccEcho: 13,
  signature: 19,
  scps: 20,
  userTimeout: 28,
  authentication: 29,
  multipath: 30,
  fastOpen: 34,
  experiment: 254,
} as const;

const optionNames: Readonly<Record<number, string>> = {
  [tcpOptions.end]: "eol",
  [tcpOptions.nop]: "nop",
  [tcpOptions.mss]: "mss",
  [tcpOptions.wscale]: "wscale",
  [tcpOptions.sackOk]: "sackOK",
  [tcpOptions.sack]: "sack",
  [tcpOptions.echo]: "echo",
  [tcpOptions.echoReply]: "echoreply",
  [tcpOptions.timestamp]: "TS",
  [tcpOptions.cc]: "cc",
  [tcpOptions.ccNew]: "ccnew",
  [tcpOptions.ccEcho]: "",
  [tcpOptions.signature]: "md5",
  [tcpOptions.scps]: "scps",
  [tcpOptions.userTimeout]: "uto",
  [tcpOptions.authentication]: "tcp-ao",
  [tcpOptions.multipath]: "mptcp",
  [tcpOptions.fastOpen]: "tfo",
  [tcpOptions.experiment]: "exp",
};

/** Thrown at an option that is too long for its header. */
class BadOption {}

/** What an option's value is read from, and what it is relative to. */
interface OptionValue {
  readonly bytes: Kept;
  /** Bytes of the value, as the option's length says. */
  readonly length: number;
  /** Bytes of the header from the value on. */
  readonly room: number;
  /** Where the data starts that a selective acknowledgement speaks of. */
  readonly acked: number;
  /** Bytes of data behind the header. */
  readonly data: number;
}

const fastOpen = (bytes: Kept, length: number): string => {
  if (length === 0) return " cookiereq";
  return length % 2 !== 0 || length < 4 || length > 16 ? " (invalid)" : ` cookie ${bytes.hex(0, length)}`;
};

/** Prints an option's value and gives how many bytes that took. */
const printOption = (line: Line, kind: number, { bytes, length, room, acked, data }: OptionValue): number => {
  const needs = (count: number): void => {
    if (count > room) throw new BadOption();
    if (!bytes.holds(0, count)) throw new Cut();
  };
  switch (kind) {
    case tcpOptions.end:
    case tcpOptions.nop:
    case tcpOptions.sackOk:
      return 0;
    case tcpOptions.mss:
      needs(2);
      line.print(` ${bytes.u16(0)}`);
      return 2;
    case tcpOptions.wscale:
      needs(1);
      line.print(` ${bytes.u8(0)}`);
      return 1;
    case tcpOptions.sack:
      if (length % 8 !== 0) line.print(" invalid sack");
      else {
        line.print(` ${length / 8} `);
        for (let i = 0; i < length; i += 8) {
          needs(i + 8);
          line.print(`{${(bytes.u32(i) - acked) >>> 0}:${(bytes.u32(i + 4) - acked) >>> 0}}`);
        }
      }
      return length;
    case tcpOptions.echo:
    case tcpOptions.echoReply:
    case tcpOptions.cc:
    case tcpOptions.ccNew:
    case tcpOptions.ccEcho:
      needs(4);
      line.print(` ${bytes.u32(0)}`);
      return 4;
    case tcpOptions.timestamp:
      needs(8);
      line.print(` val ${bytes.u32(0)} ecr ${bytes.u32(4)}`);
      return 8;
    case tcpOptions.signature:
      needs(16);
      // Whether the secret is missing or the data, the signature cannot be checked.
      line.print(
        bytes.holds(room, data)
          ? ` shared secret not supplied with -M, can't check - ${bytes.hex(0, 16)}`
          : ` snaplen too short, can't check - ${bytes.hex(0, 16)}`,
      );
      return 16;
    case tcpOptions.scps:
      needs(2);
      line.print(` cap ${bytes.hex(0, 1)} id ${bytes.u8(1)}`);
      return 2;
    case tcpOptions.authentication:
      if (length < 2) line.print(" (invalid)");
      else {
        needs(1);
        line.print(` keyid ${bytes.u8(0)}`);
        needs(2);
        line.print(` rnextkeyid ${bytes.u8(1)}`);
        if (length > 2) line.print(" mac 0x");
        for (let i = 2; i < length; i++) {
          needs(i + 1);
          line.print(bytes.hex(i, 1));
        }
      }
      return length;
    case tcpOptions.userTimeout: {
      needs(2);
      const value = bytes.u16(0);
      line.print(` 0x${value.toString(16)} ${(value & 1) === 1 ? (value >> 1) * 60 : value >> 1}`);
      return 2;
    }
    case tcpOptions.multipath:
      throw new NotRead();
    case tcpOptions.fastOpen:
      needs(length);
      line.print(` ${fastOpen(bytes, length)}`);
      return length;
    case tcpOptions.experiment: {
      needs(length);
      if (length < 2) throw new BadOption();
      const magic = bytes.u16(0);
      line.print(magic === 0xf989 ? `-tfo${fastOpen(bytes.from(2), length - 2)}` : `-${bytes.hex(0, 2)}`);
      return length;
    }
    default:
      if (length > 0) line.print(" 0x");
      for (let i = 0; i < length; i++) {
        needs(i + 1);
        line.print(bytes.hex(i, 1));
      }
      return length;
  }
};

/** Prints a header's options; false where they end the line. */
const printOptions = (line: Line, header: Kept, headerLength: number, acked: number, data: number): boolean => {
  line.print(", options [");
  let left = headerLength - tcpHeader;
  let at = tcpHeader;
  for (let between = ""; left > 0; between = ",") {
    line.print(between);
    const kind = header.u8(at++);
    const single = kind === tcpOptions.end || kind === tcpOptions.nop;
    const whole = single ? 1 : header.u8(at++);
    try {
      if (!single && (whole < 2 || whole > left)) throw new BadOption();
      left -= single ? 1 : 2;
      line.print(optionNames[kind] ?? `unknown-${kind}`);
      const took = printOption(line, kind, { bytes: header.from(at), length: whole - 2, room: left, acked, data });
      at += took;
      left -= took;
      if (took + (single ? 1 : 2) !== whole) line.print(`[len ${whole}]`);
    } catch (error) {
      if (error instanceof BadOption) line.print(`[bad opt]${between === "" ? "" : "]"}`);
      else if (error instanceof Cut) {
        line.cut();
        if (between !== "") line.print(">");
      } else throw error;
      return false;
    }
    if (kind === tcpOptions.end) break;
  }
  line.print("]");
  return true;
};

const httpPorts = [80, 3128, 8080];
/** Ports whose own protocol tcpdump sees before HTTP: ftp, ssh, telnet, smtp, whois, bgp, pptp, redis, openflow, beep. */
const beforeHttp = [21, 22, 23, 25, 43, 179, 1723, 6379, 6633, 6653, 10288];
/** HTTP's methods and WebDAV's, as tcpdump knows them. */
const httpMethods =
  "GET PUT COPY HEAD LOCK MOVE POLL POST BCOPY BMOVE MKCOL TRACE LABEL MERGE DELETE SEARCH UNLOCK REPORT UPDATE NOTIFY BDELETE CONNECT OPTIONS CHECKIN PROPFIND CHECKOUT CCM_POST SUBSCRIBE PROPPATCH BPROPFIND BPROPPATCH UNCHECKOUT MKACTIVITY MKWORKSPACE UNSUBSCRIBE RPC_CONNECT VERSION-CONTROL BASELINE-CONTROL".split(
    " ",
  );

/** A word and where the next one starts; undefined where there is none, or it is cut or no text. */
const token = (
  text: string,
  from: number,
  whole: boolean,
): { readonly word: string; readonly next: number } | undefined => {
  const pattern = /([\x21-\x7e]{1,128})(?:[ \t]+|(?=[\r\n]|$))/y;
  pattern.lastIndex = from;
  const found = pattern.exec(text);
  if (found === null || (!whole && from + found[1]!.length === text.length)) return undefined;
  return { word: found[1]!, next: pattern.lastIndex };
};

/** The first line of HTTP, where data starts with one. */
const printHttp = (line: Line, data: Kept, length: number): void => {
  line.protocol = "http";
  line.print(": HTTP");
  const kept = Math.min(length, data.length);
  let text = "";
  for (let i = 0; i < kept; i++) text += String.fromCharCode(data.u8(i));
  const first = token(text, 0, kept === length);
  if (first === undefined) return;
  const second = token(text, first.next, kept === length);
  if (!httpMethods.includes(first.word.toUpperCase()) && !/^\d{3}$/.test(second?.word ?? "")) return;
  const [printable] = /^[\x20-\x7e\t]*/.exec(text)!;
  const after = text.slice(printable.length, printable.length + 2);
  if (printable.length === length) line.print(`: ${printable} [|http]`);
  else if (kept < length && (after === "" || after === "\r")) throw new Cut();
  else if (after[0] === "\n" || after === "\r\n") line.print(`: ${printable}`);
};

const printTcp = (line: Line, ip: Kept, body: Kept, length: number, { names, quiet, starts }: PacketForm): void => {
  line.protocol = "tcp";
  const [source, destination] = [ip.address(12), ip.address(16)];
  if (!body.holds(2, 2)) {
    line.print(`${names.host(source)} > ${names.host(destination)}:`);
    return line.cut();
  }
  const [sport, dport] = [body.u16(0), body.u16(2)];
  line.print(
    `${names.host(source)}.${names.port(sport, "tcp")} > ${names.host(destination)}.${names.port(dport, "tcp")}: `,
  );
  if (!body.holds(0, tcpHeader)) return line.cut();
  const headerLength = (body.u8(12) >> 4) * 4;
  if (headerLength < tcpHeader)
    return line.print(
      ` tcp ${(length - headerLength) >>> 0} [bad hdr length ${headerLength} - too short, < ${tcpHeader}]`,
    );
  const tooLong = ` [bad hdr length ${headerLength} - too long, > ${length}]`;
  if (quiet) return line.print(`tcp ${(length - headerLength) >>> 0}${headerLength > length ? tooLong : ""}`);
  const flags = body.u8(13);
  line.print(`Flags [${formatFlags(flags)}]`);
  let [seq, ack, acked] = [body.u32(4), body.u32(8), 0];
  if ((flags & tcpFlags.ack) !== 0) {
    // One entry for both directions, under the lower port's side.
    const back = sport === dport ? source > destination : sport > dport;
    const key = back ? `${destination}:${dport} ${source}:${sport}` : `${source}:${sport} ${destination}:${dport}`;
    let start = starts.get(key);
    if (start === undefined || (flags & tcpFlags.syn) !== 0) {
      start = back ? { ack: seq, seq: (ack - 1) >>> 0 } : { seq, ack: (ack - 1) >>> 0 };
      starts.set(key, start);
    } else {
      seq = (seq - (back ? start.ack : start.seq)) >>> 0;
      ack = (ack - (back ? start.seq : start.ack)) >>> 0;
    }
    acked = back ? start.seq : start.ack;
  }
  if (headerLength > length) return line.print(tooLong);
  const data = length - headerLength;
  if (data > 0 || (flags & (tcpFlags.syn | tcpFlags.fin | tcpFlags.rst)) !== 0)
    line.print(`, seq ${seq}${data > 0 ? `:${(seq + data) >>> 0}` : ""}`);
  if ((flags & tcpFlags.ack) !== 0) line.print(`, ack ${ack}`);
  line.print(`, win ${body.u16(14)}`);
  if ((flags & tcpFlags.urg) !== 0) line.print(`, urg ${body.u16(18)}`);
  if (headerLength > tcpHeader && !printOptions(line, body, headerLength, acked, data)) return;
  line.print(`, length ${data}`);
  if (data === 0) return;
  if (!body.holds(0, headerLength)) {
    line.print(` [remaining caplen(${body.length}) < header length(${headerLength})]`);
    throw new Cut();
  }
  const ports = [sport, dport];
  if (ports.some(port => httpPorts.includes(port)) && !ports.some(port => beforeHttp.includes(port)))
    printHttp(line, body.from(headerLength), data);
};

const udpHeader = 8;

const printUdp = (line: Line, ip: Kept, body: Kept, length: number, fragmented: boolean, form: PacketForm): void => {
  const { names } = form;
  line.protocol = "udp";
  const [source, destination] = [ip.address(12), ip.address(16)];
  if (!body.holds(2, 2)) {
    line.print(`${names.host(source)} > ${names.host(destination)}: `);
    return line.cut();
  }
  line.print(
    `${names.host(source)}.${names.port(body.u16(0), "udp")} > ${names.host(destination)}.${names.port(body.u16(2), "udp")}: `,
  );
  if (length < udpHeader) return line.print(`truncated-udp ${length}`);
  if (!body.holds(4, 2)) return line.cut();
  const whole = body.u16(4);
  if (whole < udpHeader) return line.print(`truncated-udplength ${whole}`);
  if (body.length < udpHeader) return line.cut();
  const data = whole - udpHeader;
  const room = Math.min(data, length - udpHeader);
  line.print(data > room && !fragmented ? `UDP, bad length ${data} > ${room}` : `UDP, length ${data}`);
};

const icmpErrors: Readonly<Record<number, (host: string) => string>> = {
  0: host => `net ${host} unreachable`,
  1: host => `host ${host} unreachable`,
  5: host => `${host} unreachable - source route failed`,
  6: host => `net ${host} unreachable - unknown`,
  7: host => `host ${host} unreachable - unknown`,
  8: host => `${host} unreachable - source host isolated`,
  9: host => `net ${host} unreachable - admin prohibited`,
  10: host => `host ${host} unreachable - admin prohibited`,
  11: host => `net ${host} unreachable - tos prohibited`,
  12: host => `host ${host} unreachable - tos prohibited`,
  13: host => `host ${host} unreachable - admin prohibited filter`,
  14: host => `host ${host} unreachable - host precedence violation`,
  15: host => `host ${host} unreachable - precedence cutoff`,
};

const quotedAt = 8;

const unreachable = (icmp: Kept, code: number, { names }: PacketForm): string => {
  const quoted = icmp.from(quotedAt);
  const host = (): string => names.host(quoted.address(16));
  if (code === 2) {
    const [target, protocol] = [host(), quoted.u8(9)];
    return `${target} protocol ${protocol} unreachable`;
  }
  if (code === 3) {
    const protocol = quoted.u8(9);
    const port = quoted.u16((quoted.u8(0) & 15) * 4 + 2);
    if (protocol === 6) return `${host()} tcp port ${names.port(port, "tcp")} unreachable`;
    if (protocol === 17) return `${host()} udp port ${names.port(port, "udp")} unreachable`;
    return `${host()} protocol ${protocol} port ${port} unreachable`;
  }
  if (code === 4) {
    const mtu = icmp.u16(6);
    return `${host()} unreachable - need to frag${mtu === 0 ? "" : ` (mtu ${mtu})`}`;
  }
  return icmpErrors[code]?.(host()) ?? `${host()} unreachable - #${code}`;
};

const redirect = (icmp: Kept, code: number, { names }: PacketForm): string => {
  const target = names.host(icmp.address(quotedAt + 16));
  const gateway = names.host(icmp.address(4));
  const [what, to] = (
    {
      0: ["redirect", "to net"],
      1: ["redirect", "to host"],
      2: ["redirect-tos", "to net"],
      3: ["redirect-tos", "to host"],
    } as Readonly<Record<number, readonly [string, string]>>
  )[code] ?? [`redirect-#${code}`, "to"];
  return `${what} ${target} ${to} ${gateway}`;
};

const lifetime = (seconds: number): string => {
  const two = (number: number): string => String(number).padStart(2, "0");
  if (seconds < 60) return String(seconds);
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return `${Math.floor(seconds / 3600)}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
};

const routerAdvertisement = (icmp: Kept, { names }: PacketForm): string => {
  if (!icmp.holds(4, 4)) throw new Cut();
  const count = icmp.u8(4);
  const head = `router advertisement lifetime ${lifetime(icmp.u16(6))} ${count}:`;
  const size = icmp.u8(5);
  if (size !== 2) return `${head} [size ${size}]`;
  const entries = Array.from(
    { length: count },
    (_, i) => ` {${names.host(icmp.address(8 + 8 * i))} ${icmp.u32(12 + 8 * i)}}`,
  );
  return head + entries.join("");
};

const timeOfDay = (milliseconds: number): string => {
  const two = (number: number): string => String(number).padStart(2, "0");
  const seconds = Math.floor(milliseconds / 1000);
  const minutes = Math.floor(seconds / 60);
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(seconds % 60)}.${String(milliseconds % 1000).padStart(3, "0")}`;
};

const icmpNames: Readonly<Record<number, string>> = {
  4: "source quench",
  10: "router solicitation",
  15: "information request",
  16: "information reply",
  17: "address mask request",
};

const icmpAbout = (icmp: Kept, form: PacketForm): string => {
  const [type, code] = [icmp.u8(0), icmp.u8(1)];
  const idAndSeq = (): readonly [number, number] => [icmp.u16(4), icmp.u16(6)];
  switch (type) {
    case 0:
    case 8: {
      const [id, seq] = idAndSeq();
      return `echo ${type === 8 ? "request" : "reply"}, id ${id}, seq ${seq}`;
    }
    case 3:
      return unreachable(icmp, code, form);
    case 5:
      return redirect(icmp, code, form);
    case 9:
      return routerAdvertisement(icmp, form);
    case 11:
      if (!icmp.holds(quotedAt + 16, 4)) throw new Cut();
      return code === 0
        ? "time exceeded in-transit"
        : code === 1
          ? "ip reassembly time exceeded"
          : `time exceeded-#${code}`;
    case 12:
      return code === 0 ? `parameter problem - octet ${icmp.u8(4)}` : `parameter problem - code ${code}`;
    case 13: {
      const [id, seq] = idAndSeq();
      return `time stamp query id ${id} seq ${seq}`;
    }
    case 14: {
      if (!icmp.holds(16, 4)) throw new Cut();
      const [id, seq] = idAndSeq();
      const [asked, received, sent] = [8, 12, 16].map(at => timeOfDay(icmp.u32(at)));
      return `time stamp reply id ${id} seq ${seq}: org ${asked}, recv ${received}, xmit ${sent}`;
    }
    case 18:
      return `address mask is 0x${icmp.hex(8, 4)}`;
    default:
      return icmpNames[type] ?? `type-#${type}`;
  }
};

const printIcmp = (line: Line, body: Kept, length: number, form: PacketForm): void => {
  line.protocol = "icmp";
  line.print(`ICMP ${icmpAbout(body, form)}, length ${length}`);
};

const ipHeader = 20;
const protocolNumbers = { icmp: 1, tcp: 6, udp: 17, dccp: 33, sctp: 132 } as const;
/** Protocols that print the addresses themselves, with their ports. */
const withPorts: readonly number[] = [
  protocolNumbers.tcp,
  protocolNumbers.udp,
  protocolNumbers.dccp,
  protocolNumbers.sctp,
];

const printIp = (line: Line, { bytes, length }: Wire, form: PacketForm): void => {
  const { host, protocol: protocolName } = form.names;
  line.protocol = "ip";
  const whole = new Kept(bytes, 0, bytes.length);
  const version = whole.u8(0) >> 4;
  if (version !== 4)
    return line.print(version === 6 ? "IP6, wrong link-layer encapsulation (invalid)" : `IP${version} (invalid)`);
  line.print("IP ");
  if (!whole.holds(0, ipHeader)) return line.cut();
  if (length < ipHeader) return line.print(`truncated-ip ${length}`);
  const headerLength = (whole.u8(0) & 15) * 4;
  if (headerLength < ipHeader) return line.print(`bad-hlen ${headerLength}`);
  const told = whole.u16(2);
  if (length < told) line.print(`truncated-ip - ${told - length} bytes missing! `);
  if (told < headerLength) return line.print(`bad-len ${told}`);
  const ip = whole.from(0, told);
  const fragment = whole.u16(6);
  const protocol = whole.u8(9);
  const between = `${host(whole.address(12))} > ${host(whole.address(16))}:`;
  if ((fragment & 0x1fff) !== 0) return line.print(`${between} ${protocolName(protocol) ?? `ip-proto-${protocol}`}`);
  if (!withPorts.includes(protocol)) line.print(`${between} `);
  if (!ip.holds(0, headerLength)) {
    line.print(` [remaining caplen(${ip.length}) < header length(${headerLength})]`);
    throw new Cut();
  }
  const body = ip.from(headerLength);
  const bodyLength = told - headerLength;
  if (protocol === protocolNumbers.tcp) printTcp(line, ip, body, bodyLength, form);
  else if (protocol === protocolNumbers.udp) printUdp(line, ip, body, bodyLength, (fragment & 0x2000) !== 0, form);
  else if (protocol === protocolNumbers.icmp) printIcmp(line, body, bodyLength, form);
  else throw new NotRead();
};

const arpHeader = 8;
const arpOperations = { request: 1, reply: 2 } as const;
const arpHardware = { frameRelay: 15, atm: 19 } as const;

const printArp = (line: Line, { bytes, length }: Wire, { names }: PacketForm): void => {
  line.protocol = "arp";
  const arp = new Kept(bytes, 0, bytes.length);
  if (!arp.holds(0, arpHeader)) throw new Cut();
  const [hardware, hardwareLength, operation] = [arp.u16(0), arp.u8(4), arp.u16(6)];
  const operations: readonly number[] = Object.values(arpOperations);
  const unusual: readonly number[] = Object.values(arpHardware);
  if (unusual.includes(hardware) || !operations.includes(operation)) throw new NotRead();
  if (arp.u16(2) !== etherTypes.ipv4 || arp.u8(5) !== 4 || hardwareLength === 0) throw new NotRead();
  const sender = arpHeader + hardwareLength;
  const target = sender + 4;
  if (!arp.holds(target + hardwareLength, 4)) throw new Cut();
  const mac = (at: number): string => arp.hex(at, hardwareLength).match(/../g)!.join(":");
  const asked = mac(target);
  line.print(
    operation === arpOperations.request
      ? `ARP, Request who-has ${names.host(arp.address(target + hardwareLength))}${/^[0:]+$/.test(asked) ? "" : ` (${asked})`} tell ${names.host(arp.address(sender))}`
      : `ARP, Reply ${names.host(arp.address(sender))} is-at ${mac(arpHeader)}`,
  );
  line.print(`, length ${length}`);
};

/**
 * What a frame carries, as tcpdump prints it behind the time. Undefined for what tcpdump decodes and this program does
 * not: IPv6, IP protocols other than ICMP, TCP and UDP, and Multipath TCP's options.
 */
export const formatPacket = (network: number, wire: Wire, form: PacketForm): string | undefined => {
  const print = network === etherTypes.ipv4 ? printIp : network === etherTypes.arp ? printArp : undefined;
  if (print === undefined) return undefined;
  const line = new Line();
  try {
    print(line, wire, form);
  } catch (error) {
    if (error instanceof NotRead) return undefined;
    if (!(error instanceof Cut)) throw error;
    line.cut();
  }
  return line.text;
};
