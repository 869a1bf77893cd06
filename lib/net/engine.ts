import type { Addr } from "../ip/addr.js";
import type { Skb, Verdict } from "../netfilter/netfilter.js";
import { relate } from "../netfilter/start.js";
import type { Hook, RejectWith } from "../netfilter/ruleset.js";
import { flowOf, type Flow, flowKey, type FlowPacket, invert, isFlowPacket, rewrite } from "../packet/flow.js";
import type { IcmpError, Packet, Tcp, Udp } from "../packet/packet.js";
import { type Random, type SeededRandom, seeded, subseed } from "../random.js";
import { answer } from "./answer.js";
import { type BridgeLinks, HostState } from "./hostState.js";
import { routingTable, type RoutingTable } from "./routing.js";
import { allHosts, isLoopback, isMulticast, limitedBroadcast, localhost, unspecified } from "./specialAddresses.js";
import type { SocketError } from "./socketError.js";
import type { Disposition, Hop, Reason, Step, Trace } from "./trace.js";
import { type Mapping, TranslatorState } from "./translator.js";
import type { FabricNic, Host, InboundRule, Interface, Network, Route, UserRoute, Veth } from "./network.js";

/** A trace in the making. */
interface OpenTrace extends Trace {
  readonly hops: Hop[];
  readonly replies: Trace[];
  disposition: Disposition;
}

/** Chance as one host of a network meets it. */
export const chanceAt = ({ seed }: Network, host: string): SeededRandom => seeded(subseed(seed, host));

/** A packet on its way. */
interface Journey {
  readonly trace: OpenTrace;
  /** Whether hops and steps are written down. */
  readonly record: boolean;
  /** Places that the packet has passed: the hosts that forwarded it, or the fabric as often as it did. */
  readonly forwarders: string[];
  /** Whether its frame is for all on a link. */
  toAll: boolean;
  /** What the call that sends the packet reports, when its own host keeps it. */
  error?: SocketError;
}

/** What became of a packet, and what the program that sent it was told at once. */
export interface SentPacket {
  readonly trace: Trace;
  readonly error?: SocketError;
}

/** Whom a frame is for: who answers for an address, or all on the link. */
type Target = Addr | "all";

/** One of the ways that a packet for many goes. */
type Way = (journey: Journey) => void;

/** A packet that a host is about to send. */
interface Sending {
  readonly host: string;
  readonly skb: Skb;
  readonly journey: Journey;
  /** Whether it answers another packet, so that its source is settled before its way is. */
  readonly reply?: boolean;
  /** The bridge port that it leaves by, past the host's rules and routes. */
  readonly port?: Interface;
}

/** Stands until the packet has come to its end. */
const underWay: Disposition = { kind: "loop", place: "" };

const journeyOf = (packet: Packet, record: boolean): Journey => ({
  trace: { packet, hops: [], replies: [], disposition: underWay },
  record,
  forwarders: [],
  toAll: false,
});

/** What is recorded at one place while a packet passes it. */
class Visit {
  readonly steps: Step[] | undefined;

  constructor(
    readonly journey: Journey,
    readonly kind: Hop["kind"],
    readonly place: string,
    readonly before: Packet,
    readonly inInterface?: string,
  ) {
    this.steps = journey.record ? [] : undefined;
  }

  /** The packet leaves the place. */
  done(after: Packet, out?: string): void {
    if (this.steps === undefined) return;
    const { kind, place, before, steps } = this;
    const hop: { -readonly [Key in keyof Hop]: Hop[Key] } = { kind, place, before, after, steps };
    if (this.inInterface !== undefined) hop.in = this.inInterface;
    if (out !== undefined) hop.out = out;
    this.journey.trace.hops.push(hop);
  }

  /** The packet's way ends here. */
  end(after: Packet, disposition: Disposition): void {
    this.done(after);
    this.journey.trace.disposition = disposition;
  }

  drop(after: Packet, reason: Reason): void {
    this.end(after, { kind: "dropped", place: this.place, reason });
  }
}

/** What is wrong with an address of a packet that came in, whatever its route would be: `ip_route_input_slow` of Linux. */
const wrongAddress = (state: HostState, { src, dst }: Packet): Reason | undefined => {
  const localnet = state.host.routeLocalnet === true;
  if (isMulticast(dst) && dst !== allHosts) return { kind: "not-joined", group: dst };
  if (isMulticast(src) || src === limitedBroadcast) return { kind: "martian-source", source: src };
  if (dst === limitedBroadcast || (src === unspecified && (dst === unspecified || dst === allHosts))) return undefined;
  if (src === unspecified) return { kind: "martian-source", source: src };
  if (dst === unspecified || (isLoopback(dst) && !localnet)) return { kind: "martian-destination", destination: dst };
  return isLoopback(src) && !localnet ? { kind: "martian-source", source: src } : undefined;
};

/** Time that a packet spends, in milliseconds: a base, and as much again at most by chance. */
const latency = { host: 0.01, link: 0.02, fabric: 0.2, internet: 4 };

const sequencePerMillisecond = 1e6 / 64;

const drawnSequence = (seed: number, flow: Flow): number => seeded(subseed(seed, flowKey(flow))).int(0, 0xffffffff);

/** A way longer than this is endless: TTL bounds what hosts do, this what the fabric could. */
const longestWay = 600;

const unreachableCode: Readonly<Record<Exclude<RejectWith, "tcp-reset">, number>> = {
  "icmp-net-unreachable": 0,
  "icmp-host-unreachable": 1,
  "icmp-proto-unreachable": 2,
  "icmp-port-unreachable": 3,
  "icmp-net-prohibited": 9,
  "icmp-host-prohibited": 10,
  "icmp-admin-prohibited": 13,
};

