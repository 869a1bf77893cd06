import type { Addr } from "../ip/addr.js";
import { contains } from "../ip/cidr.js";
import { formatChangedBy } from "../net/addressChange.js";
import type { Trace } from "../net/trace.js";
import type { Host } from "../net/network.js";
import { type Choice, chanceOf, choicesOf } from "../netfilter/choice.js";
import { interfaceTest } from "../netfilter/compile.js";
import type { Chain, Hook, Match, Ruleset } from "../netfilter/ruleset.js";
import type { Random } from "../random.js";

/** What rules ask about one end of a flow: who sends, or the pod that a service's rules chose. */
type Question = Match & { readonly kind: "source" | "destination" | "iprange" | "in" | "out" };

interface Questions {
  readonly ofSender: ReadonlyMap<string, Question>;
  readonly ofBackend: ReadonlyMap<string, Question>;
}

/** What a chain asks; undefined where chance, a count or the client's port decides, so that every flow is its own. */
const questionsOf = ({ rules }: Pick<Chain, "rules">): Questions | undefined => {
  const ofSender = new Map<string, Question>();
  const ofBackend = new Map<string, Question>();
  for (const { matches } of rules)
    for (const match of matches)
      switch (match.kind) {
        case "source":
        case "in":
          ofSender.set(JSON.stringify(match), match);
          break;
        case "destination":
        case "out":
          ofBackend.set(JSON.stringify(match), match);
          break;
        case "iprange":
          (match.on === "source" ? ofSender : ofBackend).set(JSON.stringify(match), match);
          break;
        case "multiport":
          if (match.on !== "dports") return undefined;
          break;
        case "addrtype":
          if (match.on === "source") return undefined;
          break;
        case "protocol":
        case "dport":
        case "mark":
        case "conntrack":
        case "comment":
          break; // alike for all that come here
        default:
          return undefined;
      }
  return { ofSender, ofBackend };
};

const union = (all: readonly (Questions | undefined)[]): Questions | undefined => {
  const ofSender = new Map<string, Question>();
  const ofBackend = new Map<string, Question>();
  for (const questions of all) {
    if (questions === undefined) return undefined;
    for (const [key, match] of questions.ofSender) ofSender.set(key, match);
    for (const [key, match] of questions.ofBackend) ofBackend.set(key, match);
  }
  return { ofSender, ofBackend };
};

// --- services ----------------------------------------------------------------------------------------------------------

/** A pod that a service's rules may choose, and how the change of destination is then told. */
export interface Backend {
  readonly address: Addr;
  readonly port: number;
  readonly by: string;
  readonly comment?: string;
}

/** A rule that does nothing but translate to one address and port, at the end of a chain that asks only whether that pod calls itself. */
const backendOf = ({ name, rules }: Chain): Backend | undefined => {
  const last = rules.at(-1);
  if (last?.target.kind !== "DNAT" || last.target.randomFully) return undefined;
  const { addresses, ports } = last.target;
  if (addresses === undefined || addresses.first !== addresses.last) return undefined;
  if (ports === undefined || ports.first !== ports.last) return undefined;
  const plain = rules.every(({ matches }, place) =>
    matches.every(match =>
      match.kind === "source"
        ? place < rules.length - 1 && !match.not && match.cidr.prefix === 32 && match.cidr.base === addresses.first
        : match.kind === "comment" ||
          (match.kind === "protocol" && match.proto === "tcp" && !match.not) ||
          (match.kind === "dport" && match.ports.first === 0 && match.ports.last === 0xffff && !match.not),
    ),
  );
  if (!plain || rules.slice(0, -1).some(({ target }) => target.kind !== "jump")) return undefined;
  const text = last.matches.find((match): match is Match & { kind: "comment" } => match.kind === "comment")?.text;
  const by = formatChangedBy({
    ...{ kind: "rule", hook: "PREROUTING", table: "nat", chain: name, number: rules.length, target: "DNAT" },
  });
  return { address: addresses.first, port: ports.first, by, ...(text !== undefined && { comment: text }) };
};

