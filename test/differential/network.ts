import fc from "fast-check";
import { byTheClock } from "./clock.js";
import { anyCase, caseParameters, type Case } from "./generate.js";
import { kindsMet } from "./kinds.js";
import { compareCase, type Kernel } from "./run.js";

/** Which network, and how it is looked at. */
export interface NetworkOptions {
  readonly seed: number;
  /** Its number in the campaign. */
  readonly index: number;
  /** Packets sent in it, at most; at least half as many. */
  readonly actions: number;
}

export interface Mismatch {
  /** Its number in the campaign. */
  readonly index: number;
  readonly case: Case;
  /** What the kernel did when it differed. */
  readonly kernel: Kernel;
  readonly differences: readonly string[];
}

/** A difference that was not there when the same network was made again, or that the clock made both times. */
export interface Unrepeated extends Mismatch {
  /** The mechanism that goes by the clock and explains it; without one it counts as a mismatch. */
  readonly because: string | undefined;
}

export interface NetworkResult {
  readonly packets: number;
  /** What it has shown, of {@link kindsMet}. */
  readonly kinds: readonly string[];
  /** Whether chance left more open than could be settled, so that nothing was compared. */
  readonly undetermined: boolean;
  readonly mismatch?: Mismatch;
  readonly unrepeated?: Unrepeated;
}

export const caseOf = (seed: number, index: number, actions: number): Case =>
  fc.sample(anyCase(actions), caseParameters(seed, index))[0]!;

/**
 * Compares both engines on one network, and once more where they differ. What the clock explains may happen twice: the same
 * network takes as long again.
 */
export const compareNetwork = async ({ seed, index, actions }: NetworkOptions): Promise<NetworkResult> => {
  const of = caseOf(seed, index, actions);
  const { packets, undetermined, kernel, differences } = await compareCase(of);
  const kinds = kindsMet(of, kernel);
  if (differences.length === 0) return { packets, kinds, undetermined };
  const found: Mismatch = { index, case: of, kernel, differences };
  const again = await compareCase(of);
  const because = await byTheClock(of, kernel);
  const repeated = again.differences.length > 0;
  if (repeated && (because === undefined || (await byTheClock(of, again.kernel)) === undefined))
    return { packets, kinds, undetermined, mismatch: found };
  return { packets, kinds, undetermined, unrepeated: { ...found, because } };
};

/** Makes a mismatch smaller as long as time allows; undefined when the smallest does not differ again. */
export const shrinkNetwork = async (
  { seed, index, actions }: NetworkOptions,
  seconds: number,
): Promise<Mismatch | undefined> => {
  const until = performance.now() + seconds * 1000;
  const property = fc.asyncProperty(
    anyCase(actions),
    async smaller => performance.now() > until || (await compareCase(smaller)).differences.length === 0,
  );
  const details = await fc.check(property, caseParameters(seed, index));
  const smallest = details.counterexample?.[0];
  if (smallest === undefined) return undefined;
  const { kernel, differences } = await compareCase(smallest);
  return differences.length === 0 ? undefined : { index, case: smallest, kernel, differences };
};
