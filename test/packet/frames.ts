import fc from "fast-check";
import { checksum } from "../../lib/packet/emit.js";

/** Bytes of numbers of 16 bits. */
export const words = (...numbers: readonly number[]): number[] =>
  numbers.flatMap(number => [number >> 8, number & 0xff]);
export const long = (number: number): number[] => words(number >>> 16, number & 0xffff);

export interface Ipv4 {
  readonly protocol: number;
  readonly body: readonly number[];
  readonly src?: number;
  readonly dst?: number;
  readonly options?: readonly number[];
  /** Flags and fragment offset as they stand in the header. */
  readonly fragment?: number;
  /** Told instead of the true length. */
  readonly length?: number;
  readonly tos?: number;
  readonly ttl?: number;
  readonly id?: number;
}

/** An IPv4 packet with a right header checksum. */
export const ipv4 = (packet: Ipv4): number[] => {
  const { protocol, body, src = 0x0a000001, dst = 0x0a000002, options = [], fragment = 0 } = packet;
  const { length = 20 + options.length + body.length, tos = 0, ttl = 64, id = 1 } = packet;
  const header = [
    0x40 | (5 + options.length / 4),
    tos,
    ...words(length, id, fragment),
    ttl,
    protocol,
    ...words(0),
    ...long(src),
    ...long(dst),
    ...options,
  ];
  header.splice(10, 2, ...words(checksum(Uint8Array.from(header))));
  return [...header, ...body];
};

export interface Tcp {
  readonly sport?: number;
  readonly dport?: number;
  readonly seq?: number;
  readonly ack?: number;
  /** The flags' bits, NS as 0x100. */
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: readonly number[];
  /** Words of the header, told instead of the true ones. */
  readonly offset?: number;
  readonly data?: readonly number[];
}

export const tcp = (segment: Tcp = {}): number[] => {
  const { sport = 40000, dport = 443, seq = 1000, ack = 0, flags = 2, window = 29200, urgent = 0 } = segment;
  const { options = [], data = [] } = segment;
  const { offset = 5 + options.length / 4 } = segment;
  return [
    ...words(sport, dport),
    ...long(seq),
    ...long(ack),
    ...words((offset << 12) | flags, window, 0, urgent),
    ...options,
    ...data,
  ];
};

export const udp = (sport: number, dport: number, data: readonly number[] = [], length = 8 + data.length): number[] => [
  ...words(sport, dport, length, 0),
  ...data,
];

export const icmp = (type: number, code: number, rest: readonly number[]): number[] => [type, code, 0, 0, ...rest];

export const ipv6 = (next: number, body: readonly number[]): number[] => [
  0x60,
  0,
  0,
  0,
  ...words(body.length),
  next,
  64,
  ...new Array<number>(15).fill(0),
  1,
  ...new Array<number>(15).fill(0),
  2,
  ...body,
];

export const arp = (operation: number, sender: number, target: number, asked = 0): number[] => [
  ...words(1, 0x0800),
  6,
  4,
  ...words(operation),
  ...[2, 0, 0, 0, 0, 1],
  ...long(sender),
  ...[asked, 0, 0, 0, 0, asked],
  ...long(target),
];

/** A frame of each kind of link. */
export const links = {
  ethernet: {
    linkType: 1,
    frame: (network: number, body: readonly number[]): number[] => [
      2,
      0,
      0,
      0,
      0,
      2,
      2,
      0,
      0,
      0,
      0,
      1,
      ...words(network),
      ...body,
    ],
  },
  vlan: {
    linkType: 1,
    frame: (network: number, body: readonly number[]): number[] => [
      ...[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1],
      ...words(0x8100, 7, network),
      ...body,
    ],
  },
  cooked: {
    linkType: 276,
    frame: (network: number, body: readonly number[]): number[] => [
      ...words(network, 0),
      ...long(200),
      ...words(1),
      4,
      6,
      ...[2, 0, 0, 0, 0, 1, 0, 0],
      ...body,
    ],
  },
  cookedV1: {
    linkType: 113,
    frame: (network: number, body: readonly number[]): number[] => [
      ...words(0, 1, 6),
      ...[2, 0, 0, 0, 0, 1, 0, 0],
      ...words(network),
      ...body,
    ],
  },
  raw: { linkType: 101, frame: (_: number, body: readonly number[]): number[] => [...body] },
  rawBsd: { linkType: 12, frame: (_: number, body: readonly number[]): number[] => [...body] },
  rawIpv4: { linkType: 228, frame: (_: number, body: readonly number[]): number[] => [...body] },
  null: { linkType: 0, frame: (_: number, body: readonly number[]): number[] => [2, 0, 0, 0, ...body] },
  loop: { linkType: 108, frame: (_: number, body: readonly number[]): number[] => [0, 0, 0, 2, ...body] },
} as const;
export type LinkName = keyof typeof links;

export interface KeptFrame {
  readonly seconds: number;
  readonly fraction: number;
  readonly bytes: readonly number[];
  /** Bytes on the wire, where fewer were kept. */
  readonly length?: number;
}