/** A chain whose rules, from one on, draw which pod gets a connection: kube-proxy's for a service. */
export class Draw {
  readonly #choices: ReadonlyMap<number, Choice>;
  /** By the rule's place; none where it does anything else than lead to one. */
  readonly #backends: (Backend | "none" | undefined)[];

  constructor(
    private readonly chain: Chain,
    /** Where the drawing begins. */
    private readonly first: number,
    private readonly chains: ReadonlyMap<string, Chain>,
  ) {
    this.#choices = new Map(choicesOf(chain.rules).map(choice => [choice.start, choice]));
    this.#backends = new Array<undefined>(chain.rules.length).fill(undefined);
  }

  get name(): string {
    return this.chain.name;
  }

  /** What is asked before the drawing begins. */
  before(): Questions | undefined {
    return questionsOf({ rules: this.chain.rules.slice(0, this.first) });
  }

  /** The place of the rule that the next connection meets. */
  pick(random: Pick<Random, "float">): number {
    const { rules } = this.chain;
    for (let place = this.first; ;) {
      const choice = this.#choices.get(place);
      if (choice !== undefined) {
        place = choice.next(place, random.float());
        if (place < choice.end) return place;
        continue;
      }
      const chance = chanceOf(rules[place]!);
      if (chance === undefined || random.float() < chance) return place;
      place++;
    }
  }

  /** Whom the rule at a place leads to; undefined where it does anything else. */
  backend(place: number): Backend | undefined {
    const known = this.#backends[place];
    if (known !== undefined) return known === "none" ? undefined : known;
    const { target } = this.chain.rules[place]!;
    const to = target.kind === "jump" ? this.chains.get(`nat ${target.chain}`) : undefined;
    const backend = place < this.first || to === undefined ? undefined : backendOf(to);
    this.#backends[place] = backend ?? "none";
    return backend;
  }
}

/** The draw that a chain makes, where that is all it does from one rule on to the last, which takes what is left. */
const drawOf = (chain: Chain, chains: ReadonlyMap<string, Chain>): Draw | undefined => {
  const { rules } = chain;
  const first = rules.findIndex(rule => chanceOf(rule) !== undefined);
  if (first < 0 || rules.at(-1)!.matches.some(({ kind }) => kind !== "comment")) return undefined;
  return rules.slice(first, -1).every(rule => chanceOf(rule) !== undefined)
    ? new Draw(chain, first, chains)
    : undefined;
};

// --- a way's questions -------------------------------------------------------------------------------------------------

