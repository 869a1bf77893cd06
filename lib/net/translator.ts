import type { Addr } from "../ip/addr.js";
import { type Flow, flowKey, invert } from "../packet/flow.js";
import type { Packet } from "../packet/packet.js";
import type { PortAllocation, Translator } from "./types.js";

/** A port given out for one flow. */
interface Mapping {
  readonly inside: Flow;
  readonly outside: Flow;
  readonly pool: PortPool;
  readonly index: number;
  readonly target: string;
  /** Milliseconds at which it is dropped, unless a packet comes first. */
  expires: number;
  /** What it waits for: silence, or the end of the hold after FIN or RST. */
  phase: Phase;
}

type Phase = "idle" | "fin" | "rst";

/** Why a flow has no ports to choose from. */
type NoPorts = { readonly kind: "unknown-source" } | { readonly kind: "unknown-protocol" };

/** What asking for a port gives. */
export type Translation =
  | {
      readonly kind: "translated";
      readonly flow: Flow;
      readonly fresh: boolean;
      readonly inUse: number;
      readonly allotted: number;
    }
  | { readonly kind: "exhausted"; readonly allotted: number }
  | NoPorts;

/** Which ports of a pool one target holds: a bit each, and where the search for the lowest free one may start. */
interface TargetPorts {
  readonly bits: Uint32Array;
  firstWord: number;
  held: number;
}

/** The ports of one backend and protocol. One port serves many targets, each target at most once. */
class PortPool {
  readonly size: number;
  readonly #targets = new Map<string, TargetPorts>();
  readonly #uses: Uint16Array;
  #inUse = 0;