const number32 = (number: number, little: boolean): number[] => (little ? long(number).reverse() : long(number));
const number16 = (number: number, little: boolean): number[] => (little ? words(number).reverse() : words(number));

/** A pcap file in either byte order, its fractions of a second micro- or nanoseconds. */
export const pcapFile = (
  linkType: number,
  frames: readonly KeptFrame[],
  { little = true, nanoseconds = false }: { readonly little?: boolean; readonly nanoseconds?: boolean } = {},
): Uint8Array => {
  const n = (number: number) => number32(number, little);
  return Uint8Array.from([
    ...n(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4),
    ...number16(2, little),
    ...number16(4, little),
    ...[0, 0, 262144, linkType].flatMap(n),
    ...frames.flatMap(({ seconds, fraction, bytes, length = bytes.length }) => [
      ...[seconds, fraction, bytes.length, length].flatMap(n),
      ...bytes,
    ]),
  ]);
};

/** A pcapng file whose timestamps count `10 ** -resolution` seconds, after an offset. */
export const pcapngFile = (
  linkType: number,
  frames: readonly KeptFrame[],
  { little = true, resolution = 6, offset = 0 } = {},
): Uint8Array => {
  const n = (number: number) => number32(number, little);
  const h = (number: number) => number16(number, little);
  const padded = (bytes: readonly number[]): number[] => [...bytes, ...new Array<number>(-bytes.length & 3).fill(0)];
  const block = (type: number, body: readonly number[]): number[] => [
    ...n(type),
    ...n(body.length + 12),
    ...body,
    ...n(body.length + 12),
  ];
  const big = (number: bigint): number[] => {
    const halves = [Number(number >> 32n), Number(number & 0xffffffffn)].map(n);
    return (little ? halves.reverse() : halves).flat();
  };
  const time = ({ seconds, fraction }: KeptFrame): number[] => {
    const units = BigInt(seconds - offset) * 10n ** BigInt(resolution) + BigInt(fraction);
    return [...n(Number(units >> 32n)), ...n(Number(units & 0xffffffffn))];
  };
  return Uint8Array.from([
    ...block(0x0a0d0d0a, [...n(0x1a2b3c4d), ...h(1), ...h(0), ...n(0xffffffff), ...n(0xffffffff)]),
    ...block(1, [
      ...[...h(linkType), ...h(0), ...n(262144)],
      ...[...h(9), ...h(1), resolution, 0, 0, 0],
      ...[...h(14), ...h(8), ...big(BigInt(offset))],
      ...[...h(0), ...h(0)],
    ]),
    ...block(5, [...n(0), ...n(0), ...n(0)]),
    ...frames.flatMap(frame =>
      block(6, [
        ...n(0),
        ...time(frame),
        ...n(frame.bytes.length),
        ...n(frame.length ?? frame.bytes.length),
        ...padded(frame.bytes),
      ]),
    ),
  ]);
};

const address = fc.constantFrom(0x0a000001, 0x0a000002, 0x0af40105, 0xcb007107, 0x0a0d0104);
const port = fc.constantFrom(22, 53, 79, 80, 443, 444, 8080, 40000, 65535);
const bytes = (maxLength: number) => fc.array(fc.nat(255), { maxLength });
const header = { src: address, dst: address };

const anyTransport: fc.Arbitrary<{ readonly protocol: number; readonly body: readonly number[] }> = fc.oneof(
  fc
    .record({
      sport: port,
      dport: port,
      flags: fc.nat(0x1ff),
      data: bytes(6),
      seq: fc.nat(0xffffffff),
      ack: fc.nat(0xffffffff),
    })
    .map(segment => ({ protocol: 6, body: tcp(segment) })),
  fc.tuple(port, port, bytes(6)).map(([sport, dport, data]) => ({ protocol: 17, body: udp(sport, dport, data) })),
  fc
    .tuple(fc.nat(20), fc.nat(16), bytes(40))
    .map(([type, code, rest]) => ({ protocol: 1, body: icmp(type, code, rest) })),
  fc.tuple(port, port).map(([sport, dport]) => ({ protocol: 132, body: words(sport, dport, 0, 0, 0, 0) })),
  fc.tuple(fc.constantFrom(2, 47, 50, 89, 254), bytes(20)).map(([protocol, body]) => ({ protocol, body })),
);

/** A frame's network and what it carries: IPv4 of many kinds, some IPv6 and ARP, some of neither. */
export const anyCarried: fc.Arbitrary<readonly [number, readonly number[]]> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        ...header,
        transport: anyTransport,
        fragment: fc.constantFrom(0, 0, 0, 0x4000, 0x2000, 0x2010, 0x0010),
        options: fc.constantFrom([], [], [1, 1, 1, 0]),
      })
      .map(({ transport, ...rest }) => [0x0800, ipv4({ ...rest, ...transport })] as const),
  },
  { weight: 1, arbitrary: anyTransport.map(({ protocol, body }) => [0x86dd, ipv6(protocol, body)] as const) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(1, 2), address, address).map(([op, a, b]) => [0x0806, arp(op, a, b)] as const),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(0x8035, 0x0900, 0x88cc), address, address)
      .map(([type, a, b]) => [type, arp(3, a, b)] as const),
  },
);