const hooks: ReadonlySet<string> = new Set<Hook>(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

/** A host's rules, as far as they ask. Each chain is looked at once, when a flow first comes by. */
class Asking {
  /** What the chains ask that every packet may come by. */
  readonly base: Questions | undefined;
  /** By `table chain`. */
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #jumped = new Map<Chain, Questions | Draw | undefined>();

  constructor({ tables }: Ruleset) {
    const all = tables.flatMap(table => table.chains.map(chain => [`${table.name} ${chain.name}`, chain] as const));
    this.#chains = new Map(all);
    this.base = union(all.filter(([, { name }]) => hooks.has(name)).map(([, chain]) => questionsOf(chain)));
  }

  /** What a chain asks that was jumped to, or the draw that it makes. */
  of(table: string, name: string): Questions | Draw | undefined {
    const chain = this.#chains.get(`${table} ${name}`)!;
    if (this.#jumped.has(chain)) return this.#jumped.get(chain);
    const found = questionsOf(chain) ?? (table === "nat" ? drawOf(chain, this.#chains) : undefined);
    this.#jumped.set(chain, found);
    return found;
  }
}

const askings = new WeakMap<Ruleset, Asking>();

const askingOf = (rules: Ruleset): Asking => {
  let asking = askings.get(rules);
  if (asking === undefined) askings.set(rules, (asking = new Asking(rules)));
  return asking;
};

/** What the rules on a flow's way ask. */
export interface Asked {
  readonly ofSender: readonly Question[];
  /** Of the backend, once it is drawn. */
  readonly ofBackend: readonly Question[];
  /** The draw that the sender's node made, and what it gave. */
  readonly drawn?: { readonly draw: Draw; readonly place: number; readonly backend: Backend };
}

/**
 * What the rules on a trace's way ask of its two ends: those of every chain that it could come by or did. Undefined where
 * chance, a count or the client's port decides, but for one draw of a backend on the sender's own node.
 */
export const askedOn = (trace: Trace, node: string, hosts: ReadonlyMap<string, Host>): Asked | undefined => {
  const all: (Questions | undefined)[] = [];
  let drawn: Asked["drawn"];
  let drawing: Draw | undefined;
  // Before the draw the destination is what was called: the same for all.
  const add = (questions: Questions | undefined) =>
    all.push(questions && drawing === undefined ? { ...questions, ofBackend: new Map() } : questions);
  for (const { kind, place, steps } of trace.hops) {
    const rules = kind === "host" ? hosts.get(place)!.rules : undefined;
    if (rules === undefined || rules.tables.length === 0) continue;
    const asking = askingOf(rules);
    add(asking.base);
    for (const step of steps) {
      if (step.kind !== "rule" || (step.rule.target.kind !== "jump" && step.rule.target.kind !== "goto")) continue;
      if (drawing !== undefined && drawn === undefined) {
        const chosen = step.number - 1;
        const backend = step.chain === drawing.name ? drawing.backend(chosen) : undefined;
        if (backend !== undefined) {
          drawn = { draw: drawing, place: chosen, backend };
          continue; // what the backend's own chain asks is known
        }
      }
      const found = asking.of(step.table, step.rule.target.chain);
      if (!(found instanceof Draw)) add(found);
      else if (drawing !== undefined || place !== node) return undefined;
      else {
        add(found.before());
        drawing = found;
        add(asking.base);
      }
    }
  }
  if (drawing !== undefined && drawn === undefined) return undefined;
  const questions = union(all);
  return (
    questions && {
      ofSender: [...questions.ofSender.values()],
      ofBackend: [...questions.ofBackend.values()],
      ...(drawn !== undefined && { drawn }),
    }
  );
};

// --- answers -----------------------------------------------------------------------------------------------------------

const within = (match: Question, address: Addr): boolean => {
  if (match.kind === "iprange") return (address >= match.range.first && address <= match.range.last) !== match.not;
  return "cidr" in match && contains(match.cidr, address) !== match.not;
};

/** One end's answers to a question: for each address that may stand for it, or for its link. */
const answer = (match: Question, addresses: readonly Addr[], link: string): string => {
  if (match.kind === "in" || match.kind === "out") {
    const { interface: pattern, not } = match;
    return `${interfaceTest(pattern)(link) !== not}`;
  }
  return addresses.map(each => (within(match, each) ? "y" : "n")).join("");
};

/** Questions that ends answer, each with one text: equal for ends that the rules cannot tell apart. */
export class QuestionList {
  /** Places of what asks for a single address, as kube-proxy's rules for services do, one for each. */
  readonly #single = new Map<Addr, string>();
  readonly #others: Question[] = [];

  constructor(questions: readonly Question[]) {
    for (const [place, match] of questions.entries())
      if ((match.kind === "source" || match.kind === "destination") && match.cidr.prefix === 32 && !match.not)
        this.#single.set(match.cidr.base, `${this.#single.get(match.cidr.base) ?? ""} ${place}`);
      else this.#others.push(match);
  }

  /** @param addresses each address that the end may have at one time or another */
  answers(addresses: readonly Addr[], link = ""): string {
    const single = addresses.map(address => this.#single.get(address) ?? "").join();
    return this.#others.reduce((text, match) => `${text} ${answer(match, addresses, link)}`, single);
  }
}
