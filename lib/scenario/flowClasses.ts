import type { Addr } from "../ip/addr.js";
import { type AddressChange, addressChanges, formatChangedBy } from "../net/addressChange.js";
import { chanceAt, Engine, socketKey } from "../net/engine.js";
import type { Disposition, Step, Trace } from "../net/trace.js";
import type { PortSource, TranslatorState } from "../net/translator.js";
import type { Host, Network } from "../net/network.js";
import type { Ruleset } from "../netfilter/ruleset.js";
import { type Flow, flowOf } from "../packet/flow.js";
import type { Packet, Tcp } from "../packet/packet.js";
import type { SeededRandom } from "../random.js";
import { type Asked, askedOn, type Backend, type Draw, QuestionList } from "./flowQuestions.js";

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

/** Numbers for objects and texts: the same object and equal texts have the same number. */
export const numbered = (): ((item: object | string) => number) => {
  const numbers = new Map<object | string, number>();
  return item => {
    let number = numbers.get(item);
    if (number === undefined) numbers.set(item, (number = numbers.size));
    return number;
  };
};

/** A node, as far as a packet's way through it can tell. */
export interface FlowNode {
  readonly name: string;
  /** Its own addresses. Those at the same place on another node play the same part there. */
  readonly addresses: readonly Addr[];
  /** A number for all else that its packets' way could depend on: its rules, routes, interfaces, card. Equal for nodes of one kind. */
  readonly shape: number;
}

/** Who sends, as far as rules can tell. */
export interface FlowSender {
  /** Its place among all senders. */
  readonly number: number;
  readonly host: string;
  readonly node: FlowNode;
  /** A node has others too, and sends from the one that faces the destination. */
  readonly address: Addr;
  /** The node's end of its link; undefined for the node itself. */
  readonly link: string | undefined;
  /** A number for what else its way could depend on, but for its node. Equal for senders of one kind. */
  readonly shape: number;
}

/** What is called. */
export interface FlowTarget extends End {
  /** Its place among all that are called; the same for the same destination. */
  readonly number: number;
  /** The node that it is on, where it is a pod. */
  readonly node?: string;
}

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
  /** Its place among the tracer's classes. */
  readonly number: number;
  readonly outline: FlowOutline;
  /** Whose flow was traced. */
  readonly sender: FlowSender;
  /** The public end that it was given, where a NAT device gives each flow one of its own. */
  readonly public?: PublicEnd;
  /** Where the sender's node drew who gets the flow: the draw, and the pod that got the one that was traced. */
  readonly drawn?: { readonly draw: Draw; readonly host: string };
}

/** What the rules on one way ask. */
interface Lists {
  /** Its place among all of them. */
  readonly number: number;
  readonly ofSender: QuestionList;
  readonly ofBackend: QuestionList;
  /** Numbers for what each backend is and answers: equal for backends that the rules cannot tell apart. */
  readonly backends: Map<Backend, number>;
}

/** A class that others can join: those whose answers to its questions are these, by their number, and whose backend is of this kind. */
interface OpenClass extends FlowClass {
  readonly lists: Lists;
  readonly answers: number;
  readonly backendKind?: number;
}

/** Who gets the next flow by a draw. */
interface Chosen {
  readonly draw: Draw;
  /** The place of the rule that was drawn, and how many numbers that took. */
  readonly place: number;
  readonly draws: number;
  readonly backend: Backend;
  readonly pod: FlowSender;
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
  readonly answers: Map<Lists, number>;
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
  /** The pod that was drawn for it, where its class has a draw. */
  readonly backend: Backend | undefined;
}

/**
 * What is kept of a flow: the numbers of its sender, destination and class, the client's port, and a place: among the ports of
 * its source, or of the rule that was drawn for it. No flow has both: a backend is in the cluster.
 */
const width = 5;

/** In place of a place: none, or the public end that the class was traced with. */
const noPlace = 0xffffffff;
const asTraced = 0xfffffffe;

/** More than there can be places where a backend is, seen from a sender: itself, its node, a node of each other shape. */
const mostPlaces = 2 ** 24;

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

  /** One of a flow's numbers: its `field`th, as they were added. */
  at(index: number, field: 0 | 1 | 2 | 3 | 4): number {
    return this.#numbers[index * width + field]!;
  }
}

