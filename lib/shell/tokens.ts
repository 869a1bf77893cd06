import { InputError } from "../errors.js";

/** A piece of a word: text as it stands, a variable, or a command whose output takes its place. */
export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "command"; readonly source: string };

/** One argument, its quotes gone, not yet expanded. */
export type Word = readonly Part[];

/** A command line's words, and the operators between them. */
export type Token =
  | { readonly kind: "word"; readonly word: Word; /** As typed. */ readonly source: string }
  | { readonly kind: "operator"; readonly operator: "|" | "&" | ";" | "&&" | "||" };

const fail = (source: string, problem: string, expected: string): never => {
  throw new InputError({ where: "sh", value: source, problem, expected });
};

/** The end of `$( ... )` whose inside starts at `from`: the index of its closing parenthesis. */
const closing = (source: string, from: number): number => {
  let depth = 1;
  let quote = "";
  for (let i = from; i < source.length; i++) {
    const char = source[i]!;
    if (quote !== "") {
      if (char === quote) quote = "";
    } else if (char === "'" || char === '"') quote = char;
    else if (char === "\\") i++;
    else if (char === "(") depth++;
    else if (char === ")" && --depth === 0) return i;
  }
  return fail(source, "has $( without its )", "$(command)");
};

/**
 * Splits a line into words and operators as a shell does: single and double quotes, backslash, `$name`, `${name}`,
 * `$(command)`, and `#` for a comment. There are no wildcards and no redirections.
 * @throws InputError on an unclosed quote and on operators that this shell does not have
 */
export const tokenize = (source: string): readonly Token[] => {
  const tokens: Token[] = [];
  let parts: Part[] = [];
  let text = "";
  let inWord = false;
  let wordStart = 0;
  let i = 0;

  const flush = () => {
    if (text !== "") parts.push({ kind: "text", text });
    text = "";
  };
  const endWord = () => {
    flush();
    if (inWord) tokens.push({ kind: "word", word: parts, source: source.slice(wordStart, i) });
    parts = [];
    inWord = false;
  };
  const begin = () => {
    if (!inWord) wordStart = i;
    inWord = true;
  };
  /** Reads what follows a dollar sign; a lone one is text. */
  const dollar = () => {
    const variable = /^\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/.exec(source.slice(i, i + 100));
    if (variable !== null) {
      flush();
      parts.push({ kind: "variable", name: variable[1] ?? variable[2]! });
      i += variable[0].length;
    } else if (source[i + 1] === "(") {
      flush();
      const end = closing(source, i + 2);
      parts.push({ kind: "command", source: source.slice(i + 2, end) });
      i = end + 1;
    } else {
      text += "$";
      i++;
    }
  };
  const single = () => {
    const end = source.indexOf("'", i + 1);
    if (end < 0) fail(source, "has a ' that is not closed", "quotes in pairs");
    text += source.slice(i + 1, end);
    i = end + 1;
  };
  const double = () => {
    i++;
    while (i < source.length && source[i] !== '"') {
      if (source[i] === "$") dollar();
      else if (source[i] === "\\" && /["\\$`]/.test(source[i + 1] ?? "")) {
        text += source[i + 1]!;
        i += 2;
      } else text += source[i++]!;
    }
    if (i >= source.length) fail(source, 'has a " that is not closed', "quotes in pairs");
    i++;
  };

  while (i < source.length) {
    const char = source[i]!;
    if (/\s/.test(char)) {
      endWord();
      i++;
    } else if (char === "#" && !inWord) break;
    else if (char === "|" || char === "&" || char === ";") {
      endWord();
      const double = source.slice(i, i + 2);
      if (double === ";;" || double === "|&") fail(source, `has ${double}, which this shell does not have`, "; or |");
      const operator = double === "&&" || double === "||" ? double : char;
      tokens.push({ kind: "operator", operator });
      i += operator.length;
    } else if (char === ">" || (char === "<" && inWord) || char === "`")
      fail(source, `has ${char}, which this shell does not have`, "pipes to grep, variables and $(command)");
    else {
      begin();
      if (char === "'") single();
      else if (char === '"') double();
      else if (char === "$") dollar();
      else if (char === "\\") {
        text += source[i + 1] ?? "";
        i += 2;
      } else {
        text += char;
        i++;
      }
    }
  }
  endWord();
  return tokens;
};
