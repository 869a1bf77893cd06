import { refuse } from "../errors.js";

/** How a pattern is written, and what it asks of a line. */
export interface RegexOptions {
  /** `-E`: extended syntax, in which `+ ? | ( ) { }` have their meaning without a backslash. */
  readonly extended?: boolean;
  readonly ignoreCase?: boolean;
  /** `-w`: a match has no letter, digit or underscore beside it. */
  readonly words?: boolean;
  /** `-x`: a match is the whole line. */
  readonly wholeLine?: boolean;
}

type Chars = (char: number) => boolean;
type Edge = "lineStart" | "lineEnd" | "wordStart" | "wordEnd" | "word" | "inside" | "notAfterWord" | "notBeforeWord";

type Node =
  | { readonly kind: "empty" }
  | { readonly kind: "chars"; readonly chars: Chars }
  | { readonly kind: "edge"; readonly edge: Edge }
  | { readonly kind: "all"; readonly nodes: readonly Node[] }
  | { readonly kind: "any"; readonly nodes: readonly Node[] }
  | { readonly kind: "repeat"; readonly node: Node; readonly least: number; readonly most: number };

const infinite = Number.POSITIVE_INFINITY;
/** POSIX's RE_DUP_MAX in glibc. */
const repeatAtMost = 32_767;
const depthAtMost = 100;
/** Repetitions of repetitions, each a level of the pattern as groups are. */
const repeatedAtMost = 20;
/** Steps of a compiled pattern: each character of a line costs at most as many. */
const stepsAtMost = 4000;

const code = (char: string): number => char.codePointAt(0)!;
const isDigit: Chars = char => char >= 48 && char <= 57;
const isUpper: Chars = char => /^\p{Lu}$/u.test(String.fromCodePoint(char));
const isLower: Chars = char => /^\p{Ll}$/u.test(String.fromCodePoint(char));
const isAlpha: Chars = char => /^\p{L}$/u.test(String.fromCodePoint(char));
const isAlnum: Chars = char => isDigit(char) || isAlpha(char);
const isWord: Chars = char => char === 95 || isAlnum(char);
const isSpace: Chars = char => char === 32 || (char >= 9 && char <= 13);
const isGraph: Chars = char => char > 32 && char !== 127 && !(char >= 128 && char < 160);
const classes: Readonly<Record<string, Chars>> = {
  alnum: isAlnum,
  alpha: isAlpha,
  blank: char => char === 32 || char === 9,
  cntrl: char => char < 32 || (char >= 127 && char < 160),
  digit: isDigit,
  graph: isGraph,
  lower: isLower,
  print: char => char === 32 || isGraph(char),
  punct: char => isGraph(char) && !isAlnum(char),
  space: isSpace,
  upper: isUpper,
  xdigit: char => isDigit(char) || (char >= 65 && char <= 70) || (char >= 97 && char <= 102),
};

const is =
  (char: number): Chars =>
  other =>
    other === char;
const not =
  (chars: Chars): Chars =>
  char =>
    !chars(char);

/** The other cases of a character, itself first. */
const casesOf = (char: number): readonly number[] => {
  const text = String.fromCodePoint(char);
  const [lower, upper] = [text.toLowerCase(), text.toUpperCase()];
  const single = (other: string): readonly number[] => ([...other].length === 1 ? [code(other)] : []);
  return [char, ...single(lower), ...single(upper)];
};

