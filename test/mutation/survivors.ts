import { type Mutant, changeOf } from "./mutants.js";

/** Mutants that no test needs to notice. */
export interface Survivor {
  readonly file: string;
  /** The declaration at the top of the file that holds it. */
  readonly within: string;
  /** As the run prints it: `a < b => a <= b`. All of the declaration's that read so. */
  readonly change: string;
  /** Begins with its kind: equivalent (no result differs), cosmetic (a text for a person, a speed, a memory bound). */
  readonly reason: string;
}

export const survivors: readonly Survivor[] = [];

/** Why nothing has to notice a mutant; undefined where something should. */
export const accepted = (mutant: Mutant): string | undefined =>
  survivors.find(
    ({ file, within, change }) => file === mutant.file && within === mutant.within && change === changeOf(mutant),
  )?.reason;
