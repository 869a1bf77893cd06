import { InputError } from "../errors.js";
import { readFlags, toggle } from "./flags.js";

/** A basic regular expression, in which + ? | ( ) { } stand for themselves. */
const basic = (pattern: string): string =>
  pattern.replace(/\\?[+?|(){}]/g, found => (found.startsWith("\\") ? found.slice(1) : `\\${found}`));

/** Runs `grep [-i] [-v] PATTERN` over lines. @throws InputError on a pattern that is no regular expression */
export const grep = (args: readonly string[], input: string): string => {
  const { flags, rest } = readFlags("grep", args, { "-i": toggle("ignoreCase"), "-v": toggle("invert") });
  const [pattern, ...more] = rest;
  if (pattern === undefined || more.length > 0)
    throw new InputError({
      where: "grep",
      value: rest.join(" "),
      problem: "is not one pattern",
      expected: "grep [-i] [-v] PATTERN",
    });
  let expression: RegExp;
  try {
    expression = new RegExp(basic(pattern), "ignoreCase" in flags ? "i" : "");
  } catch {
    throw new InputError({
      where: "grep",
      value: pattern,
      problem: "is not a regular expression",
      expected: "a basic regular expression",
    });
  }
  return input
    .split("\n")
    .filter(line => expression.test(line) !== "invert" in flags)
    .join("\n");
};