/** The FNV-1a hash of a flow: which of several backends it is handed to. */
const flowHash = (flow: Flow): number => subseed(0, flowKey(flow)) >>> 0;

/** A route of the fabric: a user's, or one of the two that every subnet has by itself. */
type FabricRoute = { readonly to: UserRoute["to"]; readonly route: UserRoute | "vnet" | "internet" };

/**
 * Moves packets through a network, one host, bridge, fabric and translator after the other.
 * All state of a booted network is here: connections and counters in its hosts, ports in its translators, one clock.
 */
export class Engine {
  /** Milliseconds since the epoch, simulated. */
  clock: number;
  readonly #random: Random;
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #states = new Map<string, HostState>();
  readonly #nicByAddress = new Map<Addr, FabricNic>();
  readonly #nicByHost = new Map<string, FabricNic>();
  readonly #nicByPublicAddress = new Map<Addr, FabricNic>();
  readonly #fabricRoutes = new Map<string, RoutingTable<FabricRoute>>();
  readonly #siteByAddress = new Map<Addr, { readonly host: string; readonly interface: string }>();
  readonly #frontends = new Map<Addr, TranslatorState>();
  readonly #inboundRules = new Map<string, { readonly rule: InboundRule; readonly state: TranslatorState }>();
  readonly translators: readonly TranslatorState[];
  readonly #waiting: Sending[] = [];
  /** Who waits for packets of which flow at which host. */
  readonly sockets = new Map<string, Packet[]>();
  /** The packet that a listener answered last, as it came to the listener. */
  served: { readonly host: string; readonly packet: Tcp | Udp } | undefined;

