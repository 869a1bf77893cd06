/** The largest of any number of numbers, -Infinity of none. Math.max takes only as many arguments as fit on the stack. */
export const largest = (values: Iterable<number>): number => {
  let most = -Infinity;
  for (const value of values) most = Math.max(most, value);
  return most;
};

/** The smallest of any number of numbers, Infinity of none. */
export const smallest = (values: Iterable<number>): number => {
  let least = Infinity;
  for (const value of values) least = Math.min(least, value);
  return least;
};
