import type { Case, Sent } from "./generate.js";
import { type Recorded, saveRecorded } from "./corpus.js";
import { regressions } from "./regressions/cases.js";
import { compareCase } from "./run.js";

/** Asks the kernel. Nothing is recorded that the model does not come to as well, given the same chance: that would be a mismatch. */
export const record = async (name: string, of: Case, sent: readonly Sent[]): Promise<Recorded> => {
  const { kernel, draws, differences, undetermined } = await compareCase(of, { replay: sent });
  if (differences.length > 0) throw new Error(`${name}: the model does otherwise:\n${differences.join("\n")}`);
  if (undetermined) throw new Error(`${name}: chance leaves open what happens`);
  const { readAfter, seen, conntrack, counters } = kernel;
  return { name, network: of.network, sent: kernel.sent, readAfter, draws, seen, conntrack, counters };
};

/** A file's name that tells what is in it. */
const fileOf = (name: string): string => {
  const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  let length = 0;
  return `${words.filter(word => (length += word.length + 1) <= 60).join("-")}.json`;
};

/** Writes the cases of mismatches that were found and fixed. */
export const recordRegressions = async (tell: (line: string) => void): Promise<void> => {
  for (const { name, case: of, sent } of regressions) {
    const file = fileOf(name);
    await saveRecorded(file, await record(name, of, sent));
    tell(file);
  }
};
