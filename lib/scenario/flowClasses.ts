import type { Addr } from "../ip/addr.js";
import { contains } from "../ip/cidr.js";
import { type AddressChange, addressChanges, formatChangedBy } from "../net/addressChange.js";
import { type Engine, socketKey } from "../net/engine.js";
import type { Disposition, Step, Trace } from "../net/trace.js";
import type { TranslatorState } from "../net/translator.js";
import type { Host } from "../net/types.js";
import { interfaceTest } from "../netfilter/compile.js";
import type { Chain, Hook, Match, Ruleset } from "../netfilter/types.js";
import { type Flow, flowOf } from "../packet/flow.js";
import type { Packet, Tcp } from "../packet/packet.js";

/** An address and a port. */
export interface End {
  readonly address: Addr;
  readonly port: number;
}

/** What one flow met, in numbers: its source at each stage, and what changed its ends. */
export interface FlowOutline {
  /** Of the first packet, as its sender made it. */
  readonly sent: End;
  readonly leavingNode?: End;
  readonly inVnet?: End;
  readonly onInternet?: End;
  readonly received?: End;
  readonly ttl?: number;
  /** The host that received it. */
  readonly receiver?: string;
  readonly changes: readonly OutlinedChange[];
  readonly outcome: Disposition["kind"];
}

export interface OutlinedChange {
  readonly place: string;
  readonly which: "source" | "destination";
  readonly from: End;
  readonly to: End;
  readonly by: string;
  readonly comment?: string;
}

const sourceOf = (packet: Packet): End => ({ address: packet.src, port: packet.proto === "icmp" ? 0 : packet.sport });

const isTranslation = (step: Step): boolean =>
  step.kind === "public-address" || (step.kind === "translate" && step.before.src !== step.after.src);

const outlineChange = ({ place, which, before, after, by }: AddressChange): OutlinedChange => {
  const end = ({ src, sport, dst, dport }: Flow): End =>
    which === "source" ? { address: src, port: sport } : { address: dst, port: dport };
  return {
    place,
    which,
    from: end(before),
    to: end(after),
    by: formatChangedBy(by),
    ...(by.kind === "rule" && by.comment !== undefined && { comment: by.comment }),
  };
};

/** What a trace says of its flow. */
export const outlineOf = (trace: Trace): FlowOutline => {
  const { hops, disposition } = trace;
  const entry = hops.findIndex(hop => hop.kind === "fabric");
  const leaving = hops[entry - 1];
  const fabric = hops[entry];
  const translated = hops.find(hop => hop.steps.some(isTranslation));
  const last = hops.at(-1)!;
  return {
    sent: sourceOf(hops[0]!.before),
    ...(leaving !== undefined && { leavingNode: sourceOf(leaving.after) }),
    ...(fabric !== undefined && { inVnet: sourceOf(fabric.before) }),
    ...(translated !== undefined && { onInternet: sourceOf(translated.after) }),
    ...(disposition.kind === "delivered" && {
      received: sourceOf(last.before),
      ttl: last.before.ttl,
      receiver: last.place,
    }),
    changes: addressChanges(trace).map(outlineChange),
    outcome: disposition.kind,
  };
};

// --- which flows are alike -------------------------------------------------------------------------------------------

/** A condition on who sends. Of the flows from one node to one destination nothing else can tell one from another. */
type SenderMatch = Match & { readonly kind: "source" | "iprange" | "in" };

/** What a chain asks of a sender; undefined where chance, a count or the sender's port decides, so that every flow is its own. */
type Questions = ReadonlyMap<string, SenderMatch> | undefined;

const questionsOf = (chain: Chain): Questions => {
  const questions = new Map<string, SenderMatch>();
  for (const { matches } of chain.rules)
    for (const match of matches)
      switch (match.kind) {
        case "statistic":
        case "sport":
          return undefined;
        case "multiport":
          if (match.on !== "dports") return undefined;
          break;
        case "addrtype":
          if (match.on === "source") return undefined;
          break;
        case "iprange":
          if (match.on === "source") questions.set(JSON.stringify(match), match as SenderMatch);
          break;
        case "source":
        case "in":
          questions.set(JSON.stringify(match), match as SenderMatch);
      }
  return questions;
};

