import { InputError } from "../errors.js";
import { type Token, tokenize, type Word } from "./tokens.js";

/** `name=value` in front of a command line. */
export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

/** A pipeline with what belongs to it. */
export interface Statement {
  readonly assignments: readonly Assignment[];
  /** Commands, each feeding the next; none when the statement only assigns. */
  readonly pipeline: readonly (readonly Word[])[];
  /** A trailing `&`. */
  readonly background: boolean;
  /** What joins it to the statement before: it runs always, only when that one succeeded, or only when it failed. */
  readonly after: ";" | "&&" | "||";
}

/** A line with the terminal that it is typed into. */
export interface Line {
  /** As typed, prompt included. */
  readonly text: string;
  /** The host that the prompt names; absent on the workstation. */
  readonly host?: string;
  readonly prompted: boolean;
  readonly source: string;
}

const prompts = [
  /^(?<prompt>\$)(?:\s+(?<source>.*))?$/,
  /^(?<prompt>[\w.-]+@(?<host>[\w.-]+):[^\s$#]*[$#])(?:\s+(?<source>.*))?$/,
  /^(?<prompt>\[[\w.-]+@(?<host>[\w.-]+) [^\]\s]*\][$#])(?:\s+(?<source>.*))?$/,
];

/**
 * Splits a text into lines and tells by each prompt where it is typed: `$ ` is the workstation, `user@host:~$ ` and
 * `[root@host /]# ` a host; without a prompt it is the workstation. Empty lines, `^C` and bare prompts are nothing to run.
 */
export const readLines = (text: string): readonly Line[] =>
  text
    .replace(/\\\r?\n/g, " ")
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== "" && line !== "^C")
    .map((line): Line => {
      for (const prompt of prompts) {
        const groups = prompt.exec(line)?.groups;
        if (groups !== undefined)
          return {
            text: line,
            prompted: true,
            source: groups["source"] ?? "",
            ...(groups["host"] !== undefined && { host: groups["host"] }),
          };
      }
      return { text: line, prompted: false, source: line };
    });

const assignment = (token: Token): Assignment | undefined => {
  const first = token.kind === "word" ? token.word[0] : undefined;
  if (token.kind !== "word" || first?.kind !== "text") return undefined;
  const name = /^([A-Za-z_]\w*)=/.exec(token.source)?.[1];
  if (name === undefined) return undefined;
  return { name, value: [{ kind: "text", text: first.text.slice(name.length + 1) }, ...token.word.slice(1)] };
};

const statement = (
  tokens: readonly Token[],
  background: boolean,
  after: Statement["after"],
  source: string,
): Statement => {
  const assignments: Assignment[] = [];
  let start = 0;
  for (
    let found = tokens[0] && assignment(tokens[0]);
    found !== undefined;
    found = tokens[start] && assignment(tokens[start]!)
  ) {
    assignments.push(found);
    start++;
  }
  const pipeline: Word[][] = [[]];
  for (const token of tokens.slice(start)) {
    if (token.kind === "operator") pipeline.push([]);
    else pipeline.at(-1)!.push(token.word);
  }
  if (pipeline.length > 1 && pipeline.some(command => command.length === 0))
    throw new InputError({
      where: "sh",
      value: source,
      problem: "has a pipe without a command",
      expected: "command | grep WORD",
    });
  return { assignments, pipeline: pipeline.filter(command => command.length > 0), background, after };
};

/** The statements of a line, in order. @throws InputError on what this shell's grammar lacks */
export const parseLine = (source: string): readonly Statement[] => {
  const statements: Statement[] = [];
  let pending: Token[] = [];
  let after: Statement["after"] = ";";
  const refuse = (problem: string, expected: string): never => {
    throw new InputError({ where: "sh", value: source, problem, expected });
  };
  const end = (operator: ";" | "&" | "&&" | "||") => {
    if (pending.length === 0 && (operator !== ";" || after !== ";"))
      refuse(
        `has ${operator === ";" ? after : operator} without a command`,
        operator === "&" ? "command &" : `command ${operator === ";" ? after : operator} command`,
      );
    if (operator === "&" && after !== ";") refuse(`has & behind ${after}`, "command &, by itself");
    if (pending.length > 0) statements.push(statement(pending, operator === "&", after, source));
    after = operator === "&" ? ";" : operator;
    pending = [];
  };
  for (const token of tokenize(source)) {
    if (token.kind === "operator" && token.operator !== "|") end(token.operator);
    else pending.push(token);
  }
  end(";");
  return statements;
};
