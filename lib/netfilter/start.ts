import type { Addr } from "../ip/addr.js";
import { type Flow, type FlowPacket, flowOf, isFlowPacket } from "../packet/flow.js";
import { type IcmpError, type Packet, packetLength } from "../packet/packet.js";
import {
  type Chance,
  type Compiled,
  type CompiledChain,
  type CompiledRule,
  type Stage,
  addrTypeBit,
  compile,
  stateBit,
} from "./compile.js";
import { Counts } from "./counts.js";
import { type NatRange, Translator, type Which } from "./nat.js";
import type { Netfilter, NetfilterHost, NetfilterStep, Skb, StartNetfilter, Verdict } from "./netfilter.js";
import { ConnectionTable } from "./connectionTable.js";
import { type TcpTiming, TcpTrack, setClosed, tcpSegment, tcpTiming } from "./tcp.js";
import {
  Tracked,
  type Tuple,
  assured,
  confirmed,
  destinationDone,
  destinationNat,
  echoRequest,
  flowOfTuple,
  seenReply,
  sourceDone,
  sourceNat,
  tupleOf,
  udp,
  unsigned,
} from "./tuple.js";
import {
  type ConntrackState,
  type ConntrackTimeouts,
  conntrackTimeouts,
  type CountedRuleset,
  type Hook,
  type TableName,
} from "./ruleset.js";

const accept: Verdict = { kind: "accept" };

/** How a packet stands to its connection. The odd ones go the way of the reply. */
const invalid = 0;
const fresh = 2;
const established = 4;
const related = 6;
const answering = 1;

const stateOf = (relation: number): ConntrackState => {
  if (relation === invalid) return "INVALID";
  return relation < established ? "NEW" : relation < related ? "ESTABLISHED" : "RELATED";
};

/** A UDP conversation still going on after this is a stream. */
const udpStreamAfter = 2_000;

/** What an address is where the host says no more than which are its own. */
const addrTypeOf = (host: NetfilterHost, address: Addr): number => {
  const first = address >>> 24;
  if (address === 0 || address === 0xffffffff) return addrTypeBit.BROADCAST;
  if (first >= 224 && first < 240) return addrTypeBit.MULTICAST;
  if (host.addrType !== undefined) return addrTypeBit[host.addrType(address)];
  return first === 127 || host.isLocal(address) ? addrTypeBit.LOCAL : addrTypeBit.UNICAST;
};

/** One side of a packet made as `target` has it. */
const rewriteSide = (packet: FlowPacket, target: Tuple, which: Which): FlowPacket => {
  if (packet.proto === "icmp") {
    const id = target.proto === echoRequest ? target.sport : target.dport;
    return which === "source"
      ? { ...packet, src: unsigned(target.src), id }
      : { ...packet, dst: unsigned(target.dst), id };
  }
  return which === "source"
    ? { ...packet, src: unsigned(target.src), sport: target.sport }
    : { ...packet, dst: unsigned(target.dst), dport: target.dport };
};

const anyFlow = (packet: Packet): Flow =>
  isFlowPacket(packet) ? flowOf(packet) : { proto: "icmp", src: packet.src, sport: 0, dst: packet.dst, dport: 0 };

/** The kernel's connection tracking and rules on one host. */
class Running implements Netfilter, Chance {
  private readonly table: ConnectionTable;
  private readonly translator: Translator;
  private readonly timeouts: ConntrackTimeouts;
  private readonly tcpTiming: TcpTiming;
  private readonly counts = new Counts();
  private readonly nth = new Map<number, number>();
  private skb: Skb = { packet: undefined as never, mark: 0 };
  private steps: NetfilterStep[] | undefined;
  private bytes = -1;

  constructor(
    private readonly compiled: Compiled,
    private readonly host: NetfilterHost,
  ) {
    this.table = new ConnectionTable(() => host.now());
    this.translator = new Translator(this.table, host.random);
    this.timeouts = { ...conntrackTimeouts, ...host.timeouts };
    this.tcpTiming = tcpTiming(this.timeouts);
  }

  run(hook: Hook, skb: Skb, steps?: NetfilterStep[]): Verdict {
    const stages = this.compiled.hooks[hook];
    if (stages.length === 0) return accept;
    this.skb = skb;
    this.steps = steps;
    this.bytes = -1;
    for (const stage of stages) {
      const { mark } = skb;
      const { dst } = skb.packet;
      const verdict = this.stage(hook, stage);
      if (verdict.kind !== "accept") return verdict;
      if (hook !== "OUTPUT") continue;
      const marked = skb.mark !== mark && stage.kind === "chain" && stage.table === "mangle";
      if (!marked && skb.packet.dst === dst) continue;
      skb.rerouted = true;
      if (this.host.hasRoute?.(skb.packet.dst, skb.packet.src) === false) return accept; // the host will find no way
    }
    return accept;
  }

