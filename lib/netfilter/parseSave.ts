import { InputError } from "../errors.js";
import { type Addr, addr } from "../ip/addr.js";
import { type Cidr, cidrOf } from "../ip/cidr.js";
import { type Locate, builtIns, chainsOf, checkRuleset, chainNameProblem, interfaceProblem } from "./check.js";
import { addrTypeOrder, isEveryPort, keptProbability, matchesInOrder, stateOrder } from "./order.js";
import type {
  AddrRange,
  AddrType,
  Chain,
  Match,
  PortRange,
  RejectWith,
  Rule,
  Ruleset,
  Table,
  TableName,
  Target,
} from "./ruleset.js";

/** The words of one line, read one after another; every complaint names the line. */
class Words {
  private next = 0;

  constructor(
    readonly where: string,
    private readonly words: readonly string[],
  ) {}

  get done(): boolean {
    return this.next >= this.words.length;
  }

  take(): string {
    return this.words[this.next++]!;
  }

  peek(): string | undefined {
    return this.words[this.next];
  }

  /** The value of an option. */
  value(option: string, expected: string): string {
    if (this.done) return this.fail(option, "needs a value", expected);
    return this.take();
  }

  fail(value: unknown, problem: string, expected: string): never {
    throw new InputError({ where: this.where, value, problem, expected });
  }
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09;
const quoteCode = 0x22;
const backslash = 0x5c;

/** Splits a line as iptables-restore does: a quote makes one word of everything to the next quote, a backslash in it keeps what follows. */
const split = (line: string, where: string): string[] => {
  const words: string[] = [];
  const end = line.length;
  let at = 0;
  for (;;) {
    while (at < end && isBlank(line.charCodeAt(at))) at++;
    if (at === end) return words;
    let from = at;
    let code = 0;
    while (at < end && !isBlank((code = line.charCodeAt(at))) && code !== quoteCode) at++;
    if (code !== quoteCode) {
      words.push(line.slice(from, at));
      continue;
    }
    let word = line.slice(from, at); // what stands right before a quote joins what is in it
    from = ++at;
    while (at < end && (code = line.charCodeAt(at)) !== quoteCode) {
      if (code === backslash && at + 1 < end) {
        word += line.slice(from, at);
        from = ++at;
      }
      at++;
    }
    if (at === end)
      throw new InputError({ where, value: line, problem: "has a quote that is not closed", expected: 'a second "' });
    words.push(word + line.slice(from, at++));
  }
};

const wholeNumber = (words: Words, text: string, low: number, high: number, what: string): number => {
  const value = /^(?:0|[1-9]\d*)$/.test(text) ? Number(text) : NaN;
  return value >= low && value <= high ? value : words.fail(text, `is no ${what}`, `a number from ${low} to ${high}`);
};

const word32 = (words: Words, text: string): number => {
  const value = /^(?:0|[1-9]\d*|0[xX][0-9a-fA-F]+)$/.test(text) ? Number(text) : NaN;
  return value <= 0xffffffff ? value : words.fail(text, "is no 32-bit number", "0 to 4294967295, or 0x0 to 0xffffffff");
};

const valueAndMask = (words: Words, text: string): { readonly value: number; readonly mask: number } => {
  const [value = "", mask, ...more] = text.split("/");
  if (more.length > 0) words.fail(text, "is no mark", "value or value/mask");
  return { value: word32(words, value), mask: mask === undefined ? 0xffffffff : word32(words, mask) };
};

const port = (words: Words, text: string): number => wholeNumber(words, text, 0, 65535, "port");

/** `80`, or with `between` a colon `80:90`, `:90` and `80:`. */
const ports = (words: Words, text: string, between: ":" | "-"): PortRange => {
  const [first = "", last, ...more] = text.split(between);
  const open = between === ":";
  if (more.length > 0) words.fail(text, "is no range of ports", `port or port${between}port`);
  if (last === undefined) return { first: port(words, first), last: port(words, first) };
  const range = {
    first: open && first === "" ? 0 : port(words, first),
    last: open && last === "" ? 65535 : port(words, last),
  };
  return range.first <= range.last ? range : words.fail(text, "is a range that runs backwards", `the lower port first`);
};

const addresses = (words: Words, text: string): AddrRange => {
  const [first = "", last, ...more] = text.split("-");
  if (more.length > 0) words.fail(text, "is no range of addresses", "address or address-address");
  const from = addr(first, words.where);
  const to = last === undefined ? from : addr(last, words.where);
  return from <= to
    ? { first: from, last: to }
    : words.fail(text, "is a range that runs backwards", "the lower address first");
};

/** The bits of a mask written as an address; -1 when it has holes. */
const maskBits = (mask: Addr): number => {
  const zeros = 32 - Math.clz32(~mask);
  return (mask | 0) === (zeros === 32 ? 0 : -1 << zeros) ? 32 - zeros : -1;
};

const network = (words: Words, text: string): Cidr => {
  const [address = "", length, ...more] = text.split("/");
  if (more.length > 0) words.fail(text, "is no network", "a.b.c.d/0-32");
  const base = addr(address, words.where);
  if (length === undefined) return cidrOf(base, 32);
  const prefix = length.includes(".")
    ? maskBits(addr(length, words.where))
    : wholeNumber(words, length, 0, 32, "prefix length");
  return prefix < 0 ? words.fail(text, "has a mask with holes", "a mask of leading ones") : cidrOf(base, prefix);
};

const oneOf = <T extends string>(words: Words, text: string, known: readonly T[], what: string): T =>
  known.find(name => name === text) ?? words.fail(text, `is no ${what} known here`, known.join(", "));

const listOf = <T extends string>(words: Words, text: string, known: readonly T[], what: string): readonly T[] => {
  const given = text.split(",").map(name => oneOf(words, name.toUpperCase(), known, what));
  return known.filter(name => given.includes(name));
};

const protocolNumbers: Readonly<Record<string, "icmp" | "tcp" | "udp" | "all">> = {
  "0": "all",
  "1": "icmp",
  "6": "tcp",
  "17": "udp",
};

/** A rule being read. `-p tcp` makes the options of `-m tcp` known, so the protocol is kept apart. */
interface Draft {
  /** The chain that it goes to. */
  readonly chain: string;
  /** The conditions that need no extension. */
  readonly heads: Match[];
  readonly matches: Match[];
  /** Extensions named by -m, and where the matches of each begin. */
  readonly modules: { readonly name: Module; readonly start: number }[];
  proto: "icmp" | "tcp" | "udp" | undefined;
  protoNot: boolean;
  target: Target | undefined;
}

const moduleNames = [
  "tcp",
  "udp",
  "multiport",
  "iprange",
  "addrtype",
  "mark",
  "comment",
  "statistic",
  "conntrack",
  "state",
] as const;
type Module = (typeof moduleNames)[number];

const once = (words: Words, draft: Draft, option: string, same: (match: Match) => boolean): void => {
  for (let i = draft.modules.at(-1)?.start ?? 0; i < draft.matches.length; i++)
    if (same(draft.matches[i]!)) words.fail(option, "is given twice", "each option once");
};

const transport = (words: Words, draft: Draft, proto: "tcp" | "udp", option: string, not: boolean): boolean => {
  const kind =
    option === "--sport" || option === "--source-port"
      ? "sport"
      : option === "--dport" || option === "--destination-port"
        ? "dport"
        : undefined;
  if (kind === undefined) return false;
  once(words, draft, option, match => match.kind === kind);
  const range = ports(words, words.value(option, "a port or a range of ports"), ":");
  if (not && isEveryPort(range)) words.fail(option, "with ! and every port matches nothing", "some ports");
  draft.matches.push({ kind, not, proto, ports: range });
  return true;
};

const multiportOptions: Readonly<Record<string, "sports" | "dports" | "ports">> = {
  "--sports": "sports",
  "--source-ports": "sports",
  "--dports": "dports",
  "--destination-ports": "dports",
  "--ports": "ports",
};

const multiport = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  const on = Object.hasOwn(multiportOptions, option) ? multiportOptions[option] : undefined;
  if (on === undefined) return false;
  const given = words.value(option, "ports, parted by commas").split(",");
  const list = given.map(text => {
    const range = ports(words, text, ":");
    return text.includes(":") && (range.first === range.last || /^:|:$/.test(text))
      ? words.fail(text, "is no range of ports", "lower:higher")
      : range;
  });
  draft.matches.push({ kind: "multiport", not, on, ports: list });
  return true;
};

