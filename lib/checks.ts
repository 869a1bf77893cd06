import { InputError } from "./errors.js";

/** A closed range of whole numbers. */
export interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * A whole number of a range, or an error that says the range.
 * @param unit what is counted, as the error says it: `pods per node`
 * @throws InputError naming `where`
 */
export const wholeNumber = (where: string, value: number, { least, most }: Range, unit: string): number => {
  const whole = Number.isInteger(value);
  if (whole && value >= least && value <= most) return value;
  const range = most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  throw new InputError({
    where,
    value,
    problem: whole ? "is out of range" : "is not a whole number",
    expected: `${range} ${unit}`,
  });
};

/** Names for an error that says what is known: the first eight, and how many there are. */
export const known = (names: readonly string[]): string => {
  if (names.length === 0) return "none, as there is none";
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} ... (${names.length} in all)` : names.join(", ");
};
