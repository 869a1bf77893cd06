import type { Addr } from "../ip/addr.js";
import { type Flow, flowKey, flowOf, type FlowPacket, invert } from "../packet/flow.js";
import type { Packet } from "../packet/packet.js";
import type { InboundRule, PortAllocation, Translator } from "./network.js";

/** Only a SYN begins a TCP flow; of UDP any datagram does. */
const begins = (packet: Packet): boolean =>
  packet.proto !== "tcp" || (packet.flags.includes("SYN") && !packet.flags.includes("ACK"));

/** A flow that the translator carries: one that a backend began, on a port given out for it, or one that a rule let in. */
export interface Mapping {
  /** As the backend sends it. */
  readonly inside: Flow;
  /** As the Internet sees what the backend sends. */
  readonly outside: Flow;
  /** The card of the backend, by its primary address. */
  readonly backend: Addr;
  /** The port that it has, unless it came in. */
  readonly lease?: { readonly pool: PortPool; readonly index: number; readonly target: string };
  /** Milliseconds of silence that it outlives. */
  readonly idle: number;
  /** Milliseconds at which it is dropped, unless a packet comes first. */
  expires: number;
  /** What it waits for: silence, or the end of the hold after FIN or RST. */
  phase: Phase;
  /** Of a TCP flow, the sequence number that either end waits for. */
  readonly awaited: { inside: number; outside: number };
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
  | { readonly kind: "unknown-flow" }
  | NoPorts;

/** Ports for flows of one source to one destination, one after the other. */
export interface PortSource {
  /** Takes the port that {@link TranslatorState.outbound} would have given the next flow: its place among the source's, or undefined where none is left. */
  take(): number | undefined;
  /** The address and port at a place. */
  at(place: number): { readonly address: Addr; readonly port: number };
}

const noPorts: PortSource = {
  take: () => undefined,
  at(place) {
    throw new RangeError(`place ${place} of no ports`);
  },
};

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

  /** The ports that a target holds; what holds none is forgotten once it has released its last. */
  of(target: string): TargetPorts {
    let ports = this.#targets.get(target);
    if (ports === undefined)
      this.#targets.set(target, (ports = { bits: new Uint32Array(Math.ceil(this.size / 32)), firstWord: 0, held: 0 }));
    return ports;
  }