const sided = (option: string, ending: string): "source" | "destination" | undefined =>
  option === `--src-${ending}` ? "source" : option === `--dst-${ending}` ? "destination" : undefined;

const iprange = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  const on = sided(option, "range");
  if (on === undefined) return false;
  once(words, draft, option, match => match.kind === "iprange" && match.on === on);
  draft.matches.push({ kind: "iprange", not, on, range: addresses(words, words.value(option, "address-address")) });
  return true;
};

const addrtype = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  const on = sided(option, "type");
  if (on === undefined) return false;
  once(words, draft, option, match => match.kind === "addrtype" && match.on === on);
  const types: readonly AddrType[] = listOf(
    words,
    words.value(option, addrTypeOrder.join(",")),
    addrTypeOrder,
    "address type",
  );
  draft.matches.push({ kind: "addrtype", not, on, types });
  return true;
};

const states = (words: Words, draft: Draft, module: "conntrack" | "state", option: string, not: boolean): boolean => {
  if (option !== (module === "conntrack" ? "--ctstate" : "--state")) return false;
  once(words, draft, option, match => match.kind === "conntrack");
  const known = module === "conntrack" ? stateOrder : stateOrder.slice(0, 5);
  draft.matches.push({
    kind: "conntrack",
    not,
    module,
    states: listOf(words, words.value(option, known.join(",")), known, "state"),
  });
  return true;
};

