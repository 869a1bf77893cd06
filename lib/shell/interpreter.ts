import { InputError } from "../errors.js";
import { grep } from "./grep.js";
import { mapText, type Output, type Printed, text } from "./output.js";
import { parseLine, type Statement } from "./script.js";
import type { Word } from "./tokens.js";

/** Deeper than anybody nests commands by hand. */
const deepest = 10;

/** What a shell has around it. */
export interface Scope {
  /** Its variables; an assignment sets one. */
  readonly variables: Map<string, string>;
  /** Runs one of its commands. */
  command(name: string, args: readonly string[]): Promise<Output>;
}

const fail = (given: unknown, problem: string, expected: string): never => {
  throw new InputError({ where: "sh", value: given, problem, expected });
};

const expand = async (word: Word, scope: Scope, depth: number): Promise<string> => {
  let expanded = "";
  for (const part of word) {
    if (part.kind === "text") expanded += part.text;
    else if (part.kind === "command") expanded += await substitute(part.source, scope, depth + 1);
    else
      expanded +=
        scope.variables.get(part.name) ??
        fail(
          `$${part.name}`,
          "is not set",
          scope.variables.size === 0
            ? "a variable that was set in front, NAME=VALUE"
            : `one of ${[...scope.variables.keys()].map(name => `$${name}`).join(", ")}`,
        );
  }
  return expanded;
};

const expandAll = async (words: readonly Word[], scope: Scope, depth: number): Promise<readonly string[]> => {
  const expanded: string[] = [];
  for (const word of words) expanded.push(await expand(word, scope, depth));
  return expanded;
};

/** Runs one statement, whatever came before it. Undefined when it only assigns. */
export const runStatement = async (
  { assignments, pipeline }: Statement,
  scope: Scope,
  depth = 0,
): Promise<Output | undefined> => {
  const [first, ...filters] = pipeline;
  if (first !== undefined && assignments.length > 0)
    fail(
      `${assignments[0]!.name}=`,
      "stands in front of a command, none of which here has an environment",
      `${assignments[0]!.name}=VALUE in a line of its own`,
    );
  for (const { name, value } of assignments) scope.variables.set(name, await expand(value, scope, depth));
  if (first === undefined) return undefined;
  const [name = "", ...args] = await expandAll(first, scope, depth);
  let output = await scope.command(name, args);
  for (const words of filters) {
    const [program, ...rest] = await expandAll(words, scope, depth);
    if (program !== "grep") fail(program, "cannot stand after a pipe here", "grep");
    const search = grep(rest);
    output = mapText(
      output,
      printed => search(printed).text,
      printed => search(printed).code,
    );
  }
  return output;
};

const joined = (before: readonly string[], last: string): string =>
  [...before, last].filter(printed => printed !== "").join("\n");

/** Whether a statement's turn comes, after what the last one ended with. */
export const hasItsTurn = ({ after }: Statement, code: number): boolean =>
  after === ";" || (after === "&&" ? code === 0 : code !== 0);

/**
 * Runs a text as `sh -c` does: statements one after another, each program until it ends by itself, or until the next
 * one's turn comes. @throws InputError for what this shell does not have
 */
export const runScript = async (source: string, scope: Scope, depth = 0): Promise<Output> => {
  if (depth > deepest) fail(source, "nests commands too deep", `at most ${deepest} deep`);
  const printed: string[] = [];
  let last: Output = text("");
  for (const statement of source.split(/\r?\n/).flatMap(parseLine)) {
    if (statement.background) fail("&", "would leave a program behind", "commands that are waited for");
    const ended: Printed = last.kind === "job" ? text(await last.job.stop()) : last;
    last = ended;
    if (!hasItsTurn(statement, ended.code)) continue;
    printed.push(ended.text);
    last = (await runStatement(statement, scope, depth)) ?? text("");
  }
  return mapText(last, end => joined(printed, end));
};

/** What `$(source)` stands for: what it prints. A program that does not end by itself is stopped. */
const substitute = async (source: string, scope: Scope, depth: number): Promise<string> => {
  const output = await runScript(source, scope, depth);
  return output.kind === "text" ? output.text : await output.job.stop();
};
