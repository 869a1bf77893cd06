import { InputError } from "../errors.js";
import type { Addr } from "../ip/addr.js";
import { type FlowPacket, isFlowPacket } from "./flow.js";
import { type IcmpError, type Packet, packetLength, type Tcp, type TcpFlag } from "./packet.js";

type Bytes = Uint8Array;

const ipHeader = 20;
const protocolNumber = { icmp: 1, tcp: 6, udp: 17 } as const;
const icmpType = { "echo-reply": 0, unreachable: 3, "echo-request": 8, "time-exceeded": 11 } as const;
const flagBits: readonly (readonly [TcpFlag, number])[] = [
  ["FIN", 0x01],
  ["SYN", 0x02],
  ["RST", 0x04],
  ["PSH", 0x08],
  ["ACK", 0x10],
  ["URG", 0x20],
  ["ECE", 0x40],
  ["CWR", 0x80],
  ["NS", 0x100],
];
/**
 * The window that a segment of the model offers: what Linux does at first with an Ethernet MTU of 1500, and nothing with
 * a reset. The model's hosts read at once, so it never shrinks; they negotiate no options, so it is never scaled.
 */
export const tcpWindow = (packet: Tcp): number => (packet.flags.includes("RST") ? 0 : 64240);

const sum = (bytes: Uint8Array, start = 0): number => {
  let total = start;
  for (let i = 0; i < bytes.length; i++) total += i % 2 === 0 ? bytes[i]! << 8 : bytes[i]!;
  return total;
};
const fold = (total: number): number => {
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000);
  return total;
};

/** The Internet checksum of RFC 1071: 0 over bytes that hold their own right checksum. */
export const checksum = (bytes: Uint8Array, start = 0): number => ~fold(sum(bytes, start)) & 0xffff;

/** What TCP and UDP add to their checksum: the addresses, the protocol and their own length. */
const pseudoHeader = (packet: Bytes, length: number): number => sum(packet.subarray(12, 20)) + packet[9]! + length;

const latin1 = (bytes: Bytes): string => {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
};

const putText = (bytes: Bytes, at: number, text: string): void => {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
};

const emitEcho = (bytes: Bytes, view: DataView, type: number, id: number, seq: number): void => {
  bytes[20] = type;
  view.setUint16(24, id);
  view.setUint16(26, seq);
  for (let i = 28; i < bytes.length; i++) bytes[i] = (i - 28) & 0xff;
};

const emitError = (bytes: Bytes, packet: IcmpError): void => {
  bytes[20] = icmpType[packet.type];
  bytes[21] = packet.code;
  bytes.set(emitPacket(packet.quoted).subarray(0, bytes.length - 28), 28);
};

const emitTcp = (bytes: Bytes, view: DataView, packet: Tcp): void => {
  view.setUint16(20, packet.sport);
  view.setUint16(22, packet.dport);
  view.setUint32(24, packet.seq);
  view.setUint32(28, packet.ack);
  let bits = 5 << 12;
  for (const [flag, bit] of flagBits) if (packet.flags.includes(flag)) bits |= bit;
  view.setUint16(32, bits);
  view.setUint16(34, tcpWindow(packet));
  putText(bytes, 40, packet.payload);
};

/**
 * The packet as it is on the wire, from the IP header on, with right checksums. TCP carries no options.
 * @param identification of the IP header, 0-65535: kept by whoever forwards or translates the packet, so it can tell one from another
 */
export const emitPacket = (packet: Packet, identification = 0): Uint8Array => {
  const bytes = new Uint8Array(packetLength(packet));
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  view.setUint16(2, bytes.length);
  view.setUint16(4, identification);
  view.setUint16(6, 0x4000); // don't fragment, as Linux sends
  bytes[8] = packet.ttl;
  bytes[9] = protocolNumber[packet.proto];
  view.setUint32(12, packet.src);
  view.setUint32(16, packet.dst);
  view.setUint16(10, checksum(bytes.subarray(0, ipHeader)));
  const body = bytes.subarray(ipHeader);
  switch (packet.proto) {
    case "icmp":
      if (isFlowPacket(packet)) emitEcho(bytes, view, icmpType[packet.type], packet.id, packet.seq);
      else emitError(bytes, packet);
      view.setUint16(22, checksum(body));
      break;
    case "tcp":
      emitTcp(bytes, view, packet);
      view.setUint16(36, checksum(body, pseudoHeader(bytes, body.length)));
      break;
    case "udp":
      view.setUint16(20, packet.sport);
      view.setUint16(22, packet.dport);
      view.setUint16(24, body.length);
      putText(bytes, 28, packet.payload);
      view.setUint16(26, checksum(body, pseudoHeader(bytes, body.length)) || 0xffff); // 0 would mean "none"
  }
  return bytes;
};

/** What {@link parsePacket} makes of bytes that it cannot read as one of the library's packets. */
export type Unread = { readonly kind: "unread"; readonly why: string };

const unread = (why: string): Unread => ({ kind: "unread", why });

interface Ip {
  readonly header: { readonly src: Addr; readonly dst: Addr; readonly ttl: number };
  readonly protocol: number;
  /** Bytes of the IP payload that the header promises. */
  readonly promised: number;
  readonly body: Bytes;
}