  confirm(skb: Skb): Verdict {
    this.skb = skb;
    return this.confirmOwn();
  }

  closeByReset({ connection }: Skb): void {
    const entry = connection as Tracked | undefined;
    if (entry?.tcp !== undefined) this.refresh(entry, setClosed(entry.tcp, this.tcpTiming) * 1000);
  }

  conntrack() {
    return this.table.list();
  }

  counters(): CountedRuleset {
    return {
      tables: this.compiled.tables.map(({ name, chains }) => ({
        name,
        chains: chains.map(({ source, compiled }) => ({
          ...source,
          counters: this.counts.read(compiled.counter),
          rules: compiled.rules.map(({ rule, counter }) => ({ ...rule, counters: this.counts.read(counter) })),
        })),
      })),
    };
  }

  addrType(address: number): number {
    return addrTypeOf(this.host, address as Addr);
  }

  stateBits(): number {
    const entry = this.skb.connection as Tracked | undefined;
    if (entry === undefined) return stateBit.INVALID;
    let bits = stateBit[stateOf(this.skb.relation ?? invalid)];
    if ((entry.status & sourceNat) !== 0) bits |= stateBit.SNAT;
    if ((entry.status & destinationNat) !== 0) bits |= stateBit.DNAT;
    return bits;
  }

  draw(): number {
    return this.host.random.float();
  }

  count(slot: number, start: number, last: number): number {
    const before = this.nth.get(slot) ?? start;
    const now = before === last ? 0 : before + 1;
    this.nth.set(slot, now);
    return now;
  }

  private stage(hook: Hook, stage: Stage): Verdict {
    switch (stage.kind) {
      case "chain":
        return this.traverse(hook, stage.table, stage.chain);
      case "nat":
        return this.nat(hook, stage.which, stage.chain);
      case "track":
        this.track();
        return accept;
      case "confirm":
        return this.confirmOwn();
    }
  }

  private hit(counter: number): void {
    if (this.bytes < 0) this.bytes = packetLength(this.skb.packet);
    this.counts.add(counter, this.bytes);
  }

  private traverse(hook: Hook, table: TableName, start: CompiledChain): Verdict {
    const { skb, steps } = this;
    let callers: { readonly chain: CompiledChain; readonly next: number }[] | undefined;
    let chain = start;
    let next = 0;
    for (;;) {
      let rule = chain.rules[next];
      if (rule?.run !== undefined) {
        const { run } = rule;
        next = next === run.start ? run.enter(skb.packet) : run.after(next - 1);
        if (next === run.end) continue;
        rule = chain.rules[next];
      } else if (rule?.choice !== undefined) {
        const { choice } = rule;
        next = choice.next(next, this.draw());
        if (next === choice.end) continue;
        rule = chain.rules[next];
      }
      next++;
      if (rule === undefined) {
        const caller = callers?.pop();
        if (caller === undefined) return this.policy(hook, table, start);
        ({ chain, next } = caller);
        continue;
      }
      if (rule.choice === undefined && !this.matches(rule)) continue;
      this.hit(rule.counter);
      steps?.push({ kind: "rule", hook, table, chain: chain.name, number: rule.number, rule: rule.rule });
      const { action } = rule;
      switch (action.kind) {
        case "count":
          break;
        case "mark": {
          const before = skb.mark;
          skb.mark = ((before & action.keep) ^ action.value) >>> 0;
          steps?.push({ kind: "mark", before, after: skb.mark });
          break;
        }
        case "jump":
          (callers ??= []).push({ chain, next });
          chain = action.chain;
          next = 0;
          break;
        case "goto":
          chain = action.chain;
          next = 0;
          break;
        case "return":
          next = chain.rules.length;
          break;
        case "accept":
          return accept;
        case "drop":
          return { kind: "drop", reason: { kind: "rule", table, chain: chain.name, number: rule.number } };
        case "reject":
          return { kind: "reject", with: action.target.with };
        case "translate":
          this.translator.settle(this.connection(), action.which, action.range);
          return accept;
        case "masquerade":
          return this.masquerade(action.range);
      }
    }
  }

