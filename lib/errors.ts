/** The parts of an {@link InputError}; its message is made of them, in this order. */
export interface InputProblem {
  /** What was given and where: a field path (`clusters[0].maxPods`), a file and line, a command. */
  readonly where: string;
  /** The offending value, as the user wrote it. */
  readonly value: unknown;
  /** What is wrong with it, as a short clause: `is not a CIDR`. */
  readonly problem: string;
  /** What would be right: `a.b.c.d/0-32`. */
  readonly expected: string;
}

/** A value as JSON; what JSON has not, and what goes round in a circle or nests too deep for it, by its kind. */
const written = (value: unknown): string => {
  if (typeof value === "number") return String(value); // JSON has neither NaN nor Infinity
  try {
    const text = JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part));
    if (text !== undefined) return text;
  } catch {
    // told below
  }
  return value === undefined ? "undefined" : `a value of type ${typeof value}`;
};

const quote = (value: unknown): string => {
  const text = written(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

/** Characters that end a line, or that a terminal does not show as they are. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
/** Longer than any part of a message that one reads: what quotes its input whole is cut. */
const partAtMost = 600;
const clipped = (part: string): string => (part.length > partAtMost ? `${part.slice(0, partAtMost - 3)}...` : part);

const oneLine = (text: string): string =>
  text.replace(unprintable, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

/**
 * An author's mistake: bad input, reported in one line that names place, value, problem and remedy.
 * Network outcomes (a dropped packet, a full port table) are values, never errors.
 */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly problem: InputProblem;

  constructor(problem: InputProblem) {
    super(
      oneLine(
        `${clipped(problem.where)}: ${quote(problem.value)} ${clipped(problem.problem)}; expected ${clipped(problem.expected)}`,
      ),
    );
    this.problem = problem;
  }
}

/** Refuses a value, in the words of {@link InputProblem}. @throws InputError */
export const refuse = (where: string, value: unknown, problem: string, expected: string): never => {
  throw new InputError({ where, value, problem, expected });
};

/** Makes Node print errors of a class as their one line: the stack would tell the author of the input nothing. */
export const printAsOneLine = (type: { readonly prototype: Error }): void => {
  const value = function (this: Error): string {
    return `${this.name}: ${this.message}`;
  };
  Object.defineProperty(type.prototype, Symbol.for("nodejs.util.inspect.custom"), { value });
};

printAsOneLine(InputError);