/** `--mode` comes first, as iptables-save prints it. */
const statistic = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  if (option !== "--mode" || not) return false;
  once(words, draft, option, match => match.kind === "statistic");
  const mode = oneOf(words, words.value(option, "random or nth"), ["random", "nth"], "mode");
  const inverted = words.peek() === "!";
  if (inverted) words.take();
  const wanted = mode === "random" ? "--probability" : "--every";
  const given = words.value("--mode", wanted);
  if (given !== wanted) words.fail(given, `does not follow --mode ${mode}`, wanted);
  const text = words.value(wanted, "a number");
  if (mode === "random") {
    const probability = /^(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
    if (!(probability <= 1)) words.fail(text, "is no probability", "0 to 1");
    draft.matches.push({ kind: "statistic", mode, not: inverted, probability: keptProbability(probability) });
    return true;
  }
  const every = wholeNumber(words, text, 1, 0xffffffff, "interval");
  const next = words.value("--every", "--packet");
  if (next !== "--packet") words.fail(next, "does not follow --every", "--packet");
  const packet = wholeNumber(words, words.value("--packet", "a number"), 0, every - 1, "packet of the interval");
  draft.matches.push({ kind: "statistic", mode, not: inverted, every, packet });
  return true;
};

const mark = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  if (option !== "--mark") return false;
  once(words, draft, option, match => match.kind === "mark");
  draft.matches.push({ kind: "mark", not, ...valueAndMask(words, words.value(option, "value or value/mask")) });
  return true;
};

const comment = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  if (option !== "--comment" || not) return false;
  once(words, draft, option, match => match.kind === "comment");
  const text = words.value(option, "a text");
  // iptables takes any length and keeps as much.
  draft.matches.push({ kind: "comment", text: text.slice(0, 255) });
  return true;
};

/** Reads one option of an extension; false when it has no such option. */
const moduleOption = (module: Module, words: Words, draft: Draft, option: string, not: boolean): boolean => {
  switch (module) {
    case "tcp":
    case "udp":
      return transport(words, draft, module, option, not);
    case "multiport":
      return multiport(words, draft, option, not);
    case "iprange":
      return iprange(words, draft, option, not);
    case "addrtype":
      return addrtype(words, draft, option, not);
    case "mark":
      return mark(words, draft, option, not);
    case "comment":
      return comment(words, draft, option, not);
    case "statistic":
      return statistic(words, draft, option, not);
    case "conntrack":
    case "state":
      return states(words, draft, module, option, not);
  }
};

const usage: Readonly<Record<Module, string>> = {
  tcp: "--sport, --dport",
  udp: "--sport, --dport",
  multiport: "--sports, --dports, --ports",
  iprange: "--src-range, --dst-range",
  addrtype: "--src-type, --dst-type",
  mark: "--mark",
  comment: "--comment",
  statistic: "--mode random --probability, --mode nth --every --packet",
  conntrack: "--ctstate",
  state: "--state",
};

