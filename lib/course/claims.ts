import { printAsOneLine } from "egress-lab/input";

/** A claim of a notebook that does not hold. */
export class CheckError extends Error {
  override readonly name = "CheckError";
}

printAsOneLine(CheckError);

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

const keyText = (key: PropertyKey): string =>
  /^[A-Za-z_$][\w$]*$/.test(String(key)) ? `.${String(key)}` : `[${JSON.stringify(key)}]`;

const braced = (parts: readonly string[]): string => (parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`);

/** A value on one line, in the notation of TypeScript. */
const format = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `function ${value.name}`;
  if (!isObject(value)) return String(value);
  if (value instanceof Date) return `Date ${value.toJSON()}`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (value instanceof Set) return `Set ${braced([...value].map(format))}`;
  if (value instanceof Map)
    return `Map ${braced([...value].map(([key, item]) => `${format(key)} => ${format(item)}`))}`;
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return `[${Array.from(value as ArrayLike<unknown>, format).join(", ")}]`;
  return braced(Object.entries(value).map(([key, item]) => `${keyText(key).replace(/^\./, "")}: ${format(item)}`));
};

const short = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** Two texts are shown without quotes, as the reader knows them, where that leaves no doubt. */
const pair = (expected: unknown, got: unknown, limit: (text: string) => string): readonly [string, string] => {
  const bare = [expected, got].every(value => typeof value === "string" && /^\S(.*\S)?$/.test(value));
  const text = (value: unknown) => limit(bare ? (value as string) : format(value));
  return [text(expected), text(got)];
};

/** An object as keys and values; the entries of collections have the keys that a reader would use. */
const entriesOf = (value: object): ReadonlyMap<unknown, unknown> => {
  if (value instanceof Map) return value;
  if (value instanceof Set) return new Map([...value].map(item => [item, item]));
  if (value instanceof Date) return new Map([["getTime()", value.getTime()]]);
  if (value instanceof Error)
    return new Map([
      ["name", value.name],
      ["message", value.message],
    ]);
  return new Map(Object.entries(value));
};

interface Difference {
  readonly path: string;
  readonly expected: unknown;
  readonly got: unknown;
}

/** The first place where two values differ; undefined when they are equal throughout. */
const difference = (expected: unknown, got: unknown, path = ""): Difference | undefined => {
  if (expected === got || Object.is(expected, got)) return undefined;
  if (!isObject(expected) || !isObject(got) || Object.getPrototypeOf(expected) !== Object.getPrototypeOf(got))
    return { path, expected, got };
  const [wanted, found] = [entriesOf(expected), entriesOf(got)];
  const keys = new Set([...wanted.keys(), ...found.keys()]);
  for (const key of keys) {
    const place = `${path}${Array.isArray(expected) ? `[${String(key)}]` : keyText(isObject(key) ? format(key) : (key as PropertyKey))}`;
    if (!wanted.has(key) || !found.has(key)) return { path: place, expected: wanted.get(key), got: found.get(key) };
    const inner = difference(wanted.get(key), found.get(key), place);
    if (inner !== undefined) return inner;
  }
  return undefined;
};

/** Who says so, where that is named. */
const named = (evidence: string | undefined): string => (evidence === undefined ? "" : ` (${evidence})`);

const pass = (claim: string, expected: string, got: string, evidence: string | undefined): void =>
  console.log(`ok  ${claim}: expected ${expected}${named(evidence)}, got ${got}`);

/** What the line of a check that holds says: its claim, and the value that it got, as printed. */
export interface Finding {
  readonly claim: string;
  readonly got: string;
}

/** Reads the lines that checks printed; other lines are passed over. */
export const readFindings = (text: string): readonly Finding[] =>
  text.split("\n").flatMap(line => {
    const start = line.indexOf(": expected ");
    const end = line.lastIndexOf(", got ");
    return line.startsWith("ok  ") && start > 0 && end > start
      ? [{ claim: line.slice("ok  ".length, start), got: line.slice(end + ", got ".length) }]
      : [];
  });

const whole = (text: string): string => text;

/**
 * States a claim, compares `got` with `expected` throughout, and prints one line with both.
 *
 *     check("the VM sees", ping.source, "10.13.76.13", "the article")
 *
 * prints `ok  the VM sees: expected 10.13.76.13 (the article), got 10.13.76.13`.
 *
 * @param evidence where `expected` comes from, other than from what is checked: a document, a formula, the kernel
 * @throws CheckError when they differ, with both values and, inside larger ones, the first place that differs
 */
export const check = <T>(claim: string, got: T, expected: NoWiden<T>, evidence?: string): void => {
  const found = difference(expected, got);
  if (found === undefined) return pass(claim, ...pair(expected, got, short), evidence);
  const [wanted, had] = pair(found.expected, found.got, whole);
  throw new CheckError(
    `${claim}: ${found.path === "" ? "" : `at ${found.path} `}expected ${wanted}${named(evidence)}, got ${had}`,
  );
};

/** Lets `got` alone decide the type that both must have. */
type NoWiden<T> = [T][T extends unknown ? 0 : never];

/**
 * States a claim about a measured or drawn figure: `got` may differ from `expected` by at most `tolerance`, in the same unit.
 * @param evidence where `expected` comes from
 * @throws CheckError when it differs by more, or is no number
 */
export const checkNear = (claim: string, got: number, expected: number, tolerance: number, evidence?: string): void => {
  const wanted = `${expected} ± ${tolerance}`;
  if (Math.abs(got - expected) <= tolerance) pass(claim, wanted, String(got), evidence);
  else throw new CheckError(`${claim}: expected ${wanted}${named(evidence)}, got ${got}`);
};

/**
 * States that an action is refused with an error whose message holds a text.
 * @param evidence where the text comes from
 * @throws CheckError when nothing is thrown, or the message is another
 */
export const checkThrows = (claim: string, action: () => unknown, expected: string, evidence?: string): void => {
  let message: string | undefined;
  try {
    action();
  } catch (error) {
    message = error instanceof Error ? error.message : String(error);
  }
  const wanted = `an error with "${expected}"`;
  const got = message === undefined ? "none" : `"${message}"`;
  if (message?.includes(expected) !== true)
    throw new CheckError(`${claim}: expected ${wanted}${named(evidence)}, got ${got}`);
  pass(claim, wanted, got, evidence);
};
