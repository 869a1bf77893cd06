import fc from "fast-check";
import type { Addr } from "../../lib/ip/addr.js";
import type { Packet, TcpFlag } from "../../lib/packet/packet.js";

const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(fields, { noNullPrototype: true });
const address = fc.nat(0xffffffff).map(value => value as Addr);
const port = fc.nat(0xffff);
const header = { src: address, dst: address, ttl: fc.integer({ min: 1, max: 255 }) };
const latin1 = (maxLength: number) =>
  fc.string({ unit: fc.nat(255).map(code => String.fromCharCode(code)), maxLength });
const flags = fc.subarray<TcpFlag>(["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "NS"]);

const echo = record({
  ...header,
  proto: fc.constant("icmp" as const),
  type: fc.constantFrom("echo-request" as const, "echo-reply" as const),
  id: port,
  seq: port,
  size: fc.nat(1400),
});
const tcp = record({
  ...header,
  proto: fc.constant("tcp" as const),
  sport: port,
  dport: port,
  flags,
  seq: fc.nat(0xffffffff),
  ack: fc.nat(0xffffffff),
  payload: latin1(400),
});
const udp = record({
  ...header,
  proto: fc.constant("udp" as const),
  sport: port,
  dport: port,
  payload: latin1(400),
});
const error = fc.oneof(
  record({
    ...header,
    proto: fc.constant("icmp" as const),
    type: fc.constant("unreachable" as const),
    code: fc.constantFrom(0, 1, 3, 13),
    quoted: fc.oneof(echo, tcp, udp),
  }),
  record({
    ...header,
    proto: fc.constant("icmp" as const),
    type: fc.constant("time-exceeded" as const),
    code: fc.constant(0),
    quoted: fc.oneof(echo, tcp, udp),
  }),
);
/** Any packet that the library can make, to feed to property tests. */
export const anyPacket: fc.Arbitrary<Packet> = fc.oneof(echo, tcp, udp, error);
