/** Tries of the model at least; they cost little. */
const modelTries = 64;
/**
 * Tries of either at most. Of 20 outcomes that are equally likely one is missing after so many once in 3 million times;
 * what one engine can never answer is told after as many.
 */
const mostTries = 360;

/** All that chance lets happen on each engine. */
export interface Outcomes {
  readonly linux: ReadonlySet<string>;
  readonly model: ReadonlySet<string>;
}

const lacks = (one: ReadonlySet<string>, other: ReadonlySet<string>): boolean =>
  [...other].some(outcome => !one.has(outcome));

/**
 * Tries the same on both engines until each has shown all that the other has, or never will. The engines agree when the
 * sets are equal: an outcome that only the model has is as wrong as one that only the kernel has.
 * @param round tries of the kernel at once, and at least
 */
export const outcomes = async (
  linux: () => Promise<string>,
  model: () => Promise<string>,
  round = 16,
): Promise<Outcomes> => {
  const seen = { linux: new Set<string>(), model: new Set<string>() };
  for (let i = 0; i < modelTries; i++) seen.model.add(await model());
  for (let tries = 0; tries < mostTries; tries += round) {
    for (const outcome of await Promise.all(Array.from({ length: round }, linux))) seen.linux.add(outcome);
    for (let i = 0; i < mostTries && lacks(seen.model, seen.linux); i++) seen.model.add(await model());
    if (lacks(seen.model, seen.linux) || !lacks(seen.linux, seen.model)) break;
  }
  return seen;
};

/** What they do not agree on, in a line; undefined when they agree. */
export const disagreement = ({ linux, model }: Outcomes): string | undefined => {
  const only = (who: string, one: ReadonlySet<string>, other: ReadonlySet<string>): readonly string[] => {
    const lines = [...one].filter(outcome => !other.has(outcome)).sort();
    return lines.length === 0 ? [] : [`only the ${who}: ${lines.join(", ")}`];
  };
  const both = [...linux].filter(outcome => model.has(outcome)).sort();
  const parts = [...only("kernel", linux, model), ...only("model", model, linux)];
  return parts.length === 0 ? undefined : [...parts, `both: ${both.join(", ") || "nothing"}`].join("; ");
};
