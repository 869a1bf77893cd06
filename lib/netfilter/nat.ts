import type { Random } from "../random.js";
import type { ConnectionTable } from "./connectionTable.js";
import { isOpening, isSpent } from "./tcp.js";
import {
  type Tracked,
  type Tuple,
  destinationDone,
  destinationNat,
  echoRequest,
  sourceDone,
  sourceNat,
  tcp,
  confirmed,
} from "./tuple.js";
import type { AddrRange, PortRange } from "./ruleset.js";

export type Which = "source" | "destination";

/** What a translation may choose from. */
export interface NatRange {
  readonly addresses: AddrRange | undefined;
  readonly ports: PortRange | undefined;
  readonly randomFully: boolean;
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/**
 * Bob Jenkins' hash of an address, as the kernel's jhash2 computes it: four words, as room is kept for IPv6,
 * the last three of them zero.
 */
const jhash = (word: number, initial: number): number => {
  const start = (0xdeadbeef + 16 + initial) | 0;
  let [a, b, c] = [(start + word) | 0, start, start];
  for (const [first, second, third] of [
    [4, 6, 8],
    [16, 19, 4],
  ] as const) {
    a = ((a - c) | 0) ^ rotate(c, first);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, second);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, third);
    b = (b + a) | 0;
  }
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  return ((c ^ b) - rotate(b, 24)) >>> 0;
};

/** A word as a little-endian machine reads it from the network: the kernel hashes addresses in this form. */
const swap = (word: number): number =>
  ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);

/** The address of a range that a pair of source and destination always gets, so a server sees one client come from one address. */
const addressOf = (range: AddrRange, tuple: Tuple): number => {
  if (range.first === range.last) return range.first | 0;
  const hash = jhash(swap(tuple.src), swap(tuple.dst));
  return (range.first + Number((BigInt(hash) * BigInt(range.last - range.first + 1)) >> 32n)) | 0;
};

/** The number that a translation may change. An echo's identifier stands at the asking side, whichever address changes. */
const portOf = (tuple: Tuple, which: Which): number =>
  which === "source" || tuple.proto === echoRequest ? tuple.sport : tuple.dport;

const withPort = (tuple: Tuple, which: Which, port: number): Tuple =>
  which === "source" || tuple.proto === echoRequest ? tuple.from(tuple.src, port) : tuple.to(tuple.dst, port);

const withAddress = (tuple: Tuple, which: Which, address: number): Tuple =>
  which === "source" ? tuple.from(address, tuple.sport) : tuple.to(address, tuple.dport);

const portFits = (port: number, range: NatRange): boolean =>
  range.ports === undefined || (port >= range.ports.first && port <= range.ports.last);

const sourceFits = (address: number, port: number, range: NatRange): boolean => {
  const { addresses } = range;
  const source = address >>> 0;
  return (addresses === undefined || (source >= addresses.first && source <= addresses.last)) && portFits(port, range);
};

/** Where a port is looked for when the rule names none: low ports stay low, as some servers trust them more. */
const classOf = (tuple: Tuple, port: number): PortRange => {
  if (tuple.proto === echoRequest) return { first: 0, last: 65535 };
  if (port < 512) return { first: 1, last: 511 };
  return port < 1024 ? { first: 600, last: 1023 } : { first: 1024, last: 65535 };
};

const maxAttempts = 128;
const fewestAttempts = 16;
/** With this many tries left a TCP connection that waits out its end gives way. */
const harderBelow = 32;

/** Chooses translations for the connections of one host. */
export class Translator {
  constructor(
    private readonly table: ConnectionTable,
    private readonly random: Random,
  ) {}

