import { InputError } from "egress-lab/input";
import type { Cell, CodeCell, Json, Notebook } from "./nbformat.js";

/**
 * What a parameter's value may be, as its comment says it.
 *
 * - `30 to 250`: whole numbers, both ends included; `0.0 to 3.0` (with a decimal point) takes fractions too
 * - `1 or more`: the same without an upper end; `to` is Infinity
 * - `"Basic" or "Standard"`, `"a", "b" or "c"`, `1, 2 or 4`: one of these
 */
export type ParameterDomain =
  | { readonly kind: "range"; readonly from: number; readonly to: number; readonly whole: boolean }
  | { readonly kind: "choices"; readonly choices: readonly (string | number)[] };

/**
 * A variable of the cell tagged `parameters`, declared on a line that people and programs read alike:
 *
 *     let maxPods: number = 30; // pods per node: 30 to 250
 */
export interface Parameter {
  readonly name: string;
  /** Its annotation, as written: `number`, `"azure" | "kubenet"`. */
  readonly type: string;
  /** What it is without a value given, as written: `30`, `"model"`. */
  readonly initial: string;
  /** What it means: the comment behind it up to the colon; empty without a comment. */
  readonly meaning: string;
  /** What it may be: the comment after the colon. Without one, the type alone decides. */
  readonly domain?: ParameterDomain;
}

export const hasTag = (cell: Cell, tag: string): cell is CodeCell => cell.type === "code" && cell.tags.includes(tag);

const scalar = String.raw`-?\d+(?:\.\d+)?`;
const literal = String.raw`"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|${scalar}`;
const rangePattern = new RegExp(String.raw`^(${scalar}) to (${scalar})$`);
const openPattern = new RegExp(String.raw`^(${scalar}) or more$`);
const choicesPattern = new RegExp(`^(?:${literal})(?:, (?:${literal}))* or (?:${literal})$`);

const readDomain = (text: string): ParameterDomain | undefined => {
  const [, from, to = "Infinity"] = rangePattern.exec(text) ?? openPattern.exec(text) ?? [];
  if (from !== undefined)
    return Number(from) <= Number(to)
      ? { kind: "range", from: Number(from), to: Number(to), whole: !`${from}${to}`.includes(".") }
      : undefined;
  if (!choicesPattern.test(text)) return undefined;
  return {
    kind: "choices",
    choices: [...text.matchAll(new RegExp(literal, "g"))].map(([choice]) => JSON.parse(choice) as string | number),
  };
};

/** A domain in words: `a whole number from 30 to 250`, `"Basic" or "Standard"`. */
export const formatDomain = (domain: ParameterDomain): string => {
  if (domain.kind === "range") {
    const kind = domain.whole ? "a whole number" : "a number";
    return domain.to === Infinity ? `${kind}, ${domain.from} or more` : `${kind} from ${domain.from} to ${domain.to}`;
  }
  const choices = domain.choices.map(choice => JSON.stringify(choice));
  return `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`;
};

/** Whether a value is in a domain. Null is where the type takes it, so it is left to the type. */
export const inDomain = (domain: ParameterDomain, value: Json): boolean => {
  if (value === null) return true;
  if (domain.kind === "choices") return domain.choices.some(choice => choice === value);
  const { from, to, whole } = domain;
  return typeof value === "number" && value >= from && value <= to && (!whole || Number.isInteger(value));
};

/** The value of a literal as notebooks write it: `30`, `0.5`, `"model"`, `true`, `null`, `[1, 2]`; undefined for anything else. */
export const readLiteral = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
};

interface Statement {
  readonly text: string;
  /** The `//` comment at its end, on the same line. */
  readonly comment: string;
}

// Unrolled: a choice for each character would use the stack up on a long text.
const quoted = (quote: string, end: string, inner: string) =>
  String.raw`${quote}[^${quote}\\${inner}]*(?:\\.[^${quote}\\${inner}]*)*${end}`;