  private matches(rule: CompiledRule): boolean {
    const { source, destination, tests } = rule;
    const { src, dst } = this.skb.packet;
    if (((dst & destination.mask) === destination.base) !== destination.inside) return false;
    if (((src & source.mask) === source.base) !== source.inside) return false;
    for (let i = 0; i < tests.length; i++) if (!tests[i]!(this.skb, this)) return false;
    return true;
  }

  private policy(hook: Hook, table: TableName, chain: CompiledChain): Verdict {
    this.hit(chain.counter);
    this.steps?.push({ kind: "policy", hook, table, policy: chain.policy });
    return chain.policy === "ACCEPT" ? accept : { kind: "drop", reason: { kind: "policy", table, chain: chain.name } };
  }

  private connection(): Tracked {
    return this.skb.connection as Tracked;
  }

  private masquerade(range: NatRange): Verdict {
    const entry = this.connection();
    if (entry.originalTuple.src === 0) return accept;
    const out = this.skb.out ?? "";
    const address = this.host.sourceFor(out, this.skb.packet.dst);
    if (address === undefined) return { kind: "drop", reason: { kind: "no-source", interface: out } };
    this.translator.settle(entry, "source", { ...range, addresses: { first: address, last: address } });
    return accept;
  }

  /** The nat table is asked once a connection and side; what it said then holds for every later packet. */
  private nat(hook: Hook, which: Which, chain: CompiledChain): Verdict {
    const { skb } = this;
    const entry = skb.connection as Tracked | undefined;
    if (entry === undefined) return accept;
    const relation = skb.relation ?? invalid;
    if (relation >= related && !isFlowPacket(skb.packet)) {
      this.translateError(hook, which, skb.packet, entry, relation);
      return accept;
    }
    const done = which === "source" ? sourceDone : destinationDone;
    const first = (relation < established || relation >= related) && (entry.status & done) === 0;
    if (first) {
      const verdict = this.traverse(hook, "nat", chain);
      if (verdict.kind !== "accept") return verdict;
      if ((entry.status & done) === 0) this.translator.settle(entry, which, undefined);
    }
    this.translate(hook, which, entry, relation, first);
    return accept;
  }

  private translate(hook: Hook, which: Which, entry: Tracked, relation: number, first: boolean): void {
    const { packet } = this.skb;
    const backward = (relation & answering) !== 0;
    const changed = (which === "source") !== backward ? sourceNat : destinationNat;
    if ((entry.status & changed) === 0 || !isFlowPacket(packet)) return;
    const target = (backward ? entry.originalTuple : entry.replyTuple).invert();
    const after = rewriteSide(packet, target, which);
    this.skb.packet = after;
    this.steps?.push({
      kind: "nat",
      hook,
      which,
      before: flowOf(packet),
      after: flowOf(after),
      by: first ? "rule" : "connection",
    });
  }

  /** An ICMP error travels against the packet that it quotes, so the quoted packet's other side changes with its own. */
  private translateError(hook: Hook, which: Which, packet: IcmpError, entry: Tracked, relation: number): void {
    const backward = (relation & answering) !== 0;
    const changed = (which === "source") !== backward ? sourceNat : destinationNat;
    if ((entry.status & changed) === 0) return;
    const quotedTuple = backward ? entry.originalTuple : entry.replyTuple;
    const quoted = rewriteSide(packet.quoted, quotedTuple, which === "source" ? "destination" : "source");
    const outer = quotedTuple.invert();
    const after = {
      ...packet,
      ...(which === "source" ? { src: unsigned(outer.src) } : { dst: unsigned(outer.dst) }),
      quoted,
    };
    this.skb.packet = after;
    this.steps?.push({ kind: "nat", hook, which, before: anyFlow(packet), after: anyFlow(after), by: "connection" });
  }

  private track(): void {
    const { skb } = this;
    if (skb.relation !== undefined) return;
    if (isFlowPacket(skb.packet)) this.trackFlow(skb.packet);
    else this.trackError(skb.packet);
    const entry = skb.connection;
    const state = stateOf(skb.relation ?? invalid);
    this.steps?.push({
      kind: "track",
      state,
      ...(entry === undefined ? {} : { original: entry.original, reply: entry.reply }),
    });
  }

  private trackFlow(packet: FlowPacket): void {
    const tuple = tupleOf(packet);
    for (;;) {
      const found = this.table.find(tuple);
      const entry = found?.owner ?? new Tracked(tuple, tuple.invert());
      const backward = found !== undefined && found === entry.replyTuple;
      const outcome = this.follow(entry, packet, backward);
      if (outcome === "again") {
        this.table.remove(entry);
        continue;
      }
      if (outcome === "invalid") {
        this.skb.relation = invalid;
        return;
      }
      this.skb.connection = entry;
      if (backward) entry.status |= seenReply;
      this.skb.relation = backward ? established | answering : (entry.status & seenReply) !== 0 ? established : fresh;
      return;
    }
  }