const everyPortOf = (proto: "tcp" | "udp"): Match => ({
  kind: "dport",
  not: false,
  proto,
  ports: { first: 0, last: 65535 },
});
const everyPort = { tcp: everyPortOf("tcp"), udp: everyPortOf("udp") } as const;

/** An extension has had its options: `-m tcp` may stand alone, others may not. */
const endModule = (words: Words, draft: Draft): void => {
  const module = draft.modules.at(-1);
  if (module === undefined) return;
  const transports = module.name === "tcp" || module.name === "udp";
  if (draft.matches.length === module.start + 1 && !transports) return;
  const own = draft.matches.splice(module.start);
  if (own.length === 0) {
    if (module.name !== "tcp" && module.name !== "udp")
      return words.fail(`-m ${module.name}`, "has no option", usage[module.name]);
    draft.matches.push(everyPort[module.name]);
    return;
  }
  const side = (match: Match): number =>
    match.kind === "dport" || ("on" in match && match.on === "destination") ? 1 : 0;
  const sorted = own.sort((a, b) => side(a) - side(b));
  const ports = sorted.filter(match => (match.kind === "sport" || match.kind === "dport") && !isEveryPort(match.ports));
  const last =
    module.name !== "tcp" && module.name !== "udp" ? sorted : ports.length > 0 ? ports : [everyPort[module.name]];
  for (const match of last) draft.matches.push(match);
};

const beginModule = (words: Words, draft: Draft, name: Module): void => {
  endModule(words, draft);
  draft.modules.push({ name, start: draft.matches.length });
};

const rejections: Readonly<Record<string, RejectWith>> = {
  "icmp-port-unreachable": "icmp-port-unreachable",
  "port-unreach": "icmp-port-unreachable",
  "icmp-host-unreachable": "icmp-host-unreachable",
  "host-unreach": "icmp-host-unreachable",
  "icmp-net-unreachable": "icmp-net-unreachable",
  "net-unreach": "icmp-net-unreachable",
  "icmp-proto-unreachable": "icmp-proto-unreachable",
  "proto-unreach": "icmp-proto-unreachable",
  "icmp-net-prohibited": "icmp-net-prohibited",
  "net-prohib": "icmp-net-prohibited",
  "icmp-host-prohibited": "icmp-host-prohibited",
  "host-prohib": "icmp-host-prohibited",
  "icmp-admin-prohibited": "icmp-admin-prohibited",
  "admin-prohib": "icmp-admin-prohibited",
  "tcp-reset": "tcp-reset",
  "tcp-rst": "tcp-reset",
};

const rejectTarget = (words: Words): Target => {
  if (words.peek() !== "--reject-with") return { kind: "REJECT", with: "icmp-port-unreachable" };
  words.take();
  const name = words.value("--reject-with", Object.keys(rejections).join(", "));
  if (!Object.hasOwn(rejections, name))
    words.fail(name, "is no way to reject known here", Object.keys(rejections).join(", "));
  return { kind: "REJECT", with: rejections[name]! };
};

const markOptions = ["--set-mark", "--set-xmark", "--or-mark", "--and-mark", "--xor-mark"] as const;

const markTarget = (words: Words): Target => {
  const option = oneOf(words, words.value("-j MARK", markOptions.join(", ")), markOptions, "option of MARK");
  const text = words.value(option, "a mark");
  switch (option) {
    case "--set-mark": {
      const { value, mask } = valueAndMask(words, text);
      return { kind: "MARK", value, mask: (value | mask) >>> 0 };
    }
    case "--set-xmark":
      return { kind: "MARK", ...valueAndMask(words, text) };
    case "--or-mark":
      return { kind: "MARK", value: word32(words, text), mask: word32(words, text) };
    case "--and-mark":
      return { kind: "MARK", value: 0, mask: ~word32(words, text) >>> 0 };
    case "--xor-mark":
      return { kind: "MARK", value: word32(words, text), mask: 0 };
  }
};