  /** The lowest port that the target does not hold yet; undefined when it holds all. */
  take(ports: TargetPorts): number | undefined {
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

/** A translator at work: the flows that it carries, the ports that it has given out for them, to whom, and until when. */
export class TranslatorState {
  readonly #allocations: ReadonlyMap<Addr, PortAllocation>;
  readonly #pools = new Map<string, PortPool>();
  readonly #byInside = new Map<string, Mapping>();
  readonly #byReply = new Map<string, Mapping>();
  /** By how long their mappings wait. */
  readonly #queues = new Map<number, ExpiryQueue>();

  /** @param onIdle told of each TCP flow that was silent for too long, where TCP reset is on */
  constructor(
    readonly translator: Translator,
    readonly now: () => number,
    private readonly onIdle: (mapping: Mapping) => void = () => undefined,
  ) {
    this.#allocations = new Map(translator.allocations.map(allocation => [allocation.source, allocation]));
  }

  has(source: Addr): boolean {
    return this.#allocations.has(source);
  }

  /** The flow of a backend's packet as it goes on towards the Internet, on the port that it has or on a new one. */
  outbound(packet: FlowPacket): Translation {
    this.expire();
    const flow = flowOf(packet);
    const known = this.#byInside.get(flowKey(flow));
    if (known !== undefined) {
      this.#seen(known, packet, "inside");
      const { portsInUse: inUse, portsAllotted: allotted } = this.poolUse(flow.src, flow.proto);
      return { kind: "translated", flow: known.outside, fresh: false, inUse, allotted };
    }
    const { proto, src, dst } = flow;
    const found = this.#ports(proto, src, dst, proto === "icmp" ? 0 : flow.dport);
    if ("kind" in found) return found;
    if (!begins(packet)) return { kind: "unknown-flow" };
    const { pool, target } = found;
    const index = pool.take(pool.of(target));
    if (index === undefined) return { kind: "exhausted", allotted: pool.size };
    const { address, port } = pool.at(index);
    const outside = { ...flow, src: address, sport: port };
    const mapping = this.#carry(flow, outside, src, this.translator.timeouts.idle, { pool, index, target });
    this.#seen(mapping, packet, "inside");
    return { kind: "translated", flow: outside, fresh: true, inUse: pool.inUse, allotted: pool.size };
  }

  /** Where ports come from for flows of one source to one destination that nobody will follow further. They stay taken. */
  ports(source: Addr, proto: "tcp" | "udp", to: Addr, port: number): PortSource {
    const found = this.#ports(proto, source, to, port);
    if ("kind" in found) return noPorts;
    const { pool } = found;
    const held = pool.of(found.target);
    return { take: () => pool.take(held), at: place => pool.at(place) };
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

  /** The flow that a packet from the Internet goes on as, to the backend that has it; undefined when it is of no flow. */
  inbound(packet: FlowPacket): { readonly flow: Flow; readonly mapping: Mapping } | undefined {
    this.expire();
    const mapping = this.#byReply.get(flowKey(flowOf(packet)));
    if (mapping === undefined) return undefined;
    this.#seen(mapping, packet, "outside");
    return { flow: invert(mapping.inside), mapping };
  }

  /** Lets a packet from the Internet in by a rule, to one of its backends; undefined when it begins no flow. */
  admit(packet: FlowPacket, rule: InboundRule, backend: Addr): { readonly flow: Flow } | undefined {
    if (!begins(packet)) return undefined;
    const before = flowOf(packet);
    const flow = rule.backendPort === undefined ? before : { ...before, dst: backend, dport: rule.backendPort };
    const idle = rule.idle ?? this.translator.timeouts.idle;
    this.#seen(this.#carry(invert(flow), invert(before), backend, idle), packet, "outside");
    return { flow };
  }

  /** What a backend sends of a flow that came in, as the Internet sees it; undefined when it is of no such flow. */
  answered(packet: FlowPacket): Flow | undefined {
    this.expire();
    const mapping = this.#byInside.get(flowKey(flowOf(packet)));
    if (mapping === undefined || mapping.lease !== undefined) return undefined;
    this.#seen(mapping, packet, "inside");
    return mapping.outside;
  }

  /** The backend's flow that an ICMP error from the Internet is about, given as it left. */
  quoted(outside: Flow): Flow | undefined {
    this.expire();
    return this.#byReply.get(flowKey(invert(outside)))?.inside;
  }

  /** How the Internet knows a packet that came in through here and that an error from inside is about. */
  quotedInside(inside: Flow): Flow | undefined {
    this.expire();
    const answer = this.#byInside.get(flowKey(invert(inside)))?.outside;
    return answer === undefined ? undefined : invert(answer);
  }

  #carry(inside: Flow, outside: Flow, backend: Addr, idle: number, lease?: Mapping["lease"]): Mapping {
    const mapping: Mapping = {
      inside,
      outside,
      backend,
      idle: idle * 1000,
      expires: 0,
      phase: "idle",
      awaited: { inside: 0, outside: 0 },
      ...(lease !== undefined && { lease }),
    };
    this.#byInside.set(flowKey(inside), mapping);
    this.#byReply.set(flowKey(invert(outside)), mapping);
    return mapping;
  }

  /** Notes a packet of a flow, in either direction: it keeps the mapping alive, or begins its end. */
  #seen(mapping: Mapping, packet: FlowPacket, from: "inside" | "outside"): void {
    const flags = packet.proto === "tcp" ? packet.flags : [];
    if (packet.proto === "tcp" && flags.includes("ACK")) mapping.awaited[from] = packet.ack;
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
    this.expire();
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
    this.#queue(mapping).remove(mapping);
    mapping.phase = phase;
    mapping.expires = this.now() + this.#patience(mapping);
    this.#queue(mapping).put(mapping);
  }

  #patience({ phase, idle }: Mapping): number {
    return phase === "idle" ? idle : this.translator.timeouts[phase] * 1000;
  }

  #queue(mapping: Mapping): ExpiryQueue {
    const patience = this.#patience(mapping);
    let queue = this.#queues.get(patience);
    if (queue === undefined) this.#queues.set(patience, (queue = new ExpiryQueue()));
    return queue;
  }

  /** Milliseconds at which the next mapping is dropped, if no packet comes first. */
  get nextExpiry(): number {
    return [...this.#queues.values()].reduce((first, queue) => Math.min(first, queue.next), Infinity);
  }

  /** Drops what has waited long enough. */
  expire(): void {
    const now = this.now();
    for (const queue of this.#queues.values())
      queue.expire(now, mapping => {
        this.#byInside.delete(flowKey(mapping.inside));
        this.#byReply.delete(flowKey(invert(mapping.outside)));
        mapping.lease?.pool.release(mapping.lease.target, mapping.lease.index);
        if (this.translator.tcpReset === true && mapping.phase === "idle" && mapping.inside.proto === "tcp")
          this.onIdle(mapping);
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

  get next(): number {
    for (const { expires } of this.#waiting) return expires;
    return Infinity;
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