  private follow(entry: Tracked, packet: FlowPacket, backward: boolean): "ok" | "again" | "invalid" {
    switch (packet.proto) {
      case "icmp":
        if (entry.originalTuple.proto !== echoRequest) return "invalid";
        this.refresh(entry, this.timeouts.icmp_timeout * 1000);
        return "ok";
      case "udp": {
        const now = this.host.now();
        if ((entry.status & confirmed) === 0) entry.streamAt = now + udpStreamAfter;
        const stream = (entry.status & seenReply) !== 0 && now > entry.streamAt;
        this.refresh(entry, (stream ? this.timeouts.udp_timeout_stream : this.timeouts.udp_timeout) * 1000);
        if (stream) entry.status |= assured;
        return "ok";
      }
      case "tcp": {
        const track = (entry.tcp ??= new TcpTrack());
        const outcome = tcpSegment(
          track,
          backward ? 1 : 0,
          packet,
          (entry.status & seenReply) !== 0,
          (entry.status & assured) !== 0,
          this.tcpTiming,
        );
        if (outcome.kind === "invalid") {
          if (outcome.remember !== undefined)
            entry.expires = Math.min(entry.expires, this.host.now() + outcome.remember * 1000);
          return "invalid";
        }
        if (outcome.kind === "reopen") return "again";
        if (outcome.kind === "forget") this.table.remove(entry);
        if (outcome.kind === "moved") {
          this.refresh(entry, outcome.timeout * 1000);
          if (outcome.assured) entry.status |= assured;
        }
        return "ok";
      }
    }
  }

  private refresh(entry: Tracked, milliseconds: number): void {
    entry.expires = (entry.status & confirmed) === 0 ? milliseconds : this.host.now() + milliseconds;
  }

  /** An error belongs to the connection of the packet that it quotes, and goes the other way. */
  private trackError(packet: IcmpError): void {
    const found = this.table.find(tupleOf(packet.quoted).invert());
    const entry = found?.owner;
    this.skb.relation = invalid;
    if (found === undefined || entry === undefined || found.dst !== (packet.dst | 0)) return;
    this.skb.connection = entry;
    this.skb.relation = found === entry.replyTuple ? related | answering : related;
  }

  /** The packet has come to the end of its way through the host: its connection may enter the table. */
  private confirmOwn(): Verdict {
    const entry = this.skb.connection as Tracked | undefined;
    if (entry === undefined || (entry.status & confirmed) !== 0 || ((this.skb.relation ?? invalid) & answering) !== 0)
      return accept;
    const there = this.table.find(entry.originalTuple)?.owner;
    const other = there ?? this.table.find(entry.replyTuple)?.owner;
    if (other !== undefined) return this.clash(entry, other);
    entry.status |= confirmed;
    entry.expires += this.host.now();
    this.table.insert(entry);
    return accept;
  }

  /** Two packets of one UDP socket may both have come first; anything else that is not unique is lost. */
  private clash(entry: Tracked, other: Tracked): Verdict {
    if (
      entry.originalTuple.proto === udp &&
      other.originalTuple.equals(entry.originalTuple) &&
      other.replyTuple.equals(entry.replyTuple)
    ) {
      this.skb.connection = other;
      return accept;
    }
    return { kind: "drop", reason: { kind: "ports-exhausted", wanted: flowOfTuple(entry.replyTuple.invert()) } };
  }
}

const idle = (): Netfilter => ({
  run: () => accept,
  confirm: () => accept,
  closeByReset: () => undefined,
  conntrack: () => [],
  counters: () => ({ tables: [] }),
});

/**
 * Starts a host's netfilter: its rules, with counters at zero and no connections.
 * @throws InputError for rules that iptables would refuse
 */
export const startNetfilter: StartNetfilter = (ruleset, host) =>
  ruleset.tables.length === 0 ? idle() : new Running(compile(ruleset), host);

/**
 * Marks a packet that a host sends because of another (REJECT's answer) as belonging to that one's connection,
 * which may not be in the table yet. Call it before the answer meets OUTPUT.
 */
export const relate = (answer: Skb, cause: Skb): void => {
  if (cause.connection === undefined || cause.relation === undefined) return;
  answer.connection = cause.connection;
  answer.relation = (cause.relation & answering) === 0 ? related | answering : related;
};