const natTarget = (words: Words, kind: "SNAT" | "DNAT" | "MASQUERADE"): Target => {
  const option = kind === "SNAT" ? "--to-source" : kind === "DNAT" ? "--to-destination" : "--to-ports";
  let to: { readonly addresses?: AddrRange; readonly ports?: PortRange } | undefined;
  let randomFully = false;
  for (let next = words.peek(); next === option || next === "--random-fully"; next = words.peek()) {
    words.take();
    if (next === "--random-fully") randomFully = true;
    else if (to !== undefined) words.fail(option, "is given twice", "each option once");
    else
      to =
        kind === "MASQUERADE"
          ? { ports: ports(words, words.value(option, "port or port-port"), "-") }
          : translation(words, words.value(option, "address:port"));
  }
  if (kind !== "MASQUERADE" && to === undefined) words.fail(`-j ${kind}`, "does not say to what", option);
  return { kind, ...to, randomFully };
};

/** `address[-address][:port[-port]]`, or ports alone after a colon. */
const translation = (words: Words, text: string): { readonly addresses?: AddrRange; readonly ports?: PortRange } => {
  const [address = "", range, ...more] = text.split(":");
  if (more.length > 0 || text === "")
    words.fail(text, "is no translation", "address, address-address, with :port or :port-port");
  return {
    ...(address === "" ? {} : { addresses: addresses(words, address) }),
    ...(range === undefined ? {} : { ports: ports(words, range, "-") }),
  };
};

const looksLikeTarget = /^[A-Z]+$/;
const knownTargets = ["ACCEPT", "DROP", "REJECT", "RETURN", "MARK", "MASQUERADE", "SNAT", "DNAT"];

const target = (words: Words, option: string, chains: ReadonlySet<string>): Target => {
  const name = words.value(option, "a target or a chain");
  const isGoto = option === "-g" || option === "--goto";
  if (chains.has(name) || isGoto) return { kind: isGoto ? "goto" : "jump", chain: name };
  switch (name) {
    case "ACCEPT":
    case "DROP":
    case "RETURN":
      return { kind: name };
    case "REJECT":
      return rejectTarget(words);
    case "MARK":
      return markTarget(words);
    case "MASQUERADE":
    case "SNAT":
    case "DNAT":
      return natTarget(words, name);
    default:
      return words.fail(
        `-j ${name}`,
        looksLikeTarget.test(name)
          ? "is neither a chain of the table nor a target known here"
          : "is no chain of the table",
        `${knownTargets.join(", ")}, or a chain defined above`,
      );
  }
};

const aliases: ReadonlyMap<string, string> = new Map([
  ["--source", "-s"],
  ["--src", "-s"],
  ["--destination", "-d"],
  ["--dst", "-d"],
  ["--in-interface", "-i"],
  ["--out-interface", "-o"],
  ["--protocol", "-p"],
  ["--proto", "-p"],
  ["--match", "-m"],
  ["--jump", "-j"],
  ["--goto", "-g"],
]);

const addHead = (words: Words, draft: Draft, option: string, match: Match): void => {
  for (const other of draft.heads)
    if (other.kind === match.kind) words.fail(option, "is given twice", "each option once");
  draft.heads.push(match);
};

const protocol = (words: Words, draft: Draft, option: string, not: boolean): void => {
  const text = words.value("-p", "icmp, tcp or udp").toLowerCase();
  const name = Object.hasOwn(protocolNumbers, text) ? protocolNumbers[text] : text;
  if (name === "all") {
    if (not) words.fail("! -p all", "matches nothing", "a protocol");
    return;
  }
  const proto = oneOf(words, name ?? text, ["icmp", "tcp", "udp"], "protocol");
  draft.proto = proto;
  draft.protoNot = not;
  addHead(words, draft, option, { kind: "protocol", not, proto });
};

const interfaceName = (words: Words, draft: Draft, option: "-i" | "-o", not: boolean): void => {
  const name = words.value(option, "an interface");
  if (name === "" || name.length > 15 || /[\s/]/.test(name))
    words.fail(name, "is no interface name", "1 to 15 characters without white space");
  const unknowable = interfaceProblem(draft.chain, option === "-i" ? "in" : "out");
  if (unknowable !== undefined) words.fail(`${option} ${name}`, unknowable.problem, unknowable.expected);
  if (name !== "+") addHead(words, draft, option, { kind: option === "-i" ? "in" : "out", not, interface: name });
  else if (not) words.fail(`! ${option} +`, "matches nothing", "an interface");
};