  constructor(readonly allocation: PortAllocation) {
    this.size = allocation.ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
    this.#uses = new Uint16Array(this.size);
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** The address and port at a place in the pool. */
  at(index: number): { readonly address: Addr; readonly port: number } {
    let rest = index;
    for (const { address, first, last } of this.allocation.ranges) {
      if (rest <= last - first) return { address, port: first + rest };
      rest -= last - first + 1;
    }
    throw new RangeError(`port index ${index} of a pool of ${this.size}`);
  }

  ports(): number[] {
    return Array.from(this.#uses.keys())
      .filter(index => this.#uses[index]! > 0)
      .map(index => this.at(index).port)
      .sort((a, b) => a - b);
  }

  /** The lowest port that the target does not hold yet; undefined when it holds all. */
  take(target: string): number | undefined {
    let ports = this.#targets.get(target);
    if (ports === undefined)
      this.#targets.set(target, (ports = { bits: new Uint32Array(Math.ceil(this.size / 32)), firstWord: 0, held: 0 }));
    if (ports.held === this.size) return undefined;
    while (ports.bits[ports.firstWord] === 0xffffffff) ports.firstWord++;
    const word = ports.bits[ports.firstWord]!;
    const bit = 31 - Math.clz32(~word & -~word);
    const index = ports.firstWord * 32 + bit;
    ports.bits[ports.firstWord] = (word | (1 << bit)) >>> 0;
    ports.held++;
    if (this.#uses[index]!++ === 0) this.#inUse++;
    return index;
  }

  release(target: string, index: number): void {
    const ports = this.#targets.get(target)!;
    const word = index >>> 5;
    ports.bits[word] = (ports.bits[word]! & ~(1 << (index & 31))) >>> 0;
    ports.firstWord = Math.min(ports.firstWord, word);
    if (--ports.held === 0) this.#targets.delete(target);
    if (--this.#uses[index]! === 0) this.#inUse--;
  }
}

/** A translator at work: the ports that it has given out, to whom, and until when. */
export class TranslatorState {
  readonly #allocations: ReadonlyMap<Addr, PortAllocation>;
  readonly #pools = new Map<string, PortPool>();
  readonly #byInside = new Map<string, Mapping>();
  readonly #byReply = new Map<string, Mapping>();
  readonly #queues: Readonly<Record<Phase, ExpiryQueue>> = {
    idle: new ExpiryQueue(),
    fin: new ExpiryQueue(),
    rst: new ExpiryQueue(),
  };

  constructor(
    readonly translator: Translator,
    readonly now: () => number,
  ) {
    this.#allocations = new Map(translator.allocations.map(allocation => [allocation.source, allocation]));
  }

  has(source: Addr): boolean {
    return this.#allocations.has(source);
  }

  /** The flow as it goes on towards the Internet, on the port that it has or on a new one. */
  outbound(flow: Flow): Translation {
    this.#expire();
    const known = this.#byInside.get(flowKey(flow));
    if (known !== undefined) {
      const { pool } = known;
      return { kind: "translated", flow: known.outside, fresh: false, inUse: pool.inUse, allotted: pool.size };
    }
    const { proto, src, dst } = flow;
    const found = this.#ports(proto, src, dst, proto === "icmp" ? 0 : flow.dport);
    if ("kind" in found) return found;
    const { pool, target } = found;
    const index = pool.take(target);
    if (index === undefined) return { kind: "exhausted", allotted: pool.size };
    const { address, port } = pool.at(index);
    const outside = { ...flow, src: address, sport: port };
    const mapping: Mapping = { inside: flow, outside, pool, index, target, expires: 0, phase: "idle" };
    this.#byInside.set(flowKey(flow), mapping);
    this.#byReply.set(flowKey(invert(outside)), mapping);
    this.#wait(mapping, "idle");
    return { kind: "translated", flow: outside, fresh: true, inUse: pool.inUse, allotted: pool.size };
  }

  /**
   * Where ports come from for flows of one source to one destination that nobody will follow further: each call takes the one
   * that {@link outbound} would have given the next flow; undefined where none is left. They stay taken.
   */
  ports(
    source: Addr,
    proto: "tcp" | "udp",
    to: Addr,
    port: number,
  ): () => { readonly address: Addr; readonly port: number } | undefined {
    const found = this.#ports(proto, source, to, port);
    if ("kind" in found) return () => undefined;
    const { pool, target } = found;
    return () => {
      const index = pool.take(target);
      return index === undefined ? undefined : pool.at(index);
    };
  }

  /** The pool that a flow's port comes from, and what may hold each of its ports once. */
  #ports(
    proto: Flow["proto"],
    source: Addr,
    to: Addr,
    port: number,
  ): { readonly pool: PortPool; readonly target: string } | NoPorts {
    const allocation = this.#allocations.get(source);
    if (allocation === undefined) return { kind: "unknown-source" };
    if (proto === "icmp" || !this.translator.protocols.includes(proto)) return { kind: "unknown-protocol" };
    const target = proto === "tcp" ? `${to}:${port}` : this.translator.udpPortPer === "destination" ? `${to}` : "";
    return { pool: this.#pool(allocation, proto), target };
  }

  /** The flow of an answer as it goes on towards the backend; undefined when it answers nothing. */
  inbound(flow: Flow): Flow | undefined {
    this.#expire();
    const mapping = this.#byReply.get(flowKey(flow));
    return mapping === undefined ? undefined : invert(mapping.inside);
  }

  /** Notes a packet of a known flow, in either direction: it keeps the mapping alive, or begins its end. `inside` is the backend's flow. */
  seen(inside: Flow, packet: Packet): void {
    const mapping = this.#byInside.get(flowKey(inside));
    if (mapping === undefined) return;
    const flags = packet.proto === "tcp" ? packet.flags : [];
    if (flags.includes("RST")) this.#wait(mapping, "rst");
    else if (mapping.phase === "idle") this.#wait(mapping, flags.includes("FIN") ? "fin" : "idle");
    else if (flags.includes("SYN") && !flags.includes("ACK")) this.#wait(mapping, "idle");
  }

  /** Ports in use now, a row per backend and protocol that has used any. */
  use(): {
    readonly source: Addr;
    readonly proto: "tcp" | "udp";
    readonly inUse: number;
    readonly allotted: number;
    readonly ports: readonly number[];
  }[] {
    this.#expire();
    return this.translator.allocations.flatMap(allocation =>
      this.translator.protocols.map(proto => {
        const pool = this.#pool(allocation, proto);
        return { source: allocation.source, proto, inUse: pool.inUse, allotted: pool.size, ports: pool.ports() };
      }),
    );
  }

  /** Ports of one backend that are in use now, of those that it has. */
  poolUse(source: Addr, proto: Flow["proto"]): { readonly portsInUse: number; readonly portsAllotted: number } {
    const allocation = this.#allocations.get(source);
    const pool = allocation !== undefined && proto !== "icmp" ? this.#pool(allocation, proto) : undefined;
    return { portsInUse: pool?.inUse ?? 0, portsAllotted: pool?.size ?? 0 };
  }

  #pool(allocation: PortAllocation, proto: "tcp" | "udp"): PortPool {
    const key = `${proto} ${allocation.source}`;
    let pool = this.#pools.get(key);
    if (pool === undefined) this.#pools.set(key, (pool = new PortPool(allocation)));
    return pool;
  }

  #wait(mapping: Mapping, phase: Phase): void {
    if (mapping.phase !== phase) this.#queues[mapping.phase].remove(mapping);
    mapping.phase = phase;
    mapping.expires = this.now() + this.translator.timeouts[phase] * 1000;
    this.#queues[phase].put(mapping);
  }

  #expire(): void {
    const now = this.now();
    for (const phase of ["idle", "fin", "rst"] as const)
      this.#queues[phase].expire(now, mapping => {
        this.#byInside.delete(flowKey(mapping.inside));
        this.#byReply.delete(flowKey(invert(mapping.outside)));
        mapping.pool.release(mapping.target, mapping.index);
      });
  }
}

/**
 * Mappings that wait equally long, so the order in which they were last put in is the order in which they expire.
 * A Set keeps that order; putting one in again moves it to the end.
 */
class ExpiryQueue {
  readonly #waiting = new Set<Mapping>();
  /** No mapping expires before this time. */
  #earliest = Infinity;

  put(mapping: Mapping): void {
    this.#waiting.delete(mapping);
    this.#waiting.add(mapping);
    this.#earliest = Math.min(this.#earliest, mapping.expires);
  }

  remove(mapping: Mapping): void {
    this.#waiting.delete(mapping);
  }

  expire(now: number, end: (mapping: Mapping) => void): void {
    if (now < this.#earliest) return;
    this.#earliest = Infinity;
    for (const mapping of this.#waiting) {
      if (mapping.expires > now) {
        this.#earliest = mapping.expires;
        return;
      }
      this.#waiting.delete(mapping);
      end(mapping);
    }
  }
}
