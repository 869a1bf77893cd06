import type { Addr } from "../ip/addr.js";
import { contains } from "../ip/cidr.js";
import { type AddressChange, addressChanges, formatChangedBy } from "../net/addressChange.js";
import { type Engine, socketKey } from "../net/engine.js";
import type { Disposition, Step, Trace } from "../net/trace.js";
import type { PortSource, TranslatorState } from "../net/translator.js";
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
  /** Its place among all senders. */
  readonly number: number;
  readonly host: string;
  readonly node: FlowNode;
  /** A node has others too, and sends from the one that faces the destination. */
  readonly address: Addr;
  /** The node's end of its link; absent for the node itself. */
  readonly link?: string;
  /** What else its way could depend on, but for its node. Equal for senders of one kind. */
  readonly shape: string;
}

/** What is called. */
export interface FlowTarget extends End {
  /** Its place among all that are called; the same for the same destination. */
  readonly number: number;
  /** The node that it is on, where it is a pod. */
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

/** Which address another sender's flow has in the part that `address` plays in the model's. */
export const partOf = (address: Addr, model: FlowSender): ((sender: FlowSender) => Addr) => {
  if (address === model.address) return sender => sender.address;
  const place = model.node.addresses.indexOf(address);
  return place < 0 ? () => address : sender => sender.node.addresses[place]!;
};

interface PublicEnd extends End {
  readonly device: string;
  /** Whether each sender has ports of its own, not its node. */
  readonly perSender: boolean;
  /** Where another sender's flows of the class have their ports from. */
  of(sender: FlowSender): PortSource;
}

/** Flows from nodes of one kind to one destination whose senders the rules cannot tell apart. One of them was traced, the others follow from it. */
export interface FlowClass {
  /** Its place among {@link FlowTracer.classes}. */
  readonly number: number;
  readonly outline: FlowOutline;
  /** Whose flow was traced. */
  readonly sender: FlowSender;
  /** The public end that it was given, where a NAT device gives each flow one of its own. */
  readonly public?: PublicEnd;
}

/** What the rules on one way ask of senders. */
interface QuestionList {
  /** Its place among all lists. */
  readonly number: number;
  readonly questions: readonly SenderMatch[];
}

/** A class that others can join: those whose answers to its questions are these, by their number. */
interface OpenClass extends FlowClass {
  readonly list: QuestionList;
  readonly answers: number;
}

/** The classes of flows from one kind of node, by their destination's number; a destination on the sender's own node is another one. */
interface KnownClasses {
  readonly near: OpenClass[][];
  readonly far: OpenClass[][];
}

/** What a node's last sender called: the classes of its flows, and where their ports come from. */
interface Last {
  readonly to: readonly FlowTarget[];
  readonly classes: (OpenClass | undefined)[];
  /** What whoever joins these classes has to answer. */
  readonly answers: Map<QuestionList, number>;
  readonly ports: (PortSource | undefined)[];
}

const noClasses: KnownClasses = { near: [], far: [] };

/** A flow of a table: what it has in common with others, and what is its own. */
export interface ClassedFlow {
  readonly class: FlowClass;
  readonly sender: FlowSender;
  /** The client's port. */
  readonly port: number;
  readonly to: FlowTarget;
  /** Its public end; undefined where it has none, or where no port was left. */
  readonly public: End | undefined;
}

/** What is kept of a flow: the numbers of its sender, destination and class, the client's port, and its place among the ports of its source. */
const width = 5;

/** In place of a place among ports: no public end, or the one that the class was traced with. */
const noPlace = 0xffffffff;
const asTraced = 0xfffffffe;

/** Flows as numbers, 20 bytes each. */
class FlowStore {
  readonly #numbers: Uint32Array;
  #next = 0;

  constructor(flows: number) {
    this.#numbers = new Uint32Array(flows * width);
  }

  add(sender: number, to: number, of: number, port: number, place: number): void {
    const start = this.#next;
    const numbers = this.#numbers;
    numbers[start] = sender;
    numbers[start + 1] = to;
    numbers[start + 2] = of;
    numbers[start + 3] = port;
    numbers[start + 4] = place;
    this.#next = start + width;
  }

  /** The numbers of one flow, as they were added. */
  at(index: number): readonly [sender: number, to: number, of: number, port: number, place: number] {
    const [sender = 0, to = 0, of = 0, port = 0, place = 0] = this.#numbers.subarray(
      index * width,
      (index + 1) * width,
    );
    return [sender, to, of, port, place];
  }
}