const parseIp = (bytes: Bytes): Ip | Unread => {
  if (bytes.length < ipHeader) return unread("shorter than an IP header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes[0]! >> 4 !== 4) return unread("not IPv4");
  const headerLength = (bytes[0]! & 15) * 4;
  const length = view.getUint16(2);
  if (headerLength < ipHeader || length < headerLength || bytes.length < headerLength)
    return unread("an IP header with impossible lengths");
  if ((view.getUint16(6) & 0x3fff) !== 0) return unread("a fragment");
  const header = { src: view.getUint32(12) as Addr, dst: view.getUint32(16) as Addr, ttl: bytes[8]! };
  return {
    header,
    protocol: bytes[9]!,
    promised: length - headerLength,
    body: bytes.subarray(headerLength, Math.min(length, bytes.length)),
  };
};

/** Data as text up to a length; what a capture or a quotation cut off is made up with NULs, as only its length is known. */
const payload = (ip: Ip, from: number, to: number): string =>
  latin1(ip.body.subarray(from, to)).padEnd(Math.max(0, to - from), "\0");

const parseIcmp = (ip: Ip, view: DataView): Packet | Unread => {
  const { header, body } = ip;
  const type = body[0]!;
  if (type === icmpType["echo-request"] || type === icmpType["echo-reply"])
    return {
      ...header,
      proto: "icmp",
      type: type === 8 ? "echo-request" : "echo-reply",
      id: view.getUint16(4),
      seq: view.getUint16(6),
      size: ip.promised - 8,
    };
  if (type !== icmpType.unreachable && type !== icmpType["time-exceeded"]) return unread(`ICMP type ${type}`);
  const quoted = parsePacket(body.subarray(8));
  if ("kind" in quoted) return unread(`an ICMP error quoting ${quoted.why}`);
  if (!isFlowPacket(quoted)) return unread("an ICMP error about an ICMP error");
  return { ...header, proto: "icmp", type: type === 3 ? "unreachable" : "time-exceeded", code: body[1]!, quoted };
};

const parseTcp = (ip: Ip, view: DataView): FlowPacket | Unread => {
  if (ip.body.length < 20) return unread("a cut TCP header");
  const headerLength = (ip.body[12]! >> 4) * 4;
  if (headerLength < 20 || headerLength > ip.promised) return unread("a TCP header with impossible lengths");
  const bits = view.getUint16(12);
  const flags = flagBits.filter(([, bit]) => (bits & bit) !== 0).map(([flag]) => flag);
  return {
    ...ip.header,
    proto: "tcp",
    sport: view.getUint16(0),
    dport: view.getUint16(2),
    flags,
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    payload: payload(ip, headerLength, ip.promised),
  };
};

/**
 * Reads a packet from its IP header on; checksums are not looked at, TCP options are skipped.
 * `parsePacket(emitPacket(packet))` is `packet`, flags in the order of their bits, FIN SYN RST PSH ACK first.
 */
export const parsePacket = (bytes: Uint8Array): Packet | Unread => {
  const ip = parseIp(bytes);
  if ("kind" in ip) return ip;
  if (ip.body.length < 8) return unread("a cut header");
  const view = new DataView(ip.body.buffer, ip.body.byteOffset, ip.body.length);
  switch (ip.protocol) {
    case protocolNumber.icmp:
      return parseIcmp(ip, view);
    case protocolNumber.tcp:
      return parseTcp(ip, view);
    case protocolNumber.udp:
      return {
        ...ip.header,
        proto: "udp",
        sport: view.getUint16(0),
        dport: view.getUint16(2),
        payload: payload(ip, 8, Math.min(view.getUint16(4), ip.promised)),
      };
    default:
      return unread(`IP protocol ${ip.protocol}`);
  }
};

const checksumOk = (ip: Ip, packet: Bytes): boolean => {
  if (ip.body.length < ip.promised) return true; // cut off: cannot be told
  if (ip.protocol === protocolNumber.icmp) return checksum(ip.body) === 0;
  if (ip.protocol === protocolNumber.udp && ip.body[6] === 0 && ip.body[7] === 0) return true;
  return checksum(ip.body, pseudoHeader(packet, ip.promised)) === 0;
};

/** Whether the checksums of an IPv4 packet's header and of what it carries are right. @throws InputError if it is no IPv4 packet */
export const checksumsRight = (bytes: Uint8Array): boolean => {
  const ip = parseIp(bytes);
  if ("kind" in ip)
    throw new InputError({
      where: "packet",
      value: bytes.length,
      problem: `bytes are ${ip.why}`,
      expected: "an IPv4 packet",
    });
  return checksum(bytes.subarray(0, (bytes[0]! & 15) * 4)) === 0 && checksumOk(ip, bytes);
};

/** Where the checksum of what an IP packet carries stands, from that on. */
const checksumPlace: Readonly<Record<number, number>> = {
  [protocolNumber.icmp]: 2,
  [protocolNumber.tcp]: 16,
  [protocolNumber.udp]: 6,
};

/**
 * The bytes of an IP packet with the checksum that a network card would have filled in on its way out: Linux leaves it to
 * the card, and a capture is made before it. The bytes as they are where they are no whole TCP, UDP or ICMP packet.
 */
export const withChecksum = (bytes: Uint8Array): Uint8Array => {
  const ip = parseIp(bytes);
  const place = "kind" in ip ? undefined : checksumPlace[ip.protocol];
  if ("kind" in ip || place === undefined || ip.body.length < Math.max(ip.promised, place + 2)) return bytes;
  const copy = bytes.slice();
  const body = copy.subarray(ip.body.byteOffset - bytes.byteOffset).subarray(0, ip.promised);
  const view = new DataView(copy.buffer, body.byteOffset, body.length);
  view.setUint16(place, 0);
  const sum = checksum(body, ip.protocol === protocolNumber.icmp ? 0 : pseudoHeader(copy, ip.promised));
  view.setUint16(place, ip.protocol === protocolNumber.udp ? sum || 0xffff : sum);
  return copy;
};