/** Whether a sender's own place, beside its address and port, shows in what happened. */
const isPlain = (
  { outline, sender, public: taken }: Omit<FlowClass, "number">,
  to: End,
  backend: Backend | undefined,
): boolean => {
  const { sent } = outline;
  const plain = ({ address, port }: End) => (address === taken?.address ? port === taken.port : port === sent.port);
  const sources = [outline.leavingNode, outline.inVnet, outline.onInternet, outline.received];
  const isChosen = ({ from, to: changed, by }: OutlinedChange) =>
    backend !== undefined &&
    from.address === to.address &&
    from.port === to.port &&
    changed.address === backend.address &&
    changed.port === backend.port &&
    by === backend.by;
  return (
    (backend === undefined || taken === undefined) &&
    sources.every(end => end === undefined || plain(end)) &&
    outline.changes.every(change =>
      change.which === "destination"
        ? change.place === sender.node.name && isChosen(change)
        : plain(change.from) &&
          plain(change.to) &&
          (change.place === sender.node.name || change.place === taken?.device),
    )
  );
};

/**
 * Follows flows to their ends. One packet is traced for each class of flows: nodes of one kind, the same destination, and senders
 * that no rule on the way tells apart. For the others only a port is taken where a NAT device gives one out, and a backend is
 * drawn where the node's rules do. What else chance, a count or a port's being taken decides has no class and is traced, flow
 * by flow.
 */
