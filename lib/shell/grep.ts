import { fail, readFlags, toggle } from "./flags.js";
import { type RegexOptions, regex } from "./regex.js";

const usage = "grep [-EFicnqvwx] PATTERN";

/** What grep prints of an input, and its exit code: 0 with lines selected, 1 without. */
export interface Grepped {
  readonly text: string;
  readonly code: number;
}

/** Every character of a text by itself: `-F`. */
const literal = (text: string): string => text.replace(/[\\^$.[\]*]/g, "\\$&");

/**
 * Reads `grep [-EFicnqvwx] PATTERN`: basic syntax, or extended with -E, or plain text with -F; -i, -v, -c, -n, -q, -w, -x.
 * @returns what it prints of the lines that it is given
 * @throws InputError on a pattern that is no regular expression
 */
export const grep = (args: readonly string[]): ((input: string) => Grepped) => {
  const { flags, rest } = readFlags("grep", args, {
    "-E": toggle("extended"),
    "-F": toggle("fixed"),
    "-i": toggle("ignoreCase"),
    "-v": toggle("invert"),
    "-c": toggle("count"),
    "-n": toggle("numbers"),
    "-q": toggle("quiet"),
    "-w": toggle("words"),
    "-x": toggle("wholeLine"),
  });
  const has = (flag: string): boolean => flag in flags;
  const [pattern, ...more] = rest;
  if (pattern === undefined || more.length > 0) return fail("grep", rest.join(" "), "is not one pattern", usage);
  if (has("extended") && has("fixed")) fail("grep", args.join(" "), "has two syntaxes", "-E or -F");
  const options: RegexOptions = {
    extended: has("extended"),
    ignoreCase: has("ignoreCase"),
    words: has("words"),
    wholeLine: has("wholeLine"),
  };
  const matches = regex(has("fixed") ? literal(pattern) : pattern, options);
  return input => {
    const lines = input === "" ? [] : input.split("\n");
    const selected = lines
      .map((line, index) => ({ line, number: index + 1 }))
      .filter(({ line }) => matches(line) !== has("invert"));
    const code = selected.length > 0 ? 0 : 1;
    if (has("quiet")) return { text: "", code };
    if (has("count")) return { text: String(selected.length), code };
    return { text: selected.map(({ line, number }) => (has("numbers") ? `${number}:${line}` : line)).join("\n"), code };
  };
};