  constructor(
    readonly network: Network,
    startMilliseconds: number,
    private readonly randomOf: (host: string) => Random = host => chanceAt(network, host),
  ) {
    this.clock = startMilliseconds;
    this.#random = seeded(network.seed);
    this.#hosts = new Map(network.hosts.map(host => [host.id, host]));
    const { fabric } = network;
    for (const nic of fabric.nics) {
      this.#nicByHost.set(nic.host, nic);
      for (const address of nic.addresses) this.#nicByAddress.set(address, nic);
      if (nic.publicAddress !== undefined) this.#nicByPublicAddress.set(nic.publicAddress, nic);
    }
    for (const subnet of fabric.subnets)
      this.#fabricRoutes.set(
        subnet.name,
        routingTable<FabricRoute>([
          ...subnet.routes.map(route => ({ to: route.to, route })),
          ...fabric.addressSpace.map(to => ({ to, route: "vnet" as const })),
          { to: { base: 0 as Addr, prefix: 0 }, route: "internet" as const },
        ]),
      );
    for (const host of network.hosts)
      for (const entry of host.interfaces)
        if (entry.kind === "public")
          for (const { address } of entry.addresses)
            this.#siteByAddress.set(address, { host: host.id, interface: entry.name });
    this.translators = fabric.translators.map(
      translator =>
        new TranslatorState(
          translator,
          () => this.clock,
          mapping => this.#resetBoth(translator.name, mapping),
        ),
    );
    for (const state of this.translators) {
      for (const { ranges } of state.translator.allocations)
        for (const { address } of ranges) this.#frontends.set(address, state);
      for (const rule of state.translator.inbound) {
        this.#frontends.set(rule.address, state);
        this.#inboundRules.set(`${rule.proto} ${rule.address}:${rule.port}`, { rule, state });
      }
    }
  }

  /** The running host; it starts when it is first needed. */
  state(id: string): HostState {
    let state = this.#states.get(id);
    if (state === undefined) {
      const host = this.#hosts.get(id);
      if (host === undefined) throw new RangeError(`no host ${id}`);
      this.#states.set(id, (state = new HostState(host, this.randomOf(id), () => this.clock)));
    }
    return state;
  }

  /**
   * The sequence number that a connection begins with, as Linux has it: chance for each pair of addresses and ports, which no
   * one can guess from another, and one more each 64 nanoseconds (secure_tcp_seq).
   */
  initialSequence(flow: Flow): number {
    return (drawnSequence(this.network.seed, flow) + Math.floor(this.clock * sequencePerMillisecond)) % 2 ** 32;
  }

  /** Sends a packet from a host and follows it and all that it causes until nothing moves any more. */
  send(host: string, packet: Packet, record: boolean): SentPacket {
    const journey = this.#begin(host, packet, record);
    this.#settle();
    return journey;
  }

  #begin(host: string, packet: Packet, record: boolean): Journey {
    const journey = journeyOf(packet, record);
    this.#waiting.push({ host, skb: { packet, mark: 0 }, journey });
    return journey;
  }

  /** Sends a packet from a host and follows it alone: nobody answers it. */
  sendUnanswered(host: string, packet: Packet): Trace {
    const { trace } = this.#begin(host, packet, true);
    this.#next(this.#waiting.shift()!);
    this.#waiting.length = 0;
    return trace;
  }

  /** Puts a packet on an interface of a host for the next hop of its destination and follows it, like {@link send}. */
  inject(host: string, device: Interface, packet: Packet): Trace {
    const state = this.state(host);
    const journey = journeyOf(packet, true);
    const visit = new Visit(journey, "host", host, packet);
    visit.done(packet, device.name);
    const target = state.reachesMany(packet.dst) ? "all" : (state.route(packet.dst)?.via ?? packet.dst);
    this.#transmit(state, device, target, packet, journey);
    this.#settle();
    return journey.trace;
  }

  #settle(): void {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) this.#next(next);
  }

  #next({ host, skb, journey, reply, port }: Sending): void {
    if (port === undefined) this.#output(this.state(host), skb, journey, reply);
    else this.#outputAt(this.state(host), port, skb.packet, journey);
  }

  /** Queues what a host sends because of another packet; `about` is that packet where netfilter is to know it. */
  #reply(host: string, answered: Packet, cause: Journey, about?: Skb, port?: Interface): void {
    // What the stack itself sends to a group stays on the link; a rule's reset does not know of that.
    const itself = about === undefined || "quoted" in answered;
    const ttl = itself && isMulticast(answered.dst) ? 1 : answered.ttl;
    // Who was asked as 0.0.0.0 answers from the address of the way back.
    const src = answered.src === unspecified ? (this.source(host, answered.dst) ?? answered.src) : answered.src;
    // The stack sends what is for 0.0.0.0 to the address that it answers from.
    const dst = itself && answered.dst === unspecified ? src : answered.dst;
    const packet = { ...answered, ttl, src, dst };
    const journey = journeyOf(packet, cause.record);
    cause.trace.replies.push(journey.trace);
    const skb: Skb = { packet, mark: 0 };
    if (about !== undefined) relate(skb, about);
    this.#waiting.push({ host, skb, journey, reply: true, ...(port !== undefined && { port }) });
  }

  /** Lets milliseconds pass, with what translators do by themselves meanwhile. */
  wait(milliseconds: number): void {
    const until = this.clock + milliseconds;
    const telling = this.translators.filter(({ translator }) => translator.tcpReset === true);
    for (;;) {
      const next = telling.reduce((first, state) => Math.min(first, state.nextExpiry), Infinity);
      if (next > until || next === Infinity) break;
      this.clock = Math.max(this.clock, next);
      for (const state of telling) state.expire();
    }
    this.clock = Math.max(this.clock, until);
  }

  #spend(kind: keyof typeof latency): void {
    this.clock += latency[kind] * (1 + this.#random.float());
  }

  #see(state: HostState, name: string, direction: "in" | "out", packet: Packet): void {
    if (state.captures.size === 0) return;
    const captured = { time: Math.round(this.clock * 1000) / 1e6, direction, interface: name, packet };
    for (const listener of state.captures) listener(captured);
  }

  // --- hosts -----------------------------------------------------------------------------------------------------

  /** Runs a hook; false when the packet went no further, which the visit then knows. */
  #hook(hook: Hook, state: HostState, skb: Skb, visit: Visit): boolean {
    if (state.netfilter === undefined) return true;
    const verdict = state.netfilter.run(hook, skb, visit.steps);
    return verdict.kind === "accept" || this.#refused(state, verdict, skb, visit);
  }

  #refused(state: HostState, verdict: Exclude<Verdict, { kind: "accept" }>, skb: Skb, visit: Visit): false {
    if (visit.inInterface === undefined && skb.in === undefined) visit.journey.error ??= "EPERM";
    if (verdict.kind === "drop") visit.drop(skb.packet, { kind: "netfilter", drop: verdict.reason });
    else {
      visit.end(skb.packet, { kind: "rejected", place: visit.place, with: verdict.with });
      // The host's own ICMP is busy with the answer that is rejected, so it says nothing about it.
      const ownAnswer =
        visit.inInterface === undefined && skb.packet.proto === "icmp" && skb.packet.type !== "echo-request";
      if (!ownAnswer) this.#reject(state, verdict.with, skb, visit);
    }
    return false;
  }

  #reject(state: HostState, reject: RejectWith, skb: Skb, { journey, inInterface }: Visit): void {
    const { packet } = skb;
    if (reject !== "tcp-reset") return this.#error(state, "unreachable", unreachableCode[reject], skb, journey);
    if (packet.proto !== "tcp" || packet.flags.includes("RST")) return;
    // Of a frame that came through a bridge with rules Linux sends the reset straight back, as if from whom the frame was for,
    // be it a group: it asks what a route says of the destination, and there is none yet.
    const came = inInterface === undefined ? undefined : state.interfaces.get(inInterface);
    const port = came?.master === undefined ? undefined : came;
    const toMany = state.reachesMany(packet.dst) || journey.toAll;
    if (toMany && port === undefined) return;
    const way = state.wayOut(packet.dst, packet.src, true);
    if (way === "no-route" || way === "martian") return;
    this.#reply(state.host.id, answer.reset(packet), journey, port === undefined ? skb : undefined, port);
    state.netfilter?.closeByReset(skb);
  }

  /** Sends an ICMP error about a packet, unless it is an error itself or was for many. */
  #error(state: HostState, type: IcmpError["type"], code: number, about: Skb, journey: Journey): void {
    const { packet } = about;
    if (!isFlowPacket(packet) || state.reachesMany(packet.dst) || journey.toAll) return;
    const source = state.isLocal(packet.dst) ? packet.dst : this.#sourceTowards(state, packet.src);
    if (source === undefined) return;
    this.#reply(
      state.host.id,
      { proto: "icmp", type, code, src: source, dst: packet.src, ttl: 64, quoted: packet },
      journey,
      about,
    );
  }

  #sourceTowards(state: HostState, destination: Addr): Addr | undefined {
    const way = state.wayOut(destination, destination);
    if (way === "lo") return state.sourceToSelf(destination);
    return typeof way === "string" ? undefined : state.sourceOn(way.dev, destination);
  }

  /** The address that a host sends from when it does not say itself. */
  source(host: string, destination: Addr): Addr | undefined {
    return this.#sourceTowards(this.state(host), destination);
  }

  /** A packet that a host itself makes and puts on a bridge port at once. */
  #outputAt(state: HostState, port: Interface, packet: Packet, journey: Journey): void {
    const visit = new Visit(journey, "host", state.host.id, packet);
    this.#spend("host");
    visit.done(packet, port.name);
    this.#transmit(state, port, packet.dst, packet, journey);
  }

  /** A packet that a host itself makes. */
  #output(state: HostState, skb: Skb, journey: Journey, reply = false): void {
    const { packet } = skb;
    const visit = new Visit(journey, "host", state.host.id, packet);
    this.#spend("host");
    let way = this.#wayOut(state, skb, visit, reply);
    if (way === undefined || !this.#hook("OUTPUT", state, skb, visit)) return;
    if (skb.rerouted === true) way = this.#wayOut(state, skb, visit, true);
    if (way === undefined) return;
    if (way !== "lo")
      return state.reachesMany(skb.packet.dst)
        ? this.#emitToMany(state, skb, way, visit)
        : this.#emit(state, skb, way, visit);
    if (!this.#hook("POSTROUTING", state, skb, visit)) return;
    this.#see(state, "lo", "out", skb.packet);
    this.#see(state, "lo", "in", skb.packet);
    skb.in = "lo";
    skb.out = undefined;
    if (!this.#hook("PREROUTING", state, skb, visit)) return;
    const { dst } = skb.packet;
    if (isMulticast(dst) && !state.isAmong(dst)) return visit.drop(skb.packet, { kind: "not-joined", group: dst });
    this.#input(state, skb, visit);
  }

  /** The way of a packet that the host itself makes; undefined when there is none, which the visit then knows. */
  #wayOut(state: HostState, skb: Skb, visit: Visit, bound: boolean): Route | "lo" | undefined {
    const { src, dst } = skb.packet;
    const way = state.wayOut(src, dst, bound);
    if (way === "no-route" || way === "martian") {
      visit.journey.error = way === "no-route" ? "ENETUNREACH" : "EINVAL";
      visit.drop(
        skb.packet,
        way === "no-route" ? { kind: "no-route", destination: dst } : { kind: "martian-source", source: src },
      );
      return undefined;
    }
    skb.out = way === "lo" ? "lo" : way.dev;
    return way;
  }

  /** To all on a link. Where the host is among them, a copy comes back to it past the wire. */
  #emitToMany(state: HostState, skb: Skb, route: Route, visit: Visit): void {
    visit.steps?.push({ kind: "route", route, onLink: true });
    const loops = state.isAmong(skb.packet.dst);
    const back = { ...skb };
    const ways: Way[] = [];
    if (loops)
      ways.push(journey => {
        const own = new Visit(journey, "host", state.host.id, back.packet, route.dev);
        if (!this.#hook("POSTROUTING", state, back, own)) return;
        back.in = route.dev;
        back.out = undefined;
        if (this.#hook("PREROUTING", state, back, own)) this.#input(state, back, own);
      });
    ways.push(journey => {
      const own = new Visit(journey, "host", state.host.id, skb.packet);
      if (!this.#hook("POSTROUTING", state, skb, own)) return;
      own.done(skb.packet, route.dev);
      this.#transmit(state, state.interfaces.get(route.dev)!, "all", skb.packet, journey);
    });
    this.#copy(ways, skb.packet, visit);
  }

  /** A packet goes several ways from here, on each as a packet of its own. */
  #copy(ways: readonly Way[], packet: Packet, visit: Visit): void {
    const { record, forwarders } = visit.journey;
    const copies = ways.map(way => {
      const journey = { ...journeyOf(packet, record), forwarders: [...forwarders], toAll: true };
      way(journey);
      if (journey.error !== undefined) visit.journey.error ??= journey.error;
      return journey.trace;
    });
    visit.end(packet, { kind: "copied", place: visit.place, copies });
  }

  /** POSTROUTING, then the wire. */
  #emit(state: HostState, skb: Skb, route: Route, visit: Visit): void {
    visit.steps?.push({ kind: "route", route, onLink: route.via === undefined });
    if (!this.#hook("POSTROUTING", state, skb, visit)) return;
    const target = route.via ?? skb.packet.dst;
    const device = state.interfaces.get(route.dev)!;
    if (!this.#answered(state, device, target)) {
      this.#see(state, route.dev, "out", skb.packet);
      visit.drop(skb.packet, { kind: "no-neighbour", address: target, dev: route.dev });
      return this.#error(state, "unreachable", 1, skb, visit.journey);
    }
    visit.done(skb.packet, route.dev);
    this.#transmit(state, device, target, skb.packet, visit.journey);
  }

  /** A packet for the host itself: INPUT, then whoever waits for it. */
  #input(state: HostState, skb: Skb, visit: Visit): void {
    visit.steps?.push({ kind: "local", address: skb.packet.dst });
    if (!this.#hook("INPUT", state, skb, visit)) return;
    const { packet } = skb;
    visit.end(packet, { kind: "delivered", host: state.host.id });
    const waiting = this.sockets.get(this.#socketOf(state.host.id, packet));
    if (waiting !== undefined) waiting.push(packet);
    else if (!isFlowPacket(packet)) return;
    else if (packet.dst === unspecified && skb.in !== "lo")
      return; // came from 0.0.0.0 too, as to all on the link
    else if (packet.proto === "udp") this.#serveDatagram(state, packet, visit.journey);
    else if (state.reachesMany(packet.dst))
      return; // icmp_echo_ignore_broadcasts; TCP knows no such thing
    else if (packet.proto === "icmp") {
      if (packet.type === "echo-request") this.#reply(state.host.id, answer.echo(packet), visit.journey);
    } else {
      const listener = state.listener(packet.proto, packet.dport);
      if (listener !== undefined) this.served = { host: state.host.id, packet };
      for (const reply of answer.serve(packet, listener)) this.#reply(state.host.id, reply, visit.journey);
    }
  }

  /** A UDP server answers from the interface's address that was asked; for 127.0.0.0/8 and for many, from the one of the route back. */
  #serveDatagram(state: HostState, packet: Udp, journey: Journey): void {
    const listener = state.listener("udp", packet.dport);
    // UDP has let go of the connection before it finds that nobody listens.
    if (listener === undefined) return this.#error(state, "unreachable", 3, { packet, mark: 0 }, journey);
    this.served = { host: state.host.id, packet };
    const asked = state.isOwn(packet.dst) && packet.dst !== localhost;
    const source = asked ? packet.dst : this.#sourceTowards(state, packet.src);
    if (source === undefined) return;
    for (const reply of answer.serve(packet, listener)) this.#reply(state.host.id, { ...reply, src: source }, journey);
  }

  #socketOf(host: string, packet: Packet): string {
    return socketKey(host, isFlowPacket(packet) ? invert(flowOf(packet)) : flowOf(packet.quoted));
  }

  /** An IP packet that came in by an interface of a host, addressed to the host on the link. */
  #receive(state: HostState, name: string, packet: Packet, journey: Journey): void {
    const visit = new Visit(journey, "host", state.host.id, packet, name);
    this.#spend("host");
    const skb: Skb = { packet, mark: 0, in: name };
    if (!this.#hook("PREROUTING", state, skb, visit)) return;
    this.#routeIn(state, skb, visit);
  }

  /** After PREROUTING: for the host itself, or on to another. */
  #routeIn(state: HostState, skb: Skb, visit: Visit): void {
    const { journey } = visit;
    const { packet } = skb;
    const wrong = wrongAddress(state, packet);
    if (wrong !== undefined) return visit.drop(packet, wrong);
    const own = state.isOwn(packet.src);
    const here = state.isLocal(packet.dst) || state.reachesMany(packet.dst) || packet.dst === unspecified;
    if (here && own) return visit.drop(packet, { kind: "martian", source: packet.src });
    if (here) return this.#input(state, skb, visit);
    if (!state.host.forwarding) return visit.drop(packet, { kind: "not-forwarding" });
    const route = state.route(packet.dst);
    if (route === undefined) {
      visit.drop(packet, { kind: "no-route", destination: packet.dst });
      if (state.mayTellNoRoute(packet.src)) this.#error(state, "unreachable", 0, skb, journey);
      return;
    }
    if (own) return visit.drop(packet, { kind: "martian", source: packet.src });
    if (journey.toAll) return visit.drop(packet, { kind: "for-the-link" });
    if (packet.ttl <= 1) {
      visit.end(packet, {
        kind: journey.forwarders.includes(state.host.id) ? "loop" : "ttl-exceeded",
        place: state.host.id,
      });
      return this.#error(state, "time-exceeded", 0, skb, journey);
    }
    journey.forwarders.push(state.host.id);
    skb.packet = { ...packet, ttl: packet.ttl - 1 };
    visit.steps?.push({ kind: "ttl", before: packet.ttl, after: packet.ttl - 1 });
    skb.out = route.dev;
    if (!this.#hook("FORWARD", state, skb, visit)) return;
    this.#emit(state, skb, route, visit);
  }

  // --- links and bridges -----------------------------------------------------------------------------------------

  /** Who sits at the ports of a bridge, looked up once. */
  #links(state: HostState, bridge: string): BridgeLinks {
    let links = state.links.get(bridge);
    if (links === undefined) {
      const neighbours = new Map<Addr, Interface>();
      const bridges: Veth[] = [];
      let uplink: Interface | undefined;
      for (const port of state.host.interfaces) {
        if (port.master !== bridge) continue;
        if (port.kind !== "veth") uplink ??= port;
        else {
          const peer = this.#hosts.get(port.peer.host)!;
          if (peer.interfaces.find(({ name }) => name === port.peer.interface)!.master !== undefined)
            bridges.push(port);
          else
            for (const { addresses } of peer.interfaces)
              for (const { address } of addresses) if (!neighbours.has(address)) neighbours.set(address, port);
        }
      }
      state.links.set(bridge, (links = { neighbours, bridges, uplink }));
    }
    return links;
  }

  /** The bridge port behind which someone answers for an address, as ARP would ask: a pod before the fabric, which answers for all. */
  #portTo(
    state: HostState,
    bridge: string,
    target: Addr,
    from: string | undefined,
    asked = new Set<string>(),
  ): Interface | undefined {
    const { neighbours, bridges, uplink } = this.#links(state, bridge);
    return (
      neighbours.get(target) ??
      bridges.find(port => port.name !== from && this.#reaches(port, target, asked)) ??
      (uplink !== undefined && uplink.name !== from ? uplink : undefined)
    );
  }

  /** Whether the far end of a pair answers for an address: its host, or someone on the bridge that it is a port of. */
  #reaches({ peer }: Veth, target: Addr, asked: Set<string>): boolean {
    const key = `${peer.host} ${peer.interface}`;
    if (asked.has(key)) return false;
    asked.add(key);
    const state = this.state(peer.host);
    if (state.isLocal(target)) return true;
    const { master } = state.interfaces.get(peer.interface)!;
    return master !== undefined && this.#portTo(state, master, target, peer.interface, asked) !== undefined;
  }

  #answered(state: HostState, device: Interface, target: Addr): boolean {
    if (device.kind === "bridge") return this.#portTo(state, device.name, target, undefined) !== undefined;
    return device.kind !== "veth" || this.#reaches(device, target, new Set());
  }

  /** Puts a packet on an interface; `target` is whom the frame is for. */
  #transmit(state: HostState, device: Interface, target: Target, packet: Packet, journey: Journey): void {
    this.#see(state, device.name, "out", packet);
    journey.toAll = target === "all";
    switch (device.kind) {
      case "bridge": {
        if (target === "all") return this.#flood(state, device.name, packet, journey);
        const port = this.#portTo(state, device.name, target, undefined);
        if (port !== undefined) this.#transmit(state, port, target, packet, journey);
        return;
      }
      case "veth":
        this.#spend("link");
        return this.#arrive(this.state(device.peer.host), device.peer.interface, target, packet, journey);
      case "nic":
        return this.#fabric(this.#nicByHost.get(state.host.id)!, packet, journey);
      case "public":
        return this.#internet(packet, journey);
    }
  }

  /** A frame comes in by an interface: into the bridge that it is a port of, or to the host. */
  #arrive(state: HostState, name: string, target: Target, packet: Packet, journey: Journey): void {
    this.#see(state, name, "in", packet);
    const master = state.interfaces.get(name)!.master;
    if (master === undefined) this.#receive(state, name, packet, journey);
    else this.#bridge(state, master, name, target, packet, journey);
  }

  /**
   * A frame in a bridge. With bridge-nf-call-iptables the packet meets the host's rules on layer 2; when they change
   * its destination, the host's routes say where the frame goes: along the bridge, or up to be forwarded.
   */
  #bridge(state: HostState, bridge: string, from: string, target: Target, packet: Packet, journey: Journey): void {
    const filtered = state.host.bridgeNfCallIptables && state.netfilter !== undefined;
    if (target !== "all" && state.isLocal(target) && !filtered) {
      this.#see(state, bridge, "in", packet);
      return this.#receive(state, bridge, packet, journey);
    }
    const visit = new Visit(journey, "host", state.host.id, packet, from);
    this.#spend("host");
    const skb: Skb = { packet, mark: 0, in: bridge };
    if (filtered && !this.#hook("PREROUTING", state, skb, visit)) return;
    this.#see(state, bridge, "in", skb.packet); // the rules come before whoever listens at the bridge
    if (filtered) {
      if (skb.packet.dst !== packet.dst) {
        const destination = skb.packet.dst;
        const here = state.isLocal(destination) || state.reachesMany(destination);
        const route = here ? undefined : state.route(destination);
        journey.toAll = false;
        if (route?.dev !== bridge || !state.host.forwarding) return this.#routeIn(state, skb, visit);
        const wrong = wrongAddress(state, skb.packet);
        if (wrong !== undefined) return visit.drop(skb.packet, wrong);
        if (state.isOwn(skb.packet.src)) return visit.drop(skb.packet, { kind: "martian", source: skb.packet.src });
        visit.steps?.push({ kind: "route", route, onLink: route.via === undefined });
        target = route.via ?? destination;
      }
    }
    if (target === "all") return this.#floodOn(state, bridge, from, skb, filtered, visit);
    if (state.isLocal(target)) return this.#routeIn(state, skb, visit);
    // Whom the frame was for when it came has answered its sender; of a new destination the host itself asks at every port.
    const port = this.#portTo(state, bridge, target, skb.packet.dst === packet.dst ? from : undefined);
    if (port === undefined) return visit.drop(skb.packet, { kind: "no-neighbour", address: target, dev: bridge });
    if (port.name === from && !("hairpin" in port && port.hairpin === true))
      return visit.drop(skb.packet, { kind: "hairpin", bridge, port: from });
    visit.steps?.push({ kind: "bridge", bridge, from, to: port.name, filtered });
    if (filtered) {
      skb.out = bridge;
      if (!this.#hook("FORWARD", state, skb, visit) || !this.#hook("POSTROUTING", state, skb, visit)) return;
    }
    visit.done(skb.packet, port.name);
    this.#transmit(state, port, target, skb.packet, journey);
  }

  /** A frame for all that the host itself puts on its bridge. */
  #flood(state: HostState, bridge: string, packet: Packet, journey: Journey): void {
    const ports = state.host.interfaces.filter(({ master }) => master === bridge);
    const visit = new Visit(journey, "host", state.host.id, packet);
    this.#copy(
      ports.map(port => copy => this.#transmit(state, port, "all", packet, copy)),
      packet,
      visit,
    );
  }

  /** A frame for all that came in by a port: out of every other one, and to the host. */
  #floodOn(state: HostState, bridge: string, from: string, skb: Skb, filtered: boolean, visit: Visit): void {
    const { packet } = skb;
    const ports = state.host.interfaces.filter(
      port => port.master === bridge && (port.name !== from || ("hairpin" in port && port.hairpin === true)),
    );
    const ways = ports.map((port): Way => journey => {
      const copy = { ...skb, out: bridge };
      const own = new Visit(journey, "host", state.host.id, packet, from);
      own.steps?.push({ kind: "bridge", bridge, from, to: port.name, filtered });
      if (filtered && !(this.#hook("FORWARD", state, copy, own) && this.#hook("POSTROUTING", state, copy, own))) return;
      own.done(copy.packet, port.name);
      this.#transmit(state, port, "all", copy.packet, journey);
    });
    const up: Way = journey => {
      if (!filtered) return this.#receive(state, bridge, packet, journey);
      const own = { ...skb };
      const visit = new Visit(journey, "host", state.host.id, packet, bridge);
      const verdict = state.netfilter!.confirm(own);
      if (verdict.kind === "accept" || this.#refused(state, verdict, own, visit)) this.#routeIn(state, own, visit);
    };
    this.#copy([...ways, up], packet, visit);
  }

  // --- the fabric and the Internet -------------------------------------------------------------------------------

  /** A packet that a card sends into the fabric. TTL stays as it is. */
  #fabric(nic: FabricNic, packet: Packet, journey: Journey): void {
    const visit = new Visit(journey, "fabric", "fabric", packet, nic.host);
    this.#spend("fabric");
    if (journey.toAll) return visit.drop(packet, { kind: "unicast-only", destination: packet.dst });
    if (isLoopback(packet.src)) return visit.drop(packet, { kind: "martian-source", source: packet.src });
    const fromFrontend = this.#frontends.has(packet.src);
    if (!nic.ipForwarding && !fromFrontend && this.#nicByAddress.get(packet.src) !== nic)
      return visit.drop(packet, { kind: "spoofed", source: packet.src });
    const found = this.#fabricRoutes.get(nic.subnet)!.lookup(packet.dst)!;
    visit.steps?.push({ kind: "fabric-route", route: found.route, to: packet.dst });
    const next = found.route === "vnet" || found.route === "internet" ? { kind: found.route } : found.route.nextHop;
    switch (next.kind) {
      case "none":
        return visit.drop(packet, { kind: "user-route-none", route: found.route as UserRoute });
      case "appliance":
        return this.#deliver(next.address, packet, visit);
      case "vnet":
        return this.#deliver(packet.dst, packet, visit);
      case "internet":
        return this.#leave(nic, packet, visit);
    }
  }

  /** Hands a packet to the card that has an address. */
  #deliver(address: Addr, packet: Packet, visit: Visit): void {
    const nic = this.#nicByAddress.get(address);
    if (nic === undefined) return visit.drop(packet, { kind: "no-nic", address });
    if (visit.journey.forwarders.length > longestWay) return visit.end(packet, { kind: "loop", place: "fabric" });
    visit.journey.forwarders.push("fabric");
    visit.done(packet, nic.host);
    this.#arrive(this.state(nic.host), nic.interface, address, packet, visit.journey);
  }

  /** Towards the Internet: as the card's own public address, or as a translator's. */
  #leave(nic: FabricNic, packet: Packet, visit: Visit): void {
    const { journey } = visit;
    if (!isFlowPacket(packet)) return this.#leaveError(nic, packet, visit);
    const before = flowOf(packet);
    const frontend = this.#frontends.get(packet.src);
    const translator = frontend ?? this.translators.find(state => state.has(packet.src));
    const answered = translator?.answered(packet);
    if (frontend !== undefined) {
      if (answered === undefined && packet.proto === "tcp" && !packet.flags.includes("SYN"))
        return this.#unknown(frontend, new Visit(journey, "translator", frontend.translator.name, packet), packet, nic);
      visit.done(packet);
      return this.#internet(packet, journey);
    }
    if (answered !== undefined && translator !== undefined) {
      visit.done(packet);
      const passing = new Visit(journey, "translator", translator.translator.name, packet);
      const after = rewrite(packet, answered);
      passing.steps?.push({ kind: "inbound", rule: translator.translator.name, backend: packet.src });
      passing.done(after);
      return this.#internet(after, journey);
    }
    if (nic.publicAddress !== undefined && packet.src === nic.addresses[0]) {
      const after = { ...before, src: nic.publicAddress };
      visit.steps?.push({ kind: "public-address", before, after });
      const sent = rewrite(packet, after);
      visit.done(sent);
      return this.#internet(sent, journey);
    }
    if (translator === undefined) return visit.drop(packet, { kind: "no-translation", source: packet.src });
    visit.done(packet);
    const { name } = translator.translator;
    const passing = new Visit(journey, "translator", name, packet);
    const result = translator.outbound(packet);
    switch (result.kind) {
      case "unknown-flow":
        return this.#unknown(translator, passing, packet, nic);
      case "unknown-source":
        return passing.drop(packet, { kind: "no-translation", source: packet.src });
      case "unknown-protocol":
        return passing.drop(packet, { kind: "untranslatable", translator: name, proto: packet.proto });
      case "exhausted":
        return passing.drop(packet, {
          kind: "ports-exhausted",
          translator: name,
          source: packet.src,
          ports: result.allotted,
        });
      case "translated": {
        passing.steps?.push({
          kind: "translate",
          translator: name,
          before,
          after: result.flow,
          fresh: result.fresh,
          portsInUse: result.inUse,
          portsAllotted: result.allotted,
        });
        const sent = rewrite(packet, result.flow);
        passing.done(sent);
        return this.#internet(sent, journey);
      }
    }
  }

  /** An ICMP error about a packet that came in by a public address: it leaves as if from there, about the packet as it was there. */
  #leaveError(nic: FabricNic, packet: IcmpError, visit: Visit): void {
    const { quoted } = packet;
    const about = flowOf(quoted);
    if (nic.publicAddress !== undefined && about.dst === nic.addresses[0]) {
      const sent = { ...packet, src: nic.publicAddress, quoted: { ...quoted, dst: nic.publicAddress } };
      visit.done(sent);
      return this.#internet(sent, visit.journey);
    }
    for (const state of this.translators) {
      const outside = state.quotedInside(about);
      if (outside === undefined) continue;
      visit.done(packet);
      const passing = new Visit(visit.journey, "translator", state.translator.name, packet);
      // Where the destination stayed as it was (floating IP), so does the source of what is said about it.
      const src = outside.dst === about.dst ? packet.src : outside.dst;
      const sent = { ...packet, src, quoted: rewrite(quoted, outside) };
      passing.done(sent);
      return this.#internet(sent, visit.journey);
    }
    visit.drop(packet, { kind: "no-translation", source: packet.src });
  }

  /** A packet among public addresses: to a site, or back into the fabric. */
  #internet(packet: Packet, journey: Journey): void {
    this.#spend("internet");
    const site = this.#siteByAddress.get(packet.dst);
    if (site !== undefined) return this.#arrive(this.state(site.host), site.interface, packet.dst, packet, journey);
    const nic = this.#nicByPublicAddress.get(packet.dst);
    const translator = this.#frontends.get(packet.dst);
    if (nic !== undefined) return this.#enterNic(nic, packet, journey);
    if (translator !== undefined) return this.#enterTranslator(translator, packet, journey);
    new Visit(journey, "internet", "internet", packet).drop(packet, { kind: "no-site", address: packet.dst });
  }

  #enterNic(nic: FabricNic, packet: Packet, journey: Journey): void {
    const visit = new Visit(journey, "fabric", "fabric", packet);
    const own = nic.addresses[0]!;
    if (!isFlowPacket(packet))
      return this.#deliver(own, { ...packet, dst: own, quoted: { ...packet.quoted, src: own } }, visit);
    const before = flowOf(packet);
    const after = { ...before, dst: own };
    visit.steps?.push({ kind: "public-address", before, after });
    this.#deliver(own, rewrite(packet, after), visit);
  }

  #enterTranslator(state: TranslatorState, packet: Packet, journey: Journey): void {
    const { name } = state.translator;
    const visit = new Visit(journey, "translator", name, packet);
    if (!isFlowPacket(packet)) {
      const inside = state.quoted(flowOf(packet.quoted));
      if (inside === undefined) return visit.drop(packet, { kind: "no-inbound", address: packet.dst, port: 0 });
      const quoted = rewrite(packet.quoted, inside);
      return this.#pass(visit, { ...packet, dst: inside.src, quoted }, inside.src);
    }
    const before = flowOf(packet);
    const known = state.inbound(packet);
    if (known !== undefined && known.mapping.lease !== undefined) {
      const { flow } = known;
      visit.steps?.push({
        kind: "translate",
        translator: name,
        before,
        after: flow,
        fresh: false,
        ...state.poolUse(flow.dst, flow.proto),
      });
      return this.#pass(visit, rewrite(packet, flow), flow.dst);
    }
    const rule = this.#inboundRules.get(`${packet.proto} ${packet.dst}:${before.dport}`)?.rule;
    const backends = rule?.backends ?? [];
    if (rule === undefined || backends.length === 0) {
      if (packet.proto === "tcp" && !packet.flags.includes("SYN")) return this.#unknown(state, visit, packet);
      return visit.drop(packet, { kind: "no-inbound", address: packet.dst, port: before.dport });
    }
    const backend = known?.mapping.backend ?? backends[flowHash(before) % backends.length]!;
    const admitted = known ?? state.admit(packet, rule, backend);
    if (admitted === undefined) return this.#unknown(state, visit, packet);
    visit.steps?.push({ kind: "inbound", rule: rule.name, backend });
    this.#pass(visit, rewrite(packet, admitted.flow), backend);
  }

  /** A segment of no flow. With TCP reset its sender is told: a backend, whose card it came by, or someone on the Internet. */
  #unknown({ translator }: TranslatorState, visit: Visit, packet: FlowPacket, nic?: FabricNic): void {
    const { name, tcpReset = false } = translator;
    visit.drop(packet, { kind: "unknown-flow", translator: name, reset: tcpReset });
    if (!tcpReset || packet.proto !== "tcp" || packet.flags.includes("RST")) return;
    const reset = answer.reset(packet);
    const journey = journeyOf(reset, visit.journey.record);
    visit.journey.trace.replies.push(journey.trace);
    const leaving = new Visit(journey, "translator", name, reset);
    if (nic !== undefined) return this.#pass(leaving, reset, nic.addresses[0]!);
    leaving.done(reset);
    this.#internet(reset, journey);
  }

  /** Tells both ends of a TCP flow that it is forgotten. */
  #resetBoth(name: string, { inside, outside, backend, awaited }: Mapping): void {
    const reset = ({ src, sport, dst, dport }: Flow, seq: number): Tcp => ({
      ...{ proto: "tcp", src, sport, dst, dport, ttl: 64, flags: ["RST"], seq, ack: 0, payload: "" },
    });
    const inwards = reset(invert(inside), awaited.inside);
    this.#pass(new Visit(journeyOf(inwards, false), "translator", name, inwards), inwards, backend);
    const outwards = reset(outside, awaited.outside);
    this.#internet(outwards, journeyOf(outwards, false));
  }

  /** From a translator into the fabric, to the card that has an address. */
  #pass(visit: Visit, packet: Packet, address: Addr): void {
    visit.done(packet);
    this.#spend("fabric");
    this.#deliver(address, packet, new Visit(visit.journey, "fabric", "fabric", packet));
  }
}

/** The name of a waiting flow, as its own host sends it. */
export const socketKey = (host: string, outgoing: Flow): string => `${host} ${flowKey(outgoing)}`;
