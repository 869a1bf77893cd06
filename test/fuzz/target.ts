import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../lib/errors.js";

/** What an input is: text, the bytes of a file, or a value that is kept as JSON (see `readValue`). */
export type Format = "text" | "bytes" | "json";

/** One reader of what comes from outside. */
export interface Target {
  readonly name: string;
  /** What is read, and what must hold of it. */
  readonly about: string;
  readonly format: Format;
  /** Words that its inputs are made of. */
  readonly words: readonly string[];
  /** Inputs to begin with, beside those of its folder in the corpus: paths from the repository's root. */
  readonly from?: readonly string[];
  /** Inputs in the short run of `npm test`. Default 300. */
  readonly short?: number;
  /** Reads an input. @throws anything, where what must hold does not */
  readonly run: (input: string, bytes: Uint8Array) => unknown;
}

/** What must hold did not. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** Longer than any message that one reads. */
const messageAtMost = 1000;

/** Whether an error is an author's mistake told in one line. @throws what it is otherwise */
const checkRefusal = (error: unknown): void => {
  if (!(error instanceof InputError)) throw error;
  const { message, problem } = error;
  if (/[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(message))
    throw new Broken(`a message is not one line: ${JSON.stringify(message)}`);
  if (message.length > messageAtMost) throw new Broken(`a message has ${message.length} characters`);
  if (problem.where === "" || problem.problem === "" || problem.expected === "")
    throw new Broken(`a message lacks a part: ${message}`);
};

/** What an action gives; undefined where it refuses its input as it should. */
export const reading = <T>(action: () => T): T | undefined => {
  try {
    return action();
  } catch (error) {
    checkRefusal(error);
    return undefined;
  }
};

/** The same of an action that takes its time. */
export const readingLater = async <T>(action: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await action();
  } catch (error) {
    checkRefusal(error);
    return undefined;
  }
};

const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 300 ? `${text.slice(0, 300)}...` : text;
};

/** @throws Broken where two values differ */
export const same = (what: string, got: unknown, expected: unknown): void => {
  if (!isDeepStrictEqual(got, expected)) throw new Broken(`${what}: ${short(got)}, expected ${short(expected)}`);
};

/** @throws Broken where a condition does not hold */
export const holds = (what: string, condition: boolean): void => {
  if (!condition) throw new Broken(what);
};

/** Values that JSON has not, as texts in it. */
const beyondJson = new Map<string, unknown>([
  ["@undefined", undefined],
  ["@NaN", Number.NaN],
  ["@Infinity", Number.POSITIVE_INFINITY],
  ["@-Infinity", Number.NEGATIVE_INFINITY],
  ["@-0", -0],
  ["@1n", 1n],
]);
export const wordsBeyondJson: readonly string[] = [...beyondJson.keys()];

/** The value that a JSON text stands for, with those that JSON has not. */
export const readValue = (text: string): unknown => {
  const revive = (value: unknown): unknown => {
    if (typeof value === "string") return beyondJson.has(value) ? beyondJson.get(value) : value;
    if (typeof value !== "object" || value === null) return value;
    for (const key of Object.keys(value)) {
      const of = value as Record<string, unknown>;
      // As JSON.parse does: a key `__proto__` is a field as any other.
      Object.defineProperty(of, key, {
        value: revive(of[key]),
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return value;
  };
  return revive(JSON.parse(text));
};
