import { type Node, isAlias, isMap, isScalar, isSeq, parseDocument } from "yaml";
import { refuse } from "egress-lab/input";
import { type Parameter, formatDomain, inDomain } from "./declarations.js";
import type { Json } from "./nbformat.js";

/** A value for a parameter: a text of the command line, to be read by the parameter's type, or a value. */
export type ParameterValue = { readonly text: string } | { readonly value: Json };

/** A type that a parameter can be set by from outside. */
type Type =
  | { readonly kind: "number" | "string" }
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "list"; readonly of: Type }
  | { readonly kind: "union"; readonly of: readonly Type[] };

/** The digits of a decimal number without zeros at their ends, and its exponent: equal for equal numbers. */
const digitsOf = (decimal: string): string => {
  const [, sign = "", whole = "", part = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(decimal) ?? [];
  const digits = `${whole}${part}`.replace(/^0+/, "");
  const kept = digits.slice(0, digits.length - (/0*$/.exec(digits.slice(-400))?.[0].length ?? 0));
  return kept === "" ? "0" : `${sign}${kept}e${Number(exponent) - part.length + digits.length - kept.length}`;
};

const decimal = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Longer numbers than any that keeps its digits. */
const numberAtMost = 400;

/** The number that a text is, if it is one in decimal digits and keeps all of them. */
const exactNumber = (text: string): number | undefined => {
  if (text.length > numberAtMost || !decimal.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) && digitsOf(text) === digitsOf(String(value)) ? value : undefined;
};

/** Reads a TypeScript annotation; undefined for one that has other types than those of JSON's values and lists of them. */
const readType = (annotation: string): Type | undefined => {
  const tokens = annotation.match(/"[^"\\]*(?:\\.[^"\\]*)*"|'[^'\\]*(?:\\.[^'\\]*)*'|[\w$.-]+|\S/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => tokens[at] === token && ++at > 0;
  const primary = (): Type | undefined => {
    if (take("readonly")) return postfix();
    if (take("(")) {
      const inner = union();
      return take(")") ? inner : undefined;
    }
    const word = tokens[at++] ?? "";
    if (word === "number" || word === "string") return { kind: word };
    if (word === "boolean")
      return {
        kind: "union",
        of: [
          { kind: "literal", value: true },
          { kind: "literal", value: false },
        ],
      };
    if (word === "true" || word === "false" || word === "null")
      return { kind: "literal", value: JSON.parse(word) as boolean | null };
    if (word === "Array" || word === "ReadonlyArray") {
      const of = take("<") ? union() : undefined;
      return of !== undefined && take(">") ? { kind: "list", of } : undefined;
    }
    if (/^".*"$/.test(word) || decimal.test(word)) {
      try {
        return { kind: "literal", value: JSON.parse(word) as string | number };
      } catch {
        return undefined;
      }
    }
    return /^'[^"\\]*'$/.test(word) ? { kind: "literal", value: word.slice(1, -1) } : undefined;
  };
  const postfix = (): Type | undefined => {
    let type = primary();
    while (type !== undefined && take("[")) type = take("]") ? { kind: "list", of: type } : undefined;
    return type;
  };
  const union = (): Type | undefined => {
    take("|");
    const of: Type[] = [];
    do {
      const part = postfix();
      if (part === undefined) return undefined;
      of.push(part);
    } while (take("|"));
    return of.length === 1 ? of[0] : { kind: "union", of };
  };
  const type = union();
  return at === tokens.length ? type : undefined;
};

/** Whether a value is exactly of a type. */
const fits = (value: Json, type: Type): boolean => {
  switch (type.kind) {
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "string":
      return typeof value === "string";
    case "literal":
      return value === type.value;
    case "list":
      return Array.isArray(value) && value.every((item: Json) => fits(item, type.of));
    case "union":
      return type.of.some(part => fits(value, part));
  }
};

/** Levels of a value: the types that parameters have are written in fewer. */
const levelsAtMost = 50;

/** What a node says beyond doubt; a problem and what would be right otherwise. */
const strictValue = (node: Node | null, wrong: (text: string, problem: string) => never, level = 0): Json => {
  if (level > levelsAtMost) return wrong("[[[...", `is nested in more than ${levelsAtMost} levels`);
  if (node !== null && isAlias(node)) return wrong(`*${node.source}`, "is an alias");
  if (node?.tag !== undefined && !/^tag:yaml\.org,2002:(?:map|seq)$/.test(node.tag)) return wrong(node.tag, "is a tag");
  if (node !== null && isSeq(node)) return node.items.map(item => strictValue(item as Node | null, wrong, level + 1));
  if (node !== null && isMap(node)) return wrong("{...}", "is a mapping");
  const text = node !== null && isScalar(node) ? (node.source ?? "") : "";
  if (node !== null && isScalar(node) && node.type !== "PLAIN") return String(node.value);
  if (text === "null" || text === "true" || text === "false") return JSON.parse(text) as Json;
  const number = exactNumber(text);
  if (number !== undefined) return number;
  return node !== null && isScalar(node) && typeof node.value === "string"
    ? text
    : wrong(text, /^[-+]?\.?\d/.test(text) ? "does not keep its digits as a number" : "has more than one reading");
};

const meant = "decimal numbers, true, false, null, texts (in quotes where in doubt) and lists of them";

/** Reads YAML of which nothing is guessed. @param where names it in errors */
const document = (text: string, where: string): Node | null => {
  const parsed = (() => {
    try {
      // Their keys are compared below: the reader itself compares each with all.
      return parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: "error", schema: "core" });
    } catch {
      return refuse(where, text.slice(0, 40), "is nested too deeply", meant);
    }
  })();
  const [error] = [...parsed.errors, ...parsed.warnings];
  if (error !== undefined) refuse(where, error.message.split("\n")[0], "is an error in its YAML", meant);
  return parsed.contents;
};

/**
 * Reads a file of parameters: YAML, a mapping of names to values.
 * @param where names the file in errors
 * @throws InputError for what is no such mapping, has a name twice, or a value that is not what it says beyond doubt
 */
export const readParametersFile = (text: string, where: string): ReadonlyMap<string, { readonly value: Json }> => {
  const values = new Map<string, { readonly value: Json }>();
  const contents = document(text, where);
  if (contents === null || (isScalar(contents) && contents.source === "")) return values;
  if (!isMap(contents)) return refuse(where, text.trim().slice(0, 40), "is not a mapping", "lines name: value");
  for (const { key, value } of contents.items) {
    if (!isScalar(key) || key.tag !== undefined)
      return refuse(where, String(key), "is not a name", "lines name: value");
    const name = String(key.source ?? key.value);
    if (values.has(name)) refuse(where, name, "stands twice", "each name once");
    const place = `${where}: ${name}`;
    values.set(name, {
      value: strictValue(value as Node | null, (found, problem) => refuse(place, found, problem, meant)),
    });
  }
  return values;
};

/** The readings of an argument by a type, the narrower first. */
const readings = (text: string, type: Type, where: string): readonly Json[] => {
  switch (type.kind) {
    case "number": {
      const value = exactNumber(text);
      return value === undefined ? [] : [value];
    }
    case "string":
      return [text];
    case "literal":
      return typeof type.value === "number"
        ? exactNumber(text) === type.value
          ? [type.value]
          : []
        : text === String(type.value)
          ? [type.value]
          : [];
    case "list": {
      if (!text.trimStart().startsWith("[")) return [];
      const value = strictValue(document(text, where), (found, problem) => refuse(where, found, problem, meant));
      return fits(value, type) ? [value] : [];
    }
    case "union": {
      const found = type.of.flatMap(part => readings(text, part, where));
      return [...found.filter(value => value !== text), ...found.filter(value => value === text)];
    }
  }
};

/**
 * The value that a parameter is given, exactly as its type and its comment allow.
 * @param where names the notebook in errors
 * @throws InputError for a value of another type or out of the parameter's range, or a type that is not set from outside
 */
export const readParameter = (parameter: Parameter, given: ParameterValue, where: string): Json => {
  const place = `${where}: parameter ${parameter.name}`;
  const type = readType(parameter.type);
  const shown = "text" in given ? given.text : given.value;
  if (type === undefined)
    return refuse(
      place,
      parameter.type,
      "is no type that is set from outside",
      "numbers, texts, booleans, null, lists of them and choices",
    );
  const [value] = "text" in given ? readings(given.text, type, place) : fits(given.value, type) ? [given.value] : [];
  if (value === undefined) {
    const number = "text" in given && decimal.test(given.text) && exactNumber(given.text) === undefined;
    return refuse(place, shown, number ? "does not keep its digits as a number" : "is not of its type", parameter.type);
  }
  if (parameter.domain !== undefined && !inDomain(parameter.domain, value))
    return refuse(place, shown, "is not what its comment says", formatDomain(parameter.domain));
  return value;
};
