import { tableText } from "../../lib/course/dataTable.js";
import { keep } from "./corpus.js";
import { targets } from "./targets/all.js";
import type { Ran, Result } from "./watch.js";

/** What reading inputs came to, as JSON can hold it. */
export interface Outcome {
  readonly seed: number;
  readonly ran: readonly (Ran & { readonly name: string })[];
  /** Inputs, in base64, for which something does not hold. */
  readonly found: readonly {
    readonly name: string;
    readonly input: string;
    readonly message: string;
    readonly from: string;
  }[];
}

export const outcomeOf = (names: readonly string[], seed: number, { found, ran }: Result): Outcome => ({
  seed,
  ran: names.map(name => ({ runs: 0, seconds: 0, reached: 0, ...ran.get(name), name })),
  found: found.map(each => ({ ...each, input: Buffer.from(each.input).toString("base64") })),
});

/** What all shares of a run came to together: places reached are those of the share that reached most. */
export const mergeResults = (outcomes: readonly Outcome[]): Outcome => {
  const inputs = new Set<string>();
  return {
    seed: outcomes[0]!.seed,
    ran: outcomes[0]!.ran.map(({ name }, i) => {
      const shares = outcomes.map(({ ran }) => ran[i]!);
      const sum = (of: "runs" | "seconds") => shares.reduce((total, share) => total + share[of], 0);
      const reached = shares.reduce((most, share) => Math.max(most, share.reached), 0);
      return { name, runs: sum("runs"), seconds: sum("seconds"), reached };
    }),
    found: outcomes
      .flatMap(({ found }) => found)
      .filter(({ name, input }) => {
        const key = `${name} ${input}`;
        return !inputs.has(key) && inputs.add(key);
      }),
  };
};

/** An outcome as one reads it, with the inputs that were found kept in the corpus. */
export const fuzzText = ({ seed, ran, found }: Outcome): string =>
  [
    ...found.map(({ name, input, message, from }) => {
      const target = targets.find(each => each.name === name)!;
      const file = /^(test|notebooks)\//.test(from)
        ? from
        : keep(target, Buffer.from(input, "base64"), `${message}\n${from}`);
      return `${name}: ${message}\n  ${file}`;
    }),
    tableText({
      columns: ["parser", "inputs", "seconds", "places reached", "found"],
      rows: ran.map(({ name, runs, seconds, reached }) => [
        name,
        runs,
        Math.round(seconds),
        reached,
        found.filter(each => each.name === name).length,
      ]),
    }),
    `seed ${seed}`,
  ].join("\n");