/** The conditions of a rule that need no extension; false when `option` is none of them. */
const headOption = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  switch (option) {
    case "-s":
    case "-d": {
      const cidr = network(words, words.value(option, "a network"));
      if (cidr.prefix > 0 || not)
        addHead(words, draft, option, { kind: option === "-s" ? "source" : "destination", not, cidr });
      return true;
    }
    case "-i":
    case "-o":
      interfaceName(words, draft, option, not);
      return true;
    case "-p":
      protocol(words, draft, option, not);
      return true;
    default:
      return false;
  }
};

/** An extension that knows the option: the last one named, or that of the protocol, which need not be named. */
const extensionOption = (words: Words, draft: Draft, option: string, not: boolean): boolean => {
  const module = draft.modules.at(-1);
  if (module !== undefined && moduleOption(module.name, words, draft, option, not)) return true;
  const implied = draft.protoNot || draft.proto === "icmp" ? undefined : draft.proto;
  if (implied === undefined || draft.modules.some(({ name }) => name === implied)) return false;
  if (!/^--(?:sport|source-port|dport|destination-port)$/.test(option)) return false;
  beginModule(words, draft, implied);
  return moduleOption(implied, words, draft, option, not);
};

const rule = (words: Words, chain: string, chains: ReadonlySet<string>): Rule => {
  const draft: Draft = {
    chain,
    heads: [],
    matches: [],
    modules: [],
    proto: undefined,
    protoNot: false,
    target: undefined,
  };
  while (!words.done) {
    const not = words.peek() === "!";
    if (not) words.take();
    const given = words.value("!", "an option");
    const option = given.length === 2 ? given : (aliases.get(given) ?? given);
    if (headOption(words, draft, option, not)) continue;
    if (not && (option === "-m" || option === "-j" || option === "-g"))
      words.fail(`! ${option}`, "cannot be", `${option} without !`);
    if (option === "-m") {
      const name = words.value(option, moduleNames.join(", "));
      beginModule(
        words,
        draft,
        moduleNames.find(known => known === name) ??
          words.fail(`-m ${name}`, "is an extension not known here", moduleNames.join(", ")),
      );
    } else if (option === "-j" || option === "-g") {
      if (draft.target !== undefined) words.fail(option, "is given twice", "one target");
      draft.target = target(words, option, chains);
    } else if (!extensionOption(words, draft, option, not)) {
      const module = draft.modules.at(-1);
      words.fail(
        `${not ? "! " : ""}${given}`,
        "is an option not known here",
        `-s, -d, -i, -o, -p, -m, -j, -g${module === undefined ? "" : ` or of ${module.name}: ${usage[module.name]}`}`,
      );
    }
  }
  endModule(words, draft);
  return { matches: matchesInOrder([...draft.heads, ...draft.matches]), target: draft.target ?? { kind: "none" } };
};

/** A chain being read; `line` is where it was declared, or first used. */
interface OpenChain {
  readonly name: string;
  readonly policy: "ACCEPT" | "DROP" | undefined;
  readonly rules: Rule[];
  readonly line: number;
}

/** A table being read. */
interface OpenTable {
  readonly name: TableName;
  /** The chains that rules may jump to. */
  readonly userChains: Set<string>;
  readonly chains: Map<string, OpenChain>;
  /** The chain and the line of each rule, as they come. */
  readonly owners: OpenChain[];
  readonly lines: number[];
}

const tableNames = Object.keys(builtIns) as TableName[];

const openTable = (name: string, where: string): OpenTable => {
  const known = tableNames.find(table => table === name);
  if (known === undefined)
    throw new InputError({
      where,
      value: `*${name}`,
      problem: "is no table known here",
      expected: tableNames.join(", "),
    });
  return { name: known, userChains: new Set(), chains: new Map(), owners: [], lines: [] };
};

const counters = /^\[\d+:\d+\]$/;

const declareChain = (table: OpenTable, line: string, number: number, where: string): void => {
  const words = new Words(where, split(line.slice(1), where));
  const name = words.value(":", "a chain");
  const isBuiltIn = (builtIns[table.name] as readonly string[]).includes(name);
  const problem = table.chains.has(name) ? "is defined twice" : chainNameProblem(name);
  if (problem !== undefined) words.fail(name, problem, "a chain name of its own");
  const policy = words.value(name, "a policy");
  const given = words.peek();
  if (given !== undefined && !counters.test(words.take())) words.fail(given, "are no counters", "[packets:bytes]");
  if (!words.done) words.fail(words.peek(), "comes after the counters", "the end of the line");
  if (policy !== "-" && policy !== "ACCEPT" && policy !== "DROP")
    words.fail(policy, "is no policy", "ACCEPT, DROP or -");
  if (!isBuiltIn && policy !== "-") words.fail(policy, "is a policy for a user chain", "-");
  if (!isBuiltIn) table.userChains.add(name);
  const kept = isBuiltIn ? (policy === "DROP" ? "DROP" : "ACCEPT") : undefined;
  table.chains.set(name, { name, policy: kept, rules: [], line: number });
};

