/** How bad input is refused, for programs built on the library: one line that names place, value, problem and remedy. */
export { type Range, listOf, someText, withFields } from "./checks.js";
export { InputError, type InputProblem, printAsOneLine, refuse } from "./errors.js";