const hooks: ReadonlySet<string> = new Set<Hook>(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

/** Base chains, which every packet may come by, and the others by `table chain`. */
interface Asked {
  readonly base: Questions;
  readonly chains: ReadonlyMap<string, Chain>;
}

const asked = new WeakMap<Ruleset, Asked>();

const askedBy = (rules: Ruleset): Asked => {
  let result = asked.get(rules);
  if (result === undefined) {
    const all = rules.tables.flatMap(table =>
      table.chains.map(chain => [`${table.name} ${chain.name}`, chain] as const),
    );
    const base = all.filter(([, { name }]) => hooks.has(name)).map(([, chain]) => questionsOf(chain));
    result = { base: union(base), chains: new Map(all) };
    asked.set(rules, result);
  }
  return result;
};

const ofChain = new WeakMap<Chain, { readonly questions: Questions }>();

const askedIn = (chain: Chain): Questions => {
  let result = ofChain.get(chain);
  if (result === undefined) ofChain.set(chain, (result = { questions: questionsOf(chain) }));
  return result.questions;
};

const union = (all: readonly Questions[]): Questions => {
  const found = new Map<string, SenderMatch>();
  for (const questions of all) {
    if (questions === undefined) return undefined;
    for (const [key, match] of questions) found.set(key, match);
  }
  return found;
};

/** What the rules on a trace's way ask of its sender: those of every chain that it could come by or did. */
const questionsOn = (trace: Trace, hosts: ReadonlyMap<string, Host>): Questions =>
  union(
    trace.hops.flatMap(({ kind, place, steps }) => {
      const rules = kind === "host" ? hosts.get(place)!.rules : undefined;
      if (rules === undefined || rules.tables.length === 0) return [];
      const { base, chains } = askedBy(rules);
      const jumped = steps.flatMap(step => {
        if (step.kind !== "rule" || (step.rule.target.kind !== "jump" && step.rule.target.kind !== "goto")) return [];
        return askedIn(chains.get(`${step.table} ${step.rule.target.chain}`)!);
      });
      return [base, ...jumped];
    }),
  );

/** A node, as far as a packet's way through it can tell. */
export interface FlowNode {
  readonly name: string;
  /** Its own addresses. Those at the same place on another node play the same part there. */
  readonly addresses: readonly Addr[];
  /** All else that its packets' way could depend on: its rules, routes, interfaces, card. Equal for nodes of one kind. */
  readonly shape: string;
}

/** Who sends, as far as rules can tell. */
export interface FlowSender {
  readonly host: string;
  readonly node: FlowNode;
  /** A node has others too, and sends from the one that faces the destination. */
  readonly address: Addr;
  /** The node's end of its link; absent for the node itself. */
  readonly link?: string;
  /** What else its way could depend on, but for its node. Equal for senders of one kind. */
  readonly shape: string;
}

/** What is called; `node` is the one that it is on, where it is a pod. */
export interface FlowTarget extends End {
  readonly node?: string;
}

const within = (match: SenderMatch, address: Addr): boolean => {
  if (match.kind === "iprange") return address >= match.range.first && address <= match.range.last !== match.not;
  if (match.kind === "in") return false;
  return contains(match.cidr, address) !== match.not;
};

/** A sender's answers to a question: for its own address, and for its node's, one of which may stand in for it. */
const answer = (match: SenderMatch, { address, node, link = "" }: FlowSender): string => {
  if (match.kind === "in") {
    const { interface: pattern, not } = match;
    return `${interfaceTest(pattern)(link) !== not}`;
  }
  return [address, ...node.addresses].map(each => (within(match, each) ? "y" : "n")).join("");
};

/** An address of another sender's flow, in the part that `address` plays in the model's. */
export const inPart = (address: Addr, model: FlowSender, sender: FlowSender): Addr => {
  if (address === model.address) return sender.address;
  const place = model.node.addresses.indexOf(address);
  return place < 0 ? address : sender.node.addresses[place]!;
};

interface PublicEnd extends End {
  readonly device: string;
  /** The next one, for another flow of the class. */
  next(sender: FlowSender): End | undefined;
}

/** Flows from nodes of one kind to one destination whose senders the rules cannot tell apart. One of them was traced, the others follow from it. */
export interface FlowClass {
  readonly outline: FlowOutline;
  /** Whose flow was traced. */
  readonly sender: FlowSender;
  /** The public end that it was given, where a NAT device gives each flow one of its own. */
  readonly public?: PublicEnd;
}

/** A class that others can join: those whose answers to its questions are these. */
interface OpenClass extends FlowClass {
  readonly questions: readonly SenderMatch[];
  readonly answers: string;
}

/** A flow of a table: what it has in common with others, and what is its own. */
export interface ClassedFlow {
  readonly class: FlowClass;
  /** Its public end; undefined where it has none, or where no port was left. */
  readonly public: End | undefined;
}

/** Whether a sender's own place, beside its address and port, shows in what happened. */
const isPlain = ({ outline, sender, public: taken }: FlowClass): boolean => {
  const plain = ({ address, port }: End) =>
    address === taken?.address ? port === taken.port : port === outline.sent.port;
  const sources = [outline.leavingNode, outline.inVnet, outline.onInternet, outline.received];
  return (
    sources.every(end => end === undefined || plain(end)) &&
    outline.changes.every(
      ({ which, place, from, to }) =>
        which === "source" && plain(from) && plain(to) && (place === sender.node.name || place === taken?.device),
    )
  );
};

/**
 * Follows flows to their ends. One packet is traced for each class of flows: nodes of one kind, the same destination, and senders
 * that no rule on the way tells apart. For the others only a port is taken where a NAT device gives one out. What chance, a
 * count or a port's being taken decides has no class and is traced, flow by flow.
 */
export class FlowTracer {
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #devices: ReadonlyMap<string, TranslatorState>;
  /** By kind of node, then by destination; a destination on the sender's own node is another one. */
  readonly #classes = new Map<string, { readonly near: Map<End, OpenClass[]>; readonly far: Map<End, OpenClass[]> }>();
  /** Equal lists of questions are one list, so that a sender answers each once. */
  readonly #questions = new Map<string, readonly SenderMatch[]>();
  #sender: FlowSender | undefined;
  #ofShape = { near: new Map<End, OpenClass[]>(), far: new Map<End, OpenClass[]>() };
  readonly #answers = new Map<readonly SenderMatch[], string>();
  #traced = 0;

  constructor(private readonly engine: Engine) {
    this.#hosts = new Map(engine.network.hosts.map(host => [host.id, host]));
    this.#devices = new Map(engine.translators.map(state => [state.translator.name, state]));
  }

  /** Flows that were traced; all others were derived. */
  get traced(): number {
    return this.#traced;
  }

  /**
   * The next flow of a sender.
   * @param to the destination, the same object whenever it is the same
   * @param alone the client port may be another flow's on the same node, so nothing is taken over from others
   */
  follow(sender: FlowSender, port: number, to: FlowTarget, alone: boolean): ClassedFlow {
    if (sender !== this.#sender) this.#begin(sender);
    const classes = to.node === sender.node.name ? this.#ofShape.near : this.#ofShape.far;
    const known = classes.get(to);
    if (!alone && known !== undefined)
      for (const each of known)
        if (this.#answersOf(each.questions) === each.answers) return { class: each, public: each.public?.next(sender) };
    const { traced, questions } = this.#trace(sender, port, to);
    if (!alone && questions !== undefined) {
      const open = { ...traced, questions, answers: this.#answersOf(questions) };
      if (known === undefined) classes.set(to, [open]);
      else known.push(open);
      return { class: open, public: open.public };
    }
    return { class: traced, public: traced.public };
  }

  #begin(sender: FlowSender): void {
    this.#sender = sender;
    this.#answers.clear();
    const { shape } = sender.node;
    let known = this.#classes.get(shape);
    if (known === undefined) this.#classes.set(shape, (known = { near: new Map(), far: new Map() }));
    this.#ofShape = known;
  }

  /** What the sender at hand answers. */
  #answersOf(questions: readonly SenderMatch[]): string {
    let text = this.#answers.get(questions);
    if (text === undefined) {
      const sender = this.#sender!;
      text = sender.shape + questions.map(match => ` ${answer(match, sender)}`).join("");
      this.#answers.set(questions, text);
    }
    return text;
  }

  #same(questions: Questions): readonly SenderMatch[] | undefined {
    if (questions === undefined) return undefined;
    const key = [...questions.keys()].join();
    const known = this.#questions.get(key);
    if (known !== undefined) return known;
    const list = [...questions.values()];
    this.#questions.set(key, list);
    return list;
  }

  #trace(
    sender: FlowSender,
    port: number,
    to: End,
  ): { readonly traced: FlowClass; readonly questions: readonly SenderMatch[] | undefined } {
    this.#traced++;
    const { engine } = this;
    const { clock } = engine;
    const packet: Tcp = {
      proto: "tcp",
      src: engine.source(sender.host, to.address) ?? sender.address,
      sport: port,
      dst: to.address,
      dport: to.port,
      ttl: 64,
      flags: ["SYN"],
      seq: (port * 0x10001) >>> 0,
      ack: 0,
      payload: "",
    };
    const waiting = socketKey(sender.host, flowOf(packet)); // somebody does, so the answer is not refused
    engine.sockets.set(waiting, []);
    const { trace } = engine.send(sender.host, packet, true);
    engine.sockets.delete(waiting);
    engine.clock = clock; // all flows begin at the same moment
    const traced = { outline: outlineOf(trace), sender, ...this.#publicEnd(trace, sender, to) };
    const open = isPlain(traced) && !trace.hops.some(hop => hop.steps.some(isOwn)) && !isExhausted(trace);
    return { traced, questions: open ? this.#same(questionsOn(trace, this.#hosts)) : undefined };
  }

  #publicEnd({ hops }: Trace, sender: FlowSender, to: End): { readonly public?: PublicEnd } {
    for (const { steps } of hops)
      for (const step of steps)
        if (step.kind === "translate" && step.before.src !== step.after.src) {
          const { before, after, translator: device } = step;
          const state = this.#devices.get(device)!;
          const known = new Map<Addr, () => End | undefined>();
          const next = (other: FlowSender) => {
            const source = inPart(before.src, sender, other);
            let ports = known.get(source);
            if (ports === undefined) known.set(source, (ports = state.ports(source, "tcp", to.address, to.port)));
            return ports();
          };
          return { public: { address: after.src, port: after.sport, device, next } };
        }
    return {};
  }
}

/** A step by which a flow differs from the next: a backend is chosen by the flow's hash. */
const isOwn = (step: Step): boolean => step.kind === "inbound";

const isExhausted = ({ disposition }: Trace): boolean =>
  disposition.kind === "dropped" && disposition.reason.kind === "ports-exhausted";
