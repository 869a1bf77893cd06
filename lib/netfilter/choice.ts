import type { Rule } from "./ruleset.js";

/** How likely a packet meets a rule that draws and looks at nothing else; undefined for other rules. */
export const chanceOf = ({ matches }: Rule): number | undefined => {
  let chance: number | undefined;
  for (const match of matches) {
    if (match.kind === "comment") continue;
    if (match.kind !== "statistic" || match.mode !== "random" || match.not || chance !== undefined) return undefined;
    chance = match.probability;
  }
  return chance;
};

/** Fewer rules than this each draw for themselves. */
const shortestChoice = 8;
/** Shares of packets smaller than this are no longer told apart. */
const smallestShare = 1e-100;

/**
 * Rules that stand together in a chain and only draw, as kube-proxy chooses one of a service's endpoints. One draw finds the
 * rule that matches, with the chance that a draw for each would have given it, in time that grows with the number's logarithm.
 */
export class Choice {
  /** The share of packets that no rule before a place has matched; one more than there are rules. */
  private readonly passing: Float64Array;

  constructor(
    chances: readonly number[],
    readonly start: number,
  ) {
    this.passing = new Float64Array(chances.length + 1);
    this.passing[0] = 1;
    for (const [i, chance] of chances.entries()) this.passing[i + 1] = this.passing[i]! * (1 - chance);
  }

  get end(): number {
    return this.start + this.passing.length - 1;
  }

  /** The first rule from `place` on that matches, or the end of the choice. `draw` is from 0 to 1, without 1. */
  next(place: number, draw: number): number {
    const { passing, start } = this;
    const left = passing[place - start]! * (1 - draw);
    let low = place - start;
    let high = passing.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (passing[middle + 1]! < left) high = middle;
      else low = middle + 1;
    }
    return start + low;
  }
}

/** The choices of a chain, each as long as it can be. */
export const choicesOf = (rules: readonly Rule[]): readonly Choice[] => {
  const choices: Choice[] = [];
  let chances: number[] = [];
  let share = 1;
  for (let end = 0; end <= rules.length; end++) {
    const chance = end < rules.length ? chanceOf(rules[end]!) : undefined;
    if (chance !== undefined && share >= smallestShare) {
      chances.push(chance);
      share *= 1 - chance;
      continue;
    }
    if (chances.length >= shortestChoice) choices.push(new Choice(chances, end - chances.length));
    chances = chance === undefined ? [] : [chance];
    share = chance === undefined ? 1 : 1 - chance;
  }
  return choices;
};
