import { InputError } from "../errors.js";

/** The flags of a command: how each is written, under which name its value is kept, and whether it takes one. */
export interface FlagSpec {
  readonly [flag: string]: { readonly name: string; readonly takesValue: boolean };
}

/** What was given: values by flag name (an empty text for a flag without one), and the rest in order. */
export interface Arguments {
  readonly flags: Readonly<Record<string, string>>;
  readonly rest: readonly string[];
}

/** Refuses what was typed. @throws InputError */
export const fail = (where: string, given: unknown, problem: string, expected: string): never => {
  throw new InputError({ where, value: given, problem, expected });
};

/** A flag that takes a value. */
export const value = (name: string): FlagSpec[string] => ({ name, takesValue: true });

/** A flag that is there or not. */
export const toggle = (name: string): FlagSpec[string] => ({ name, takesValue: false });

/**
 * Reads flags in the forms `-o wide`, `-o=wide`, `-owide`, `--output wide`, `--output=wide`, and letters together as in `-it`.
 * @param options.stopAtFirst leave everything from the first argument that is no flag (a command to run with flags of its own)
 * @throws InputError naming the flags that exist
 */
export const readFlags = (
  where: string,
  args: readonly string[],
  spec: FlagSpec,
  options: { readonly stopAtFirst?: boolean } = {},
): Arguments => {
  const flags: Record<string, string> = {};
  const rest: string[] = [];
  const find = (flag: string) => (Object.hasOwn(spec, flag) ? spec[flag] : undefined);
  const unknown = (flag: string): never =>
    fail(where, flag, "is not a known flag", Object.keys(spec).join(", ") || "no flags");
  const missing = (flag: string): never => fail(where, flag, "lacks its value", `${flag} VALUE`);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("-") || arg === "-") {
      if (options.stopAtFirst === true) return { flags, rest: args.slice(i) };
      rest.push(arg);
      continue;
    }
    const [flag, ...after] = arg.split("=");
    const exact = find(arg) ?? (after.length > 0 ? find(flag!) : undefined);
    if (exact !== undefined) {
      if (!exact.takesValue && after.length > 0) unknown(arg);
      flags[exact.name] = !exact.takesValue ? "" : after.length > 0 ? after.join("=") : (args[++i] ?? missing(arg));
      continue;
    }
    if (arg.startsWith("--")) unknown(arg);
    for (let at = 1; at < arg.length; at++) {
      const letter = find(`-${arg[at]}`) ?? unknown(arg);
      const tail = arg.slice(at + 1).replace(/^=/, "");
      if (!letter.takesValue) flags[letter.name] = "";
      else {
        flags[letter.name] = tail !== "" ? tail : (args[++i] ?? missing(arg));
        break;
      }
    }
  }
  return { flags, rest };
};

/** A whole number given as text. @throws InputError outside its range */
export const wholeNumber = (where: string, text: string, low: number, high: number): number => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < low || number > high)
    fail(where, text, "is not in range", `a whole number from ${low} to ${high}`);
  return number;
};
