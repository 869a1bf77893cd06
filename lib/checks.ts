import { refuse } from "./errors.js";

/**
 * A value with fields, or an error: values of notebooks and of JSON come without a check of their types.
 * @throws InputError naming `where`
 */
export const withFields = <T>(where: string, value: T, expected: string): T =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? value
    : refuse(where, value, value === undefined ? "is missing" : "is not an object", expected);

/** A list, or an error. @throws InputError naming `where` */
export const listOf = <T>(where: string, value: readonly T[], expected: string): readonly T[] =>
  Array.isArray(value)
    ? (value as readonly T[])
    : refuse(where, value, value === undefined ? "is missing" : "is not a list", expected);

/** A text that is not empty, or an error. @throws InputError naming `where` */
export const someText = (where: string, value: string, expected: string): string =>
  typeof value === "string" && value !== ""
    ? value
    : refuse(
        where,
        value,
        value === undefined ? "is missing" : (value as unknown) === "" ? "is empty" : "is not text",
        expected,
      );

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
  return refuse(where, value, whole ? "is out of range" : "is not a whole number", `${range} ${unit}`);
};

/** The start of a chain of draws: any 32-bit whole number. @throws InputError naming `where` */
export const checkSeed = (where: string, value: number): number =>
  wholeNumber(where, value, { least: -(2 ** 31), most: 2 ** 31 - 1 }, "(a 32-bit whole number)");

/** Refuses a number that does not fit. @throws InputError naming `where` */
export const within = (where: string, value: number, fits: boolean, expected: string): void => {
  if (typeof value !== "number") refuse(where, value, "is not a number", expected);
  if (!fits) refuse(where, value, "is out of range", expected);
};

const isTime = (value: number): boolean => typeof value === "number" && value >= 0 && value < Infinity;

/** A length of time in seconds, 0 or more. @throws InputError naming `where` */
export const seconds = (where: string, value: number): number =>
  isTime(value) ? value : refuse(where, value, "is not a length of time", "seconds, 0 or more");

/** A length of time in seconds, more than none. @throws InputError naming `where` */
export const secondsAbove0 = (where: string, value: number): number =>
  isTime(value) && value > 0 ? value : refuse(where, value, "is not a length of time", "seconds above 0");

/** A moment of the years 0 to 9999, in seconds since the epoch. @throws InputError naming `where` */
export const moment = (where: string, value: number): number => {
  const [first, last] = [-62_167_219_200, 253_402_300_799.999];
  within(where, value, value >= first && value <= last, "seconds since the epoch, in the years 0 to 9999");
  return value;
};

/** Names for an error that says what is known: the first eight, and how many there are. */
export const known = (names: readonly string[]): string => {
  if (names.length === 0) return "none, as there is none";
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} ... (${names.length} in all)` : names.join(", ");
};
