import { TreeInterpreter, compile } from "@jmespath-community/jmespath";
import type { Data } from "../render/document.js";
import { fail } from "./flags.js";

type Interpreter = typeof TreeInterpreter;
type Node = Parameters<Interpreter["visit"]>[0];
type Value = ReturnType<Interpreter["visit"]>;
const Base = TreeInterpreter.constructor as new () => Interpreter;

/** The functions of the JMESPath that az is built on (Python's jmespath 1.1.0). */
export const azFunctions = [
  ..."abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse".split(
    " ",
  ),
  ..."sort sort_by starts_with sum to_array to_number to_string type values".split(" "),
] as readonly string[];

/** What the library reads beyond az's JMESPath, by its node. */
const unknown: Readonly<Record<string, string>> = {
  LetExpression: "let",
  Binding: "a variable",
  Variable: "a variable",
  Ternary: "? :",
  Root: "$",
  Arithmetic: "arithmetic",
  Unary: "arithmetic",
};

const where = "az --query";

/** Steps and values that a query may take and make: some hundred times as many as the largest lab's resources have. */
const budget = 2_000_000;

const orders: Readonly<Record<string, (left: string, right: string) => boolean>> = {
  GT: (left, right) => left > right,
  GTE: (left, right) => left >= right,
  LT: (left, right) => left < right,
  LTE: (left, right) => left <= right,
};

const digits = String.raw`\d+(?:_\d+)*`;
const numberPattern = new RegExp(
  String.raw`^[+-]?(?:${digits}(?:\.(?:${digits})?)?|\.${digits})(?:[eE][+-]?${digits})?$`,
);

/** The number that a text says in decimal digits, as Python reads it: `_` between digits, no hexadecimal. */
const numberIn = (text: string): number | null =>
  numberPattern.test(text.trim()) ? Number(text.trim().replaceAll("_", "")) : null;

class TooMuch extends Error {}
class Incomparable extends Error {}

/** Keeps to az's JMESPath, to what objects hold themselves, and to a budget. */
class AzInterpreter extends Base {
  private steps = 0;
  private readonly sizes = new WeakMap<object, number>();

  override visit(node: Node, value: Value): Value {
    if (++this.steps > budget) throw new TooMuch("takes too many steps");
    const result = this.step(node, value);
    this.weigh(result);
    return result;
  }

  private step(node: Node, value: Value): Value {
    switch (node.type) {
      case "Field":
        // Not what every object inherits.
        return typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, node.name)
          ? super.visit(node, value)
          : null;
      case "Comparator": {
        // az puts texts in order too; the library orders numbers only.
        const [left, right] = [this.visit(node.left, value), this.visit(node.right, value)];
        const compare = orders[node.name];
        if (compare === undefined) return super.visit(node, value);
        const kinds = `${typeof left} ${typeof right}`;
        if (kinds === "string number" || kinds === "number string")
          throw new Incomparable(`compares text with a number (${JSON.stringify([left, right])})`);
        return kinds === "string string" ? compare(left as string, right as string) : super.visit(node, value);
      }
      case "Slice":
        return typeof value === "string" ? null : super.visit(node, value);
      case "MultiSelectHash":
        return Object.fromEntries(node.children.map(child => [child.name, this.visit(child.value, value)])) as Value;
      case "Function": {
        const args = node.children.map(child => this.visit(child, value));
        // The separators make a text long that is short by its parts.
        const [glue, parts] = args;
        if (node.name === "join" && typeof glue === "string" && Array.isArray(parts))
          this.spend(glue.length * parts.length);
        if (node.name === "to_number" && args.length === 1 && typeof glue === "string") return numberIn(glue);
        return this.runtime.callFunction(node.name, args);
      }
      default:
        return super.visit(node, value);
    }
  }

  private spend(size: number): number {
    if (size > budget) throw new TooMuch("makes too large a result");
    return size;
  }

  /** How much a value is when written out: a list that stands in another twice counts twice. */
  private weigh(value: unknown): number {
    if (typeof value === "string") return this.spend(1 + value.length);
    if (typeof value !== "object" || value === null) return 1;
    const known = this.sizes.get(value);
    if (known !== undefined) return known;
    let size = 1;
    for (const part of Object.values(value)) size = this.spend(size + this.weigh(part));
    this.sizes.set(value, size);
    return size;
  }
}

interface Part {
  readonly type: string;
  readonly name?: string;
}
const isPart = (value: unknown): value is Part =>
  typeof value === "object" && value !== null && typeof (value as Part).type === "string";

/** Refuses what az refuses, though the library would read it. */
const check = (part: Part, expression: string, within?: Part): void => {
  const more = unknown[part.type];
  if (more !== undefined) fail(where, expression, `uses ${more}, which az has not`, "JMESPath as az reads it");
  if (part.type === "Function" && !azFunctions.includes(part.name!))
    fail(where, expression, `calls ${part.name}(), which az has not`, azFunctions.join(", "));
  if (part.type === "ExpressionReference" && within?.type !== "Function")
    fail(where, expression, "has & outside a function's arguments", "&EXPRESSION as in sort_by(LIST, &name)");
  if (part.type === "Literal") return;
  for (const value of Object.values(part))
    for (const child of Array.isArray(value) ? value : [value]) if (isPart(child)) check(child, expression, part);
};

/** The quote that is never closed, which the library reads as if the end closed it. */
const openQuote = (expression: string): string | undefined => {
  for (let at = 0; at < expression.length; at++) {
    const quote = expression[at]!;
    if (!"'\"`".includes(quote)) continue;
    for (at++; expression[at] !== quote; at++) {
      if (at >= expression.length) return quote;
      if (expression[at] === "\\") at++;
    }
  }
  return undefined;
};

/** The first line of what went wrong. */
const reason = (error: unknown): string => {
  if (error instanceof RangeError) return "nests too deep";
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof TooMuch || error instanceof Incomparable
    ? text
    : `is not right (${text.replace(/\s+/g, " ")})`;
};

/**
 * What az prints for `--query`; null, which it does not print, where the expression finds nothing.
 * @throws InputError for what az does not take, and for a query that makes too much of its data
 */
export const azQuery = (data: Data, expression: string): Data => {
  const quote = openQuote(expression);
  if (quote !== undefined) fail(where, expression, `has a ${quote} that is never closed`, "a JMESPath expression");
  const attempt = <T>(run: () => T): T => {
    try {
      return run();
    } catch (error) {
      return fail(where, expression, reason(error), "a JMESPath expression");
    }
  };
  const node = attempt(() => compile(expression, { enable_legacy_literals: true }));
  let tooDeep = false;
  try {
    check(node, expression);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    tooDeep = true;
  }
  return attempt(() => {
    if (tooDeep) throw new RangeError();
    return new AzInterpreter().search(node, data as Parameters<Interpreter["search"]>[1]);
  });
};