const addRule = (table: OpenTable, line: string, number: number, where: string): void => {
  const words = new Words(where, split(line, where));
  if (words.peek()?.startsWith("[") === true && counters.test(words.peek()!)) words.take();
  const command = words.value("rule", "-A CHAIN");
  if (command !== "-A" && command !== "--append")
    words.fail(command, "is not understood", "*table, :CHAIN, -A CHAIN or COMMIT");
  const name = words.value(command, "a chain");
  let chain = table.chains.get(name);
  if (chain === undefined) {
    if (!(builtIns[table.name] as readonly string[]).includes(name))
      return words.fail(name, `is no chain of table ${table.name}`, "a chain defined above by :NAME");
    table.chains.set(name, (chain = { name, policy: "ACCEPT", rules: [], line: number }));
  }
  chain.rules.push(rule(words, name, table.userChains));
  table.owners.push(chain);
  table.lines.push(number);
};

const closeTable = ({ name, chains }: OpenTable): Table => {
  const given: Chain[] = [];
  for (const { name: chain, policy, rules } of chains.values())
    given.push(policy === undefined ? { name: chain, rules } : { name: chain, policy, rules });
  return { name, chains: chainsOf({ name, chains: given }) };
};

/** The line of a chain's rule; without a number that of the chain. */
const lineIn = ({ chains, owners, lines }: OpenTable, name: string, number: number | undefined): number | undefined => {
  const chain = chains.get(name);
  let left = number ?? 0;
  const index = left === 0 ? -1 : owners.findIndex(owner => owner === chain && --left === 0);
  return lines[index] ?? chain?.line;
};

/**
 * Reads what `iptables-save` (also `-c`) prints, several tables and all. Counters and comments are dropped; chains come out
 * in the order that iptables keeps them, each table with all its built-in chains.
 * @param where names the text in errors
 * @throws InputError naming the line and what in it is not understood: nothing is skipped
 */
export const parseSave = (text: string, where = "iptables-save"): Ruleset => {
  const closed: OpenTable[] = [];
  let open: OpenTable | undefined;
  const at = (number: number): string => `${where}, line ${number}`;
  let number = 0;
  for (let start = 0; start <= text.length;) {
    const feed = text.indexOf("\n", start);
    const end = feed < 0 ? text.length : feed;
    const line = text.slice(start, end).trim();
    start = end + 1;
    number++;
    if (line === "" || line.startsWith("#")) continue;
    const place = at(number);
    if (line.startsWith("*")) {
      if (open !== undefined)
        throw new InputError({
          where: place,
          value: line,
          problem: `begins before table ${open.name} has ended`,
          expected: "COMMIT",
        });
      if (closed.some(({ name }) => name === line.slice(1)))
        throw new InputError({ where: place, value: line, problem: "is there twice", expected: "each table once" });
      open = openTable(line.slice(1), place);
    } else if (open === undefined) {
      throw new InputError({
        where: place,
        value: line,
        problem: "stands outside a table",
        expected: `*${tableNames.join(", *")}`,
      });
    } else if (line === "COMMIT") {
      closed.push(open);
      open = undefined;
    } else if (line.startsWith(":")) declareChain(open, line, number, place);
    else addRule(open, line, number, place);
  }
  if (open !== undefined)
    throw new InputError({
      where: at(number),
      value: `*${open.name}`,
      problem: "has no end",
      expected: "COMMIT",
    });
  const ruleset: Ruleset = { tables: closed.map(closeTable) };
  const lineOf: Locate = (table, chain, number) => {
    const source = closed.find(({ name }) => name === table.name);
    return at((source === undefined ? undefined : lineIn(source, chain.name, number)) ?? 1);
  };
  checkRuleset(ruleset, lineOf);
  return ruleset;
};