const stringPattern = [quoted('"', '"', "\\n"), quoted("'", "'", "\\n"), quoted("`", "(?:`|$)", "")].join("|");
const tokenPattern = new RegExp(String.raw`//[^\n]*|/\*[^]*?(?:\*/|$)|${stringPattern}|[\w$]+|\n|[^\S\n]+|=>|[^]`, "g");

/** Statements of simple declarations: cut at semicolons and line ends outside brackets and strings. */
const statements = (source: string): readonly Statement[] => {
  const found: Statement[] = [];
  let tokens: string[] = [];
  let comment = "";
  let depth = 0;
  /** Of what was read since the last token: white space, the end of a statement's line, the end of any line. */
  let [space, lineEnded, newLine] = [false, false, true];
  const end = () => {
    if (tokens.length > 0) found.push({ text: tokens.join(""), comment });
    tokens = [];
    comment = "";
    lineEnded = false;
  };
  for (const [token] of source.matchAll(tokenPattern)) {
    if (token === "\n") {
      lineEnded ||= depth === 0 && !/^[=|&:,]$/.test(tokens.at(-1) ?? "=");
      space = newLine = true;
    } else if (token.startsWith("//")) {
      const text = token.slice(2).trim();
      if (tokens.length > 0 && !lineEnded) comment = text;
      else if (tokens.length === 0 && !newLine) found.push({ ...found.pop()!, comment: text });
    } else if (token.startsWith("/*") || /^\s/.test(token)) space = true;
    else if (token === ";" && depth <= 0) {
      end();
      newLine = false;
    } else {
      if (lineEnded && !/^[=|&:]$/.test(token)) end();
      if (space && tokens.length > 0) tokens.push(" ");
      tokens.push(token);
      if (/^[([{]$/.test(token)) depth++;
      if (/^[)\]}]$/.test(token)) depth--;
      space = lineEnded = newLine = false;
    }
  }
  end();
  return found;
};

const declaration = /^let ([A-Za-z_$][\w$]*) ?: ?([^=]+?) ?=(?!>) ?([^]+)$/;
const strings = new RegExp(stringPattern, "g");

/** A comment's meaning and domain. What follows the last colon is a domain when it begins as one does. */
const readComment = (
  comment: string,
): { readonly meaning: string; readonly domain?: ParameterDomain } | { readonly wrong: string } => {
  const colon = comment.lastIndexOf(": ");
  const said = comment.slice(colon + 1).trim();
  const domain = readDomain(said);
  if (domain !== undefined) return { meaning: comment.slice(0, Math.max(colon, 0)).trim(), domain };
  return colon >= 0 && /^["\d-]/.test(said) ? { wrong: said } : { meaning: comment };
};

/**
 * The parameters that a notebook declares.
 * @param where names the file in errors
 * @throws InputError when the parameters cell holds anything but `let name: type = value;` (a `const` cannot be set, a
 *   variable without type is not checked, and a function there would not see values set later), when a comment's range
 *   or choices cannot be read, or do not hold the declared value
 */
export const parametersOf = (notebook: Notebook, where: string): readonly Parameter[] => {
  const cell = notebook.cells.find(item => hasTag(item, "parameters"));
  if (cell === undefined) return [];
  return statements(cell.source).map(({ text, comment }): Parameter => {
    const fail = (value: string, problem: string, expected: string): never => {
      throw new InputError({ where: `${where}: parameters cell`, value, problem, expected });
    };
    const [, name, type, initial] = declaration.exec(text) ?? [];
    if (
      name === undefined ||
      type === undefined ||
      initial === undefined ||
      /=>|\bfunction\b/.test(initial.replace(strings, '""'))
    )
      return fail(text, "is not a parameter", "only let name: type = value;");
    const said = readComment(comment);
    if ("wrong" in said)
      return fail(
        said.wrong,
        `after ${name} is no range and no choices`,
        'after the colon 1 to 10, 0.0 to 1.0, 1 or more, or "a", "b" or "c"',
      );
    const value = readLiteral(initial);
    if (said.domain !== undefined && value !== undefined && !inDomain(said.domain, value))
      fail(initial, `as ${name} is not what its comment says`, formatDomain(said.domain));
    return { name, type, initial, ...said };
  });
};