class Parser {
  readonly #chars: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(
    readonly pattern: string,
    readonly options: RegexOptions,
  ) {
    this.#chars = [...pattern];
  }

  parse(): Node {
    const node = this.#alternatives();
    if (this.#at < this.#chars.length) return this.#fail("has ) without its (", "parentheses in pairs");
    return node;
  }

  #fail(problem: string, expected: string): never {
    return refuse("grep", this.pattern, problem, expected);
  }

  #peek(text: string): boolean {
    return this.#chars.slice(this.#at, this.#at + [...text].length).join("") === text;
  }

  #accept(text: string): boolean {
    const found = this.#peek(text);
    if (found) this.#at += [...text].length;
    return found;
  }

  /** An operator as the syntax writes it: with a backslash in the basic one, without in the extended one. */
  #operator(char: string): string {
    return this.options.extended === true ? char : `\\${char}`;
  }

  #alternatives(): Node {
    const nodes = [this.#sequence()];
    while (this.#accept(this.#operator("|"))) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "any", nodes };
  }

  #ends(): boolean {
    return this.#at >= this.#chars.length || this.#peek(this.#operator("|")) || this.#peek(this.#operator(")"));
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    while (!this.#ends()) {
      const anchor = this.#anchor(nodes.length === 0);
      if (anchor !== undefined) {
        nodes.push({ kind: "edge", edge: anchor });
        continue;
      }
      nodes.push(this.#repeated(this.#atom()));
    }
    return nodes.length === 0 ? { kind: "empty" } : { kind: "all", nodes };
  }

  /** `^` and `$`, where they are no plain characters: in the basic syntax at the ends only. */
  #anchor(start: boolean): Edge | undefined {
    const extended = this.options.extended === true;
    if (this.#peek("^") && (extended || start)) {
      this.#at++;
      return "lineStart";
    }
    if (!this.#peek("$")) return undefined;
    this.#at++;
    if (extended || this.#ends()) return "lineEnd";
    this.#at--;
    return undefined;
  }

  #atom(): Node {
    const extended = this.options.extended === true;
    if (this.#accept(this.#operator("("))) {
      if (++this.#depth > depthAtMost) this.#fail("nests groups too deep", `at most ${depthAtMost} deep`);
      const inner = this.#alternatives();
      this.#depth--;
      if (!this.#accept(this.#operator(")"))) this.#fail("has ( without its )", "parentheses in pairs");
      return inner;
    }
    if (extended && ["+", "?", "*"].some(operator => this.#peek(operator)))
      this.#fail(`has ${this.#chars[this.#at]} with nothing to repeat`, "a character or a group in front of it");
    if (this.#interval() !== undefined)
      this.#fail("has an interval with nothing to repeat", "a character or a group in front of it");
    const char = this.#chars[this.#at++]!;
    if (char === ".") return { kind: "chars", chars: () => true };
    if (char === "[") return { kind: "chars", chars: this.#bracket() };
    if (char === "\\") return this.#escaped();
    return { kind: "chars", chars: this.#folded(code(char)) };
  }

  #folded(char: number): Chars {
    if (this.options.ignoreCase !== true) return is(char);
    const all = casesOf(char);
    return other => all.includes(other);
  }

  #escaped(): Node {
    const char = this.#chars[this.#at++] ?? this.#fail("ends with a backslash", "a character behind it");
    const edges: Readonly<Record<string, Edge>> = {
      "<": "wordStart",
      ">": "wordEnd",
      b: "word",
      B: "inside",
      "`": "lineStart",
      "'": "lineEnd",
    };
    const sets: Readonly<Record<string, Chars>> = { w: isWord, W: not(isWord), s: isSpace, S: not(isSpace) };
    if (Object.hasOwn(edges, char)) return { kind: "edge", edge: edges[char]! };
    if (Object.hasOwn(sets, char)) return { kind: "chars", chars: sets[char]! };
    if (/[1-9]/.test(char))
      this.#fail(`has the back-reference \\${char}, which this grep does not have`, "a pattern without");
    if (/[\p{L}\p{N}]/u.test(char))
      this.#fail(`has \\${char}, which means nothing`, `${char}, or a bracket expression`);
    return { kind: "chars", chars: this.#folded(code(char)) };
  }

  /** What follows `[`. */
  #bracket(): Chars {
    const unclosed = (): never => this.#fail("has [ without its ]", "[characters]");
    const open = this.#at;
    const inverted = this.#accept("^");
    const parts: Chars[] = [];
    const first = this.#at;
    for (;;) {
      if (this.#at >= this.#chars.length) unclosed();
      if (this.#at > first && this.#accept("]")) break;
      const name = this.#named(":");
      if (name !== undefined) {
        parts.push(this.#class(name));
        continue;
      }
      const low = this.#element();
      if (this.#peek("-") && this.#chars[this.#at + 1] !== "]") {
        this.#at++;
        if (this.#at >= this.#chars.length) unclosed();
        const high = this.#element();
        if (low > high) this.#fail("has a range that runs backwards", "the lower character first");
        parts.push(char => char >= low && char <= high);
      } else parts.push(is(low));
    }
    const inside = this.#chars.slice(open, this.#at - 1);
    if (inside.length > 1 && inside[0] === ":" && inside.at(-1) === ":")
      this.#fail("has a class outside of brackets", `[[:space:]], with two`);
    const any: Chars = char => parts.some(part => part(char));
    const found: Chars = this.options.ignoreCase === true ? char => casesOf(char).some(any) : any;
    return inverted ? not(found) : found;
  }

  #class(name: string): Chars {
    if (!Object.hasOwn(classes, name))
      return this.#fail(`has the class [:${name}:], which there is not`, Object.keys(classes).join(", "));
    return this.options.ignoreCase === true && (name === "upper" || name === "lower") ? isAlpha : classes[name]!;
  }

  /** `[:name:]`, `[=a=]` or `[.a.]` inside brackets: what it names. */
  #named(mark: ":" | "=" | "."): string | undefined {
    if (!this.#peek(`[${mark}`)) return undefined;
    const end = this.#chars.findIndex((char, at) => at >= this.#at + 2 && char === mark && this.#chars[at + 1] === "]");
    if (end < 0) this.#fail(`has [${mark} without its ${mark}]`, `[${mark}name${mark}]`);
    const name = this.#chars.slice(this.#at + 2, end).join("");
    this.#at = end + 2;
    return name;
  }

  #element(): number {
    const name = this.#named(".") ?? this.#named("=");
    if (name === undefined) return code(this.#chars[this.#at++]!);
    return [...name].length === 1 ? code(name) : this.#fail(`has no character ${name}`, "one character");
  }

  /** An interval, passed over; undefined where none stands. */
  #interval(): { readonly least: number; readonly most: number } | undefined {
    const extended = this.options.extended === true;
    if (!this.#peek(this.#operator("{"))) return undefined;
    const rest = this.#chars.slice(this.#at, this.#at + 20).join("");
    const found = (extended ? /^\{(\d*)(?:(,)(\d*))?\}/ : /^\\\{(\d*)(?:(,)(\d*))?\\\}/).exec(rest);
    const [whole = "", low = "", comma, high = ""] = found ?? [];
    if (found === null || (low === "" && comma === undefined))
      return this.#fail(
        "has an interval that is not right",
        extended ? "{N}, {N,}, {,N} or {N,M}; \\{ for a brace" : "\\{N\\}, \\{N,\\}, \\{,N\\} or \\{N,M\\}",
      );
    const least = low === "" ? 0 : Number(low);
    const most = comma === undefined ? least : high === "" ? infinite : Number(high);
    if (least > most || least > repeatAtMost || (most !== infinite && most > repeatAtMost))
      this.#fail("has an interval that is not right", `a lower and a higher number up to ${repeatAtMost}`);
    this.#at += whole.length;
    return { least, most };
  }

  #repeated(atom: Node): Node {
    let node = atom;
    let repeated = 0;
    for (;;) {
      const interval = this.#accept("*")
        ? { least: 0, most: infinite }
        : this.#accept(this.#operator("+"))
          ? { least: 1, most: infinite }
          : this.#accept(this.#operator("?"))
            ? { least: 0, most: 1 }
            : this.#interval();
      if (interval === undefined) return node;
      if (node.kind === "edge") this.#fail("repeats a place between characters", "a character or a group in front");
      if (++repeated > repeatedAtMost)
        this.#fail("repeats a repetition too often", `at most ${repeatedAtMost} of * + ? and intervals in a row`);
      node = { kind: "repeat", node, ...interval };
    }
  }
}

/** Whether a pattern may match no character at all. */
const mayBeEmpty = (node: Node): boolean => {
  switch (node.kind) {
    case "chars":
      return false;
    case "all":
      return node.nodes.every(mayBeEmpty);
    case "any":
      return node.nodes.some(mayBeEmpty);
    case "repeat":
      return node.least === 0 || mayBeEmpty(node.node);
    default:
      return true;
  }
};

/** A step of a compiled pattern; the next is the one behind it, or that at `to`. */
type Step =
  | { readonly kind: "chars"; readonly chars: Chars }
  | { readonly kind: "edge"; readonly edge: Edge }
  | { kind: "split"; to: number }
  | { kind: "jump"; to: number }
  | { readonly kind: "match" };

const compile = (root: Node, tooLarge: () => never): readonly Step[] => {
  const steps: Step[] = [];
  const add = (step: Step): number => (steps.length >= stepsAtMost ? tooLarge() : steps.push(step) - 1);
  const emit = (node: Node): void => {
    switch (node.kind) {
      case "empty":
        return;
      case "chars":
      case "edge":
        add(node);
        return;
      case "all":
        node.nodes.forEach(emit);
        return;
      case "any": {
        const ends: Extract<Step, { kind: "jump" }>[] = [];
        node.nodes.forEach((each, index) => {
          const last = index === node.nodes.length - 1;
          const split = { kind: "split" as const, to: 0 };
          if (!last) add(split);
          emit(each);
          if (last) return;
          const jump = { kind: "jump" as const, to: 0 };
          add(jump);
          ends.push(jump);
          split.to = steps.length;
        });
        for (const end of ends) end.to = steps.length;
        return;
      }
      case "repeat": {
        for (let i = 0; i < node.least; i++) emit(node.node);
        if (node.most === infinite) {
          const split = { kind: "split" as const, to: 0 };
          const start = add(split);
          emit(node.node);
          add({ kind: "jump", to: start });
          split.to = steps.length;
          return;
        }
        const splits: Extract<Step, { kind: "split" }>[] = [];
        for (let i = node.least; i < node.most; i++) {
          const split = { kind: "split" as const, to: 0 };
          add(split);
          splits.push(split);
          emit(node.node);
        }
        for (const split of splits) split.to = steps.length;
      }
    }
  };
  emit(root);
  add({ kind: "match" });
  return steps;
};

const holds = (edge: Edge, before: number | undefined, after: number | undefined): boolean => {
  const [left, right] = [before !== undefined && isWord(before), after !== undefined && isWord(after)];
  switch (edge) {
    case "lineStart":
      return before === undefined;
    case "lineEnd":
      return after === undefined;
    case "wordStart":
      return !left && right;
    case "wordEnd":
      return left && !right;
    case "word":
      return left !== right;
    case "inside":
      return left === right;
    case "notAfterWord":
      return !left;
    case "notBeforeWord":
      return !right;
  }
};

/**
 * A POSIX regular expression with GNU's additions, as grep has it, but for back-references. It takes time linear in the
 * line: all ways to match are followed at once, none twice.
 * @returns whether a line holds a match
 * @throws InputError naming what is not right in the pattern
 */
export const regex = (pattern: string, options: RegexOptions = {}): ((line: string) => boolean) => {
  const alternatives = pattern.split("\n").map(each => new Parser(each, options).parse());
  const node: Node = alternatives.length === 1 ? alternatives[0]! : { kind: "any", nodes: alternatives };
  if (options.words === true && options.wholeLine !== true && mayBeEmpty(node))
    refuse("grep -w", pattern, "may match nothing, which is no word", "a pattern that always matches something");
  const around = (before: Edge, after: Edge): Node => ({
    kind: "all",
    nodes: [{ kind: "edge", edge: before }, node, { kind: "edge", edge: after }],
  });
  const root =
    options.wholeLine === true
      ? around("lineStart", "lineEnd")
      : options.words === true
        ? around("notAfterWord", "notBeforeWord")
        : node;
  const steps = compile(root, () =>
    refuse("grep", pattern, "is too large", `a pattern of at most ${stepsAtMost} steps, its repetitions written out`),
  );

  return line => {
    const chars = Array.from(line, code);
    const seen = new Int32Array(steps.length).fill(-1);
    let current: number[] = [];
    /** Follows a step to those that wait for a character; true at a match. */
    const follow = (from: number, at: number, into: number[]): boolean => {
      const waiting = [from];
      for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
        if (seen[index] === at) continue;
        seen[index] = at;
        const step = steps[index]!;
        switch (step.kind) {
          case "match":
            return true;
          case "chars":
            into.push(index);
            break;
          case "edge":
            if (holds(step.edge, chars[at - 1], chars[at])) waiting.push(index + 1);
            break;
          case "jump":
            waiting.push(step.to);
            break;
          case "split":
            waiting.push(step.to, index + 1);
        }
      }
      return false;
    };
    for (let at = 0; at <= chars.length; at++) {
      // What starts here, beside what began before.
      if (follow(0, at, current)) return true;
      const next: number[] = [];
      if (at < chars.length)
        for (const index of current) {
          const step = steps[index]!;
          if (step.kind === "chars" && step.chars(chars[at]!) && follow(index + 1, at + 1, next)) return true;
        }
      current = next;
    }
    return false;
  };
};
