import type { Addr } from "../ip/addr.js";
import type { Flow, FlowPacket } from "../packet/flow.js";
import type { Proto } from "../packet/packet.js";
import type { Connection } from "./netfilter.js";
import type { TcpTrack } from "./tcp.js";

/** Protocols as the tracker tells them apart: an echo request and its reply are two. */
export const tcp = 6;
export const udp = 17;
export const echoRequest = 8;
const echoReply = 0;

/** The protocol of the answers. */
export const answerTo = (proto: number): number =>
  proto === echoRequest ? echoReply : proto === echoReply ? echoRequest : proto;

export const hashOf = (proto: number, src: number, sport: number, dst: number, dport: number): number => {
  let hash =
    Math.imul(src, 0x9e3779b1) ^ Math.imul(dst, 0x85ebca6b) ^ Math.imul((sport << 16) | dport, 0xc2b2ae35) ^ proto;
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
};

/**
 * One direction of a connection, as the table keeps it. Addresses are signed here: 32-bit integers are stored in place,
 * which halves what a million connections take.
 */
export class Tuple {
  readonly hash: number;
  next: Tuple | undefined = undefined;
  /** Set once it belongs to a connection. */
  owner: Tracked | undefined = undefined;

  constructor(
    readonly proto: number,
    readonly src: number,
    readonly sport: number,
    readonly dst: number,
    readonly dport: number,
  ) {
    this.hash = hashOf(proto, src, sport, dst, dport);
  }

  equals(other: Tuple): boolean {
    return (
      this.hash === other.hash &&
      this.src === other.src &&
      this.dst === other.dst &&
      this.sport === other.sport &&
      this.dport === other.dport &&
      this.proto === other.proto
    );
  }

  invert(): Tuple {
    return new Tuple(answerTo(this.proto), this.dst, this.dport, this.src, this.sport);
  }

  /** The same with another source. */
  from(src: number, sport: number): Tuple {
    return new Tuple(this.proto, src, sport, this.dst, this.dport);
  }

  /** The same with another destination. */
  to(dst: number, dport: number): Tuple {
    return new Tuple(this.proto, this.src, this.sport, dst, dport);
  }
}

export const tupleOf = (packet: FlowPacket): Tuple => {
  if (packet.proto !== "icmp")
    return new Tuple(packet.proto === "tcp" ? tcp : udp, packet.src | 0, packet.sport, packet.dst | 0, packet.dport);
  return packet.type === "echo-request"
    ? new Tuple(echoRequest, packet.src | 0, packet.id, packet.dst | 0, 0)
    : new Tuple(echoReply, packet.src | 0, 0, packet.dst | 0, packet.id);
};

/** An unsigned address again. */
export const unsigned = (address: number): Addr => (address >>> 0) as Addr;

const protoName = (proto: number): Proto => (proto === tcp ? "tcp" : proto === udp ? "udp" : "icmp");

export const flowOfTuple = (tuple: Tuple): Flow => ({
  proto: protoName(tuple.proto),
  src: unsigned(tuple.src),
  sport: tuple.sport,
  dst: unsigned(tuple.dst),
  dport: tuple.dport,
});

/** What has become of a connection; bits of `Tracked.status`. */
export const seenReply = 1;
export const assured = 2;
export const confirmed = 4;
/** The source (destination) was changed. */
export const sourceNat = 8;
export const destinationNat = 16;
/** Whether to change the source (destination) has been decided. */
export const sourceDone = 32;
export const destinationDone = 64;

/** A connection in the making or in the table. */
export class Tracked implements Connection {
  status = 0;
  /** Milliseconds: how long it lives once confirmed, then the time of its end. */
  expires = 0;
  tcp: TcpTrack | undefined = undefined;
  /** UDP that goes on after this time is a stream. */
  streamAt = 0;
  older: Tracked | undefined = undefined;
  newer: Tracked | undefined = undefined;
  sourceBefore: Tracked | undefined = undefined;
  sourceAfter: Tracked | undefined = undefined;

  constructor(
    readonly originalTuple: Tuple,
    public replyTuple: Tuple,
  ) {}

  get original(): Flow {
    return flowOfTuple(this.originalTuple);
  }

  get reply(): Flow {
    return flowOfTuple(this.replyTuple);
  }
}