  /** Settles one side of a new connection. `range` undefined: no rule wanted a change, but the tuple must be unique all the same. */
  settle(entry: Tracked, which: Which, range: NatRange | undefined): void {
    if ((entry.status & confirmed) !== 0) return; // others know it as it is
    const current = entry.replyTuple.invert();
    const own = (which === "source" ? current.src : current.dst) >>> 0;
    const wanted = range ?? { addresses: { first: own, last: own } as AddrRange, ports: undefined, randomFully: false };
    const chosen = this.choose(entry, current, which, wanted);
    if (!chosen.equals(current)) {
      entry.replyTuple = chosen.invert();
      entry.status |= which === "source" ? sourceNat : destinationNat;
    }
    entry.status |= which === "source" ? sourceDone : destinationDone;
  }

  private choose(entry: Tracked, current: Tuple, which: Which, range: NatRange): Tuple {
    if (which === "source" && !range.randomFully) {
      if (sourceFits(current.src, current.sport, range)) {
        if (!this.taken(current, entry)) return current;
      } else {
        const mapped = this.mappedSource(current, range);
        if (mapped !== undefined && !this.taken(mapped, entry)) return mapped;
      }
    }
    const moved =
      range.addresses === undefined ? current : withAddress(current, which, addressOf(range.addresses, current));
    if (!range.randomFully) {
      const fits = portFits(portOf(moved, which), range);
      const single = range.ports !== undefined && range.ports.first === range.ports.last;
      if (fits && (single || !this.taken(moved, entry))) return moved;
    }
    return this.search(entry, moved, which, range);
  }

  /** What another connection of the same source was given. */
  private mappedSource(current: Tuple, range: NatRange): Tuple | undefined {
    const other = this.table.withSource(current, ({ replyTuple }) =>
      sourceFits(replyTuple.dst, replyTuple.dport, range),
    );
    return other === undefined ? undefined : current.from(other.replyTuple.dst, other.replyTuple.dport);
  }

  private search(entry: Tracked, moved: Tuple, which: Which, range: NatRange): Tuple {
    if (range.ports === undefined && which === "destination" && moved.proto !== echoRequest) return moved;
    const { first, last } = range.ports ?? classOf(moved, portOf(moved, which));
    const size = last - first + 1;
    const { proto, src, sport, dst, dport } = moved;
    const changesSource = which === "source" || proto === echoRequest;
    const drawn = which === "source" || range.randomFully; // destinations are taken in turn, from the first
    let offset = drawn ? this.random.int(0, 0xffff) : 0;
    for (let attempts = Math.min(size, maxAttempts); ; attempts = attempts >> 1, offset = this.random.int(0, 0xffff)) {
      let port = 0;
      for (let i = 0; i < attempts; i++) {
        port = first + (((offset + i) & 0xffff) % size);
        const found = changesSource
          ? this.table.findAnswer(proto, src, port, dst, dport)
          : this.table.findAnswer(proto, src, sport, dst, port);
        if (found === undefined || !this.holds(found, entry, attempts - i)) return withPort(moved, which, port);
      }
      if (attempts >= size || attempts < fewestAttempts) return withPort(moved, which, port);
    }
  }

  /** Whether the answers to a translated packet would be taken for another connection's. */
  private taken(translated: Tuple, entry: Tracked): boolean {
    const { proto, src, sport, dst, dport } = translated;
    const found = this.table.findAnswer(proto, src, sport, dst, dport);
    return found !== undefined && isOther(found.owner!, entry);
  }

  /** Whether a tuple found in the search stays taken; with few tries left a TCP connection that is over makes room. */
  private holds(found: Tuple, entry: Tracked, left: number): boolean {
    const owner = found.owner!;
    if (
      left > harderBelow ||
      found.proto !== tcp ||
      entry.tcp === undefined ||
      owner.tcp === undefined ||
      !isOpening(entry.tcp)
    )
      return isOther(owner, entry);
    if (found !== owner.replyTuple || (owner.status & sourceNat) === 0 || !isSpent(owner.tcp, entry.tcp)) return true;
    this.table.remove(owner);
    return false;
  }
}

const isOther = (owner: Tracked, entry: Tracked): boolean =>
  owner !== entry && !owner.originalTuple.equals(entry.originalTuple);
