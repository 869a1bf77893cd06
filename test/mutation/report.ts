import { tableText } from "../../lib/course/dataTable.js";

/** A mutant and what became of it. */
export interface Tried {
  readonly file: string;
  /** Its offset in the file. */
  readonly start: number;
  /** File, line, declaration and change, for a person. */
  readonly place: string;
  /** `unmet`: it survived, and no test comes past it; `untried`: time did not suffice. */
  readonly fate: "killed" | "survived" | "unmet" | "untried";
  /** Why it may survive. */
  readonly reason?: string;
}

/** What trying mutants came to, as JSON can hold it. */
export interface Outcome {
  /** The folders of lib. */
  readonly names: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** Seconds after which a run was to stop. */
  readonly limit: number;
  readonly tried: readonly Tried[];
}

/** What all shares of a run came to together. */
export const mergeTries = (outcomes: readonly Outcome[]): Outcome => ({
  ...outcomes[0]!,
  seconds: outcomes.reduce((sum, { seconds }) => sum + seconds, 0),
  tried: outcomes.flatMap(({ tried }) => tried),
});

const survived = ({ fate }: Tried): boolean => fate === "survived" || fate === "unmet";

const sharesOf = ({ names, tried }: Outcome) =>
  names.map(name => {
    const done = tried.filter(({ file, fate }) => file.startsWith(`lib/${name}/`) && fate !== "untried");
    const alive = done.filter(survived);
    const explained = alive.filter(({ reason }) => reason !== undefined).length;
    const all = done.length;
    const killed = all - alive.length;
    return { name, all, killed, explained, share: all === 0 ? 0 : (100 * (killed + explained)) / all };
  });

/** Folders of which less than a percentage was killed or has a reason to live, or of which none was tried. */
export const tooLow = (outcome: Outcome, least: number): readonly string[] =>
  sharesOf(outcome)
    .filter(({ share }) => share < least)
    .map(({ name }) => name);

/** An outcome as one reads it: the survivors, then a line for each folder. */
export const outcomeText = (outcome: Outcome): string => {
  const { seed, seconds, limit, tried } = outcome;
  const survivors = tried
    .filter(survived)
    .sort((a, b) => (a.file === b.file ? a.start - b.start : a.file < b.file ? -1 : 1));
  const untried = tried.filter(({ fate }) => fate === "untried").length;
  return [
    ...survivors.map(({ place, fate, reason }) => {
      const note = reason !== undefined ? `  (${reason})` : fate === "unmet" ? "  [no test comes here]" : "";
      return `${place}${note}`;
    }),
    tableText({
      columns: ["folder", "mutants", "killed", "survived", "of them explained", "killed or explained"],
      rows: sharesOf(outcome).map(({ name, all, killed, explained, share }) => [
        `lib/${name}`,
        all,
        killed,
        all - killed,
        explained,
        `${share.toFixed(1)} %`,
      ]),
    }),
    `seed ${seed}, ${seconds.toFixed(0)} s${untried > 0 ? `; stopped after ${limit} s, ${untried} not tried` : ""}`,
  ].join("\n");
};