/** Whether a sender's own place, beside its address and port, shows in what happened. */
const isPlain = ({ outline, sender, public: taken }: Omit<FlowClass, "number">): boolean => {
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
  /** By kind of node. */
  readonly #known = new Map<string, KnownClasses>();
  readonly #classes: FlowClass[] = [];
  readonly #flows: FlowStore;
  /** Equal lists of questions are one list, so that a sender answers each once. */
  readonly #lists = new Map<string, QuestionList>();
  /** Numbers of all answers that senders gave. */
  readonly #answers = new Map<string, number>();
  #sender: FlowSender | undefined;
  /** By node, as most senders of a node are alike. */
  readonly #last = new Map<FlowNode, Last>();
  #ofShape = noClasses;
  /** The numbers of its answers, by list; -1 where it was not asked. */
  #ofSender = new Int32Array(16);
  /** Whether an answer may change the way of a later flow. */
  readonly #answersCount: boolean;
  #traced = 0;

  /**
   * @param senders all that {@link follow} will be given, in the order of their numbers
   * @param targets likewise
   * @param flows how many flows there will be
   */
  constructor(
    private readonly engine: Engine,
    private readonly senders: readonly FlowSender[],
    private readonly targets: readonly FlowTarget[],
    flows: number,
  ) {
    this.#flows = new FlowStore(flows);
    this.#answersCount = [...new Set(engine.network.hosts.map(({ rules }) => rules))].some(countsAnswers);
    this.#hosts = new Map(engine.network.hosts.map(host => [host.id, host]));
    this.#devices = new Map(engine.translators.map(state => [state.translator.name, state]));
  }

  /** One of the flows, in the order in which they were followed. */
  at(index: number): ClassedFlow {
    const [sender, to, of, port, place] = this.#flows.at(index);
    const flow = { class: this.#classes[of]!, sender: this.senders[sender]!, port, to: this.targets[to]! };
    const taken = flow.class.public;
    return {
      ...flow,
      public: place === noPlace ? undefined : place === asTraced ? taken : taken!.of(flow.sender).at(place),
    };
  }

  /** Flows that were traced; all others were derived. */
  get traced(): number {
    return this.#traced;
  }

  /**
   * The next flows of a sender, one to each destination.
   * @param port the client's port, by the place of the destination
   * @param alone a client port may be another flow's on the same node, so nothing is taken over from others
   */
  follow(sender: FlowSender, to: readonly FlowTarget[], port: (place: number) => number, alone: boolean): void {
    this.#begin(sender);
    const { classes, answers, ports } = this.#lastAlike(sender, to);
    for (let place = 0; place < to.length; place++) {
      const target = to[place]!;
      const client = port(place);
      let known = alone ? undefined : classes[place];
      if (known === undefined) {
        known = alone ? undefined : this.#find(sender, target);
        if (known === undefined) {
          const of = this.#traceClass(sender, client, target, alone);
          this.#flows.add(
            sender.number,
            target.number,
            of.number,
            client,
            of.public === undefined ? noPlace : asTraced,
          );
          continue;
        }
        classes[place] = known;
        answers.set(known.list, known.answers);
      }
      let portPlace = noPlace;
      if (known.public !== undefined) {
        let source = ports[place];
        if (source === undefined || known.public.perSender) ports[place] = source = known.public.of(sender);
        portPlace = source.take() ?? noPlace;
      }
      this.#flows.add(sender.number, target.number, known.number, client, portPlace);
    }
  }

  #begin(sender: FlowSender): void {
    this.#sender = sender;
    this.#ofSender.fill(-1);
    let known = this.#known.get(sender.node.shape);
    if (known === undefined) this.#known.set(sender.node.shape, (known = { near: [], far: [] }));
    this.#ofShape = known;
  }

  /** What the last sender of the node called, where this one would answer as it did. */
  #lastAlike(sender: FlowSender, to: readonly FlowTarget[]): Last {
    const last = this.#last.get(sender.node);
    if (last?.to === to && [...last.answers].every(([list, answers]) => this.#answersTo(list) === answers)) return last;
    const next: Last = { to, classes: [], answers: new Map(), ports: [] };
    this.#last.set(sender.node, next);
    return next;
  }

  #classesOf(sender: FlowSender, to: FlowTarget): OpenClass[] {
    const classes = to.node === sender.node.name ? this.#ofShape.near : this.#ofShape.far;
    return (classes[to.number] ??= []);
  }

  #find(sender: FlowSender, to: FlowTarget): OpenClass | undefined {
    return this.#classesOf(sender, to).find(({ list, answers }) => this.#answersTo(list) === answers);
  }

  /** The class of a flow that no known one fits; others can join it, unless something told this flow from all others. */
  #traceClass(sender: FlowSender, port: number, to: FlowTarget, alone: boolean): FlowClass {
    const { traced, list } = this.#trace(sender, port, to);
    const number = this.#classes.length;
    if (alone || list === undefined) {
      const own = { number, ...traced };
      this.#classes.push(own);
      return own;
    }
    const open: OpenClass = { number, ...traced, list, answers: this.#answersTo(list) };
    this.#classes.push(open);
    this.#classesOf(sender, to).push(open);
    return open;
  }

  /** What the sender at hand answers. */
  #answersTo({ number: place, questions }: QuestionList): number {
    if (place >= this.#ofSender.length) {
      const longer = new Int32Array(place * 2).fill(-1);
      longer.set(this.#ofSender);
      this.#ofSender = longer;
    }
    let number = this.#ofSender[place]!;
    if (number >= 0) return number;
    const sender = this.#sender!;
    const text = sender.shape + questions.map(match => ` ${answer(match, sender)}`).join("");
    number = this.#answers.get(text) ?? this.#answers.size;
    this.#answers.set(text, number);
    this.#ofSender[place] = number;
    return number;
  }

  #same(questions: Questions): QuestionList | undefined {
    if (questions === undefined) return undefined;
    const key = [...questions.keys()].join();
    let list = this.#lists.get(key);
    if (list === undefined)
      this.#lists.set(key, (list = { number: this.#lists.size, questions: [...questions.values()] }));
    return list;
  }

  #trace(
    sender: FlowSender,
    port: number,
    to: End,
  ): { readonly traced: Omit<FlowClass, "number">; readonly list: QuestionList | undefined } {
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
    const trace = this.#answersCount ? this.#answered(sender.host, packet) : engine.sendUnanswered(sender.host, packet);
    engine.clock = clock; // all flows begin at the same moment
    const traced = { outline: outlineOf(trace), sender, ...this.#publicEnd(trace, sender, to) };
    const open = isPlain(traced) && !trace.hops.some(hop => hop.steps.some(isOwn)) && !isExhausted(trace);
    return { traced, list: open ? this.#same(questionsOn(trace, this.#hosts)) : undefined };
  }

  /** Follows a packet and its answer, for which somebody waits, so that it is not refused. */
  #answered(host: string, packet: Tcp): Trace {
    const waiting = socketKey(host, flowOf(packet));
    this.engine.sockets.set(waiting, []);
    const { trace } = this.engine.send(host, packet, true);
    this.engine.sockets.delete(waiting);
    return trace;
  }

  #publicEnd({ hops }: Trace, sender: FlowSender, to: End): { readonly public?: PublicEnd } {
    for (const { steps } of hops)
      for (const step of steps)
        if (step.kind === "translate" && step.before.src !== step.after.src) {
          const { before, after, translator: device } = step;
          const state = this.#devices.get(device)!;
          const sourceOf = partOf(before.src, sender);
          const known = new Map<Addr, PortSource>();
          const of = (other: FlowSender): PortSource => {
            const source = sourceOf(other);
            const ports = known.get(source) ?? state.ports(source, "tcp", to.address, to.port);
            known.set(source, ports);
            return ports;
          };
          const perSender = before.src === sender.address;
          return { public: { address: after.src, port: after.sport, device, perSender, of } };
        }
    return {};
  }
}

/** Whether rules that answers meet decide by chance or count, so that the next packet fares otherwise. Those of nat meet only what begins a flow. */
const countsAnswers = ({ tables }: Ruleset): boolean =>
  tables.some(
    ({ name, chains }) =>
      name !== "nat" &&
      chains.some(({ rules }) => rules.some(rule => rule.matches.some(({ kind }) => kind === "statistic"))),
  );

/** A step by which a flow differs from the next: a backend is chosen by the flow's hash. */
const isOwn = (step: Step): boolean => step.kind === "inbound";

const isExhausted = ({ disposition }: Trace): boolean =>
  disposition.kind === "dropped" && disposition.reason.kind === "ports-exhausted";
