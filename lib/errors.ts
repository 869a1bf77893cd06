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

const quote = (value: unknown): string => {
  // JSON has neither NaN nor undefined.
  const text = typeof value === "number" ? String(value) : String(JSON.stringify(value) ?? value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
};

/**
 * An author's mistake: bad input, reported in one line that names place, value, problem and remedy.
 * Network outcomes (a dropped packet, a full port table) are values, never errors.
 */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly problem: InputProblem;

  constructor(problem: InputProblem) {
    super(`${problem.where}: ${quote(problem.value)} ${problem.problem}; expected ${problem.expected}`);
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
