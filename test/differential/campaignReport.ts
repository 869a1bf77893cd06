import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CampaignResult, describeMismatch, unexplained } from "./campaign.js";
import { formatRecorded } from "./corpus.js";
import { kindNames } from "./kinds.js";
import type { Mismatch } from "./network.js";

/** A network that differs, as text: it may come from another machine. */
interface Differing {
  readonly index: number;
  readonly text: string;
  /** The network and what the kernel did, as a file of test/corpus. */
  readonly recorded: string;
}

/** What comparing random networks came to, as JSON can hold it. */
export interface Outcome {
  readonly seed: number;
  readonly seconds: number;
  readonly networks: number;
  readonly packets: number;
  readonly undetermined: number;
  /** In how many networks each kind was met. */
  readonly kinds: Readonly<Record<string, number>>;
  /** Networks that have to be explained. */
  readonly mismatches: readonly Differing[];
  /** Networks that differed once and not again, or by the clock. */
  readonly unrepeated: readonly (Differing & { readonly because?: string })[];
  readonly stoppedBy?: string;
}

const recordedText = ({ index, case: of, kernel }: Mismatch, seed: number): Promise<string> => {
  const { sent, readAfter, seen, conntrack, counters } = kernel;
  const name = `seed ${seed}, network ${index}`;
  return formatRecorded({ name, network: of.network, sent, readAfter, draws: [], seen, conntrack, counters });
};

/** Sums up a campaign. */
export const outcomeOf = async (
  result: CampaignResult,
  of: Pick<Outcome, "seed" | "seconds" | "stoppedBy">,
): Promise<Outcome> => ({
  ...of,
  networks: result.networks,
  packets: result.packets,
  undetermined: result.undetermined,
  kinds: result.kinds,
  mismatches: await Promise.all(
    unexplained(result).map(async mismatch => ({
      index: mismatch.index,
      text: describeMismatch(mismatch),
      recorded: await recordedText(mismatch, of.seed),
    })),
  ),
  unrepeated: await Promise.all(
    result.unrepeated.map(async once => ({
      index: once.index,
      text: once.differences.slice(0, 10).join("\n"),
      recorded: await recordedText(once, of.seed),
      ...(once.because !== undefined && { because: once.because }),
    })),
  ),
});

const byIndex = <T extends Differing>(lists: readonly (readonly T[])[]): readonly T[] =>
  lists.flat().sort((a, b) => a.index - b.index);

/** What all shares of a campaign came to together. */
export const mergeOutcomes = (outcomes: readonly Outcome[]): Outcome => {
  const sum = (of: "seconds" | "networks" | "packets" | "undetermined") =>
    outcomes.reduce((total, outcome) => total + outcome[of], 0);
  const stopped = outcomes.find(({ stoppedBy }) => stoppedBy !== undefined)?.stoppedBy;
  return {
    seed: outcomes[0]!.seed,
    seconds: sum("seconds"),
    networks: sum("networks"),
    packets: sum("packets"),
    undetermined: sum("undetermined"),
    kinds: Object.fromEntries(
      kindNames.map(name => [name, outcomes.reduce((total, { kinds }) => total + (kinds[name] ?? 0), 0)]),
    ),
    mismatches: byIndex(outcomes.map(({ mismatches }) => mismatches)),
    unrepeated: byIndex(outcomes.map(({ unrepeated }) => unrepeated)),
    ...(stopped !== undefined && { stoppedBy: stopped }),
  };
};

/** Keeps a network in a file that can be looked at later. */
const keep = (seed: number, { index, recorded }: Differing): string => {
  const folder = join(tmpdir(), "egress-lab-differential");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `seed-${seed}-network-${index}.json`);
  writeFileSync(file, recorded);
  return file;
};

/** An outcome as one reads it, with the networks that differ kept as files. */
export const outcomeText = (outcome: Outcome): string => {
  const { seed, seconds, networks, packets, undetermined, kinds, mismatches, unrepeated, stoppedBy } = outcome;
  const byClock = unrepeated.filter(({ because }) => because !== undefined).length;
  return [
    ...mismatches.flatMap(mismatch => [mismatch.text, `kept as ${keep(seed, mismatch)}`]),
    ...unrepeated.flatMap(once => [
      `network ${once.index} differed, but not both times or by the clock (${once.because ?? "nothing explains it"}):`,
      once.text,
      `kept as ${keep(seed, once)}`,
    ]),
    ...(stoppedBy === undefined ? [] : [`stopped by ${stoppedBy}; until then:`]),
    "networks in which it was met:",
    ...Object.entries(kinds).map(([name, times]) => `${String(times).padStart(8)}  ${name}`),
    `seed ${seed}, ${seconds.toFixed(0)} s; ${unrepeated.length} differed once or by the clock, ${byClock} of them by the clock; ${undetermined} left out, as chance left too much open`,
    `${networks} networks, ${packets} packets, ${mismatches.length} mismatches`,
  ].join("\n");
};
