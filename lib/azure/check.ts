import { InputError } from "../errors.js";
import type { Range } from "./figures.js";

/** A whole number of a range, or an error that says the range.. */
export const wholeNumber = (where: string, value: number, range: Range, unit: string): number => {
  if (!Number.isInteger(value) || value < range.least || value > range.most)
    throw new InputError({
      where,
      value,
      problem: Number.isInteger(value) ? "is out of range" : "is not a whole number",
      expected: range.most === Number.POSITIVE_INFINITY ? `${range.least} or more ${unit}` : `${range.least} to ${range.most} ${unit}`,
    });
  return value;
};