export class FlowTracer {
  readonly #engine: Engine;
  readonly #random = new Map<string, SeededRandom>();
  readonly #hosts: ReadonlyMap<string, Host>;
  readonly #devices: ReadonlyMap<string, TranslatorState>;
  /** By kind of node. */
  readonly #known = new Map<number, KnownClasses>();
  readonly #classes: FlowClass[] = [];
  readonly #flows: FlowStore;
  /** Equal lists of questions are one list, so that a sender answers each once. */
  readonly #lists = new Map<string, Lists>();
  /** Numbers of senders' answers, and of kinds of backends. */
  readonly #numberOf = numbered();
  /** Pods, by their address. */
  readonly #pods: ReadonlyMap<Addr, FlowSender>;
  /** What the next flow will draw, where that was looked at. */
  #ahead: { readonly draw: Draw; readonly chosen: Chosen | undefined } | undefined;
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
    private readonly network: Network,
    private readonly senders: readonly FlowSender[],
    private readonly targets: readonly FlowTarget[],
    flows: number,
  ) {
    const engine = new Engine(network, 0, host => this.#randomAt(host));
    this.#engine = engine;
    this.#flows = new FlowStore(flows);
    this.#answersCount = [...new Set(network.hosts.map(({ rules }) => rules))].some(countsAnswers);
    this.#hosts = new Map(network.hosts.map(host => [host.id, host]));
    this.#pods = new Map(senders.filter(({ link }) => link !== undefined).map(pod => [pod.address, pod]));
    this.#devices = new Map(engine.translators.map(state => [state.translator.name, state]));
  }

  /** One of the flows, in the order in which they were followed. */
  at(index: number): ClassedFlow {
    const flows = this.#flows;
    const sender = this.senders[flows.at(index, 0)]!;
    const of = this.#classes[flows.at(index, 2)]!;
    const place = flows.at(index, 4);
    const { public: taken, drawn } = of;
    return {
      class: of,
      sender,
      port: flows.at(index, 3),
      to: this.targets[flows.at(index, 1)]!,
      public:
        drawn !== undefined || place === noPlace ? undefined : place === asTraced ? taken : taken!.of(sender).at(place),
      backend: drawn?.draw.backend(place),
    };
  }

  /** The pod that has an address. */
  podAt(address: Addr): FlowSender | undefined {
    return this.#pods.get(address);
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
        this.#ahead = undefined;
        known = alone ? undefined : this.#find(sender, target);
        if (known === undefined) {
          this.#traceClass(sender, client, target, alone);
          continue;
        }
        if (known.drawn !== undefined) {
          this.#flows.add(sender.number, target.number, known.number, client, this.#drawn(sender));
          continue;
        }
        classes[place] = known;
        answers.set(known.lists, known.answers);
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

  /** Draws what was looked at: the place of the rule. */
  #drawn(sender: FlowSender): number {
    const { place, draws } = this.#ahead!.chosen!;
    const random = this.#randomAt(sender.node.name);
    for (let i = 0; i < draws; i++) random.float();
    return place;
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
    if (last?.to === to && [...last.answers].every(([lists, answers]) => this.#answersTo(lists) === answers))
      return last;
    const next: Last = { to, classes: [], answers: new Map(), ports: [] };
    this.#last.set(sender.node, next);
    return next;
  }

  #classesOf(sender: FlowSender, to: FlowTarget): OpenClass[] {
    const classes = to.node === sender.node.name ? this.#ofShape.near : this.#ofShape.far;
    return (classes[to.number] ??= []);
  }

  #find(sender: FlowSender, to: FlowTarget): OpenClass | undefined {
    return this.#classesOf(sender, to).find(
      ({ lists, answers, drawn, backendKind }) =>
        this.#answersTo(lists) === answers &&
        (drawn === undefined || this.#nextKind(sender, drawn.draw, lists) === backendKind),
    );
  }

  /** The kind of the backend that a draw would now give; undefined where it would give none of the pods. */
  #nextKind(sender: FlowSender, draw: Draw, lists: Lists): number | undefined {
    if (this.#ahead?.draw !== draw) this.#ahead = { draw, chosen: this.#choose(sender, draw) };
    const { chosen } = this.#ahead;
    return chosen && this.#kindOf(sender, chosen.backend, chosen.pod, lists);
  }

  #randomAt(host: string): SeededRandom {
    let random = this.#random.get(host);
    if (random === undefined) this.#random.set(host, (random = chanceAt(this.network, host)));
    return random;
  }

  #choose(sender: FlowSender, draw: Draw): Chosen | undefined {
    const random = this.#randomAt(sender.node.name).fork();
    let draws = 0;
    const place = draw.pick({
      float() {
        draws++;
        return random.float();
      },
    });
    const backend = draw.backend(place);
    const pod = backend && this.#pods.get(backend.address);
    return backend && pod && { draw, place, draws, backend, pod };
  }

  /** Backends of one kind get a sender's flows in the same way: what is asked of them, and where they are, seen from the sender. */
  #kindOf(sender: FlowSender, backend: Backend, pod: FlowSender, { number, ofBackend, backends }: Lists): number {
    let own = backends.get(backend);
    if (own === undefined) {
      const { address, port } = backend;
      own = this.#numberOf(`${pod.shape} ${port} ${number} ${ofBackend.answers([address], pod.link)}`);
      backends.set(backend, own);
    }
    const where = pod === sender ? 0 : pod.node === sender.node ? 1 : 2 + pod.node.shape;
    return own * mostPlaces + where;
  }

  /** Traces a flow that no known class fits, as one of a new class; others can join it, unless something told this flow from all others. */
  #traceClass(sender: FlowSender, port: number, to: FlowTarget, alone: boolean): void {
    const { traced, asked } = this.#trace(sender, port, to);
    const number = this.#classes.length;
    const drawn = asked?.drawn;
    const pod = drawn && this.#pods.get(drawn.backend.address);
    if (alone || asked === undefined || (drawn !== undefined && pod === undefined)) {
      this.#classes.push({ number, ...traced });
      this.#flows.add(sender.number, to.number, number, port, traced.public === undefined ? noPlace : asTraced);
      return;
    }
    const lists = this.#listsOf(asked);
    const open: OpenClass = {
      ...{ number, ...traced, lists, answers: this.#answersTo(lists) },
      ...(drawn !== undefined && {
        drawn: { draw: drawn.draw, host: pod!.host },
        backendKind: this.#kindOf(sender, drawn.backend, pod!, lists),
      }),
    };
    this.#classes.push(open);
    this.#classesOf(sender, to).push(open);
    const place = drawn?.place ?? (traced.public === undefined ? noPlace : asTraced);
    this.#flows.add(sender.number, to.number, number, port, place);
  }

  /** What the sender at hand answers. */
  #answersTo({ number: place, ofSender }: Lists): number {
    if (place >= this.#ofSender.length) {
      const longer = new Int32Array(place * 2).fill(-1);
      longer.set(this.#ofSender);
      this.#ofSender = longer;
    }
    let number = this.#ofSender[place]!;
    if (number >= 0) return number;
    const { shape, address, node, link } = this.#sender!;
    // Its node's address may stand in for its own.
    number = this.#numberOf(`${shape} ${ofSender.answers([address, ...node.addresses], link)}`);
    this.#ofSender[place] = number;
    return number;
  }

  #listsOf({ ofSender, ofBackend }: Asked): Lists {
    const key = JSON.stringify([ofSender, ofBackend]);
    let lists = this.#lists.get(key);
    if (lists === undefined) {
      lists = {
        number: this.#lists.size,
        ofSender: new QuestionList(ofSender),
        ofBackend: new QuestionList(ofBackend),
        backends: new Map(),
      };
      this.#lists.set(key, lists);
    }
    return lists;
  }

  #trace(
    sender: FlowSender,
    port: number,
    to: End,
  ): { readonly traced: Omit<FlowClass, "number">; readonly asked: Asked | undefined } {
    this.#traced++;

    const engine = this.#engine;
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
    const asked = askedOn(trace, sender.node.name, this.#hosts);
    const open =
      isPlain(traced, to, asked?.drawn?.backend) &&
      !trace.hops.some(hop => hop.steps.some(isOwn)) &&
      !isExhausted(trace);
    return { traced, asked: open ? asked : undefined };
  }

  /** Follows a packet and its answer, for which somebody waits, so that it is not refused. */
  #answered(host: string, packet: Tcp): Trace {
    const waiting = socketKey(host, flowOf(packet));
    this.#engine.sockets.set(waiting, []);
    const { trace } = this.#engine.send(host, packet, true);
    this.#engine.sockets.delete(waiting);
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
