import { existsSync, statSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { seeded, subseed } from "../../lib/random.js";
import { corpusPath, readCorpus, type Recorded, removeRecorded, replay, saveRecorded } from "./corpus.js";
import { type Met, startCoverage, Tally } from "./coverage.js";
import type { Case, Sent } from "./generate.js";
import { caseOf } from "./network.js";
import { networkToJson } from "./networkText.js";
import { packetText } from "./packetText.js";
import { regressions } from "./regressions/cases.js";
import { compareCase, playModel } from "./run.js";

/** Asks the kernel. Nothing is recorded that the model does not come to as well, given the same chance: that would be a mismatch. */
const record = async (name: string, of: Case, sent?: readonly Sent[]): Promise<Recorded> => {
  const { kernel, draws, differences, undetermined } = await compareCase(
    of,
    sent === undefined ? {} : { replay: sent },
  );
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

type Tell = (line: string) => void;

const isRecorded = (file: string, of: Case, sent: readonly Sent[]): boolean => {
  if (!existsSync(corpusPath(file))) return false;
  const known = readCorpus([file]).get(file)!;
  const packetsOf = (list: readonly Sent[]) =>
    list.map(({ host, packet }) => `${host} ${packetText(packet)}`).join("\n");
  return (
    packetsOf(known.sent) === packetsOf(sent) &&
    isDeepStrictEqual(networkToJson(known.network), networkToJson(of.network))
  );
};

/** Writes the cases of mismatches that were found and fixed, where they are not written yet. */
export const recordRegressions = async (tell: Tell): Promise<void> => {
  for (const { name, case: of, sent } of regressions) {
    const file = fileOf(name);
    if (isRecorded(file, of, sent)) continue;
    await saveRecorded(file, await record(name, of, sent));
    tell(file);
  }
};

/** A case is kept as long as it meets code that fewer than so many have met: what one leaves out the others may not. */
const enough = 6;
/** Packets in a random case, before it is made smaller. */
const packets = 36;
const theEngine = /\/lib\/(net|netfilter)\/[^/]+\.[jt]s/;

interface Tried {
  readonly of: Case;
  readonly sent: readonly Sent[];
}

/** Runs a case on the model, with the chance of its own name. */
const play = ({ of, sent }: Tried) =>
  playModel(of.network, { sent, readAfter: (sent.at(-1)?.after ?? 0) + 0.01 }, host => seeded(subseed(1, host)));

/** Leaves out what a case gains as much without: packets, then tables of rules. */
const smallest = async (tried: Tried, gainOf: (tried: Tried) => Promise<number>, least: number): Promise<Tried> => {
  let { of, sent } = tried;
  for (let size = Math.ceil(sent.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = sent.length - size; at >= 0; at -= size) {
      const fewer = [...sent.slice(0, at), ...sent.slice(at + size)];
      if (fewer.length > 0 && (await gainOf({ of, sent: fewer })) >= least) sent = fewer;
    }
  for (const { id, rules } of of.network.hosts)
    for (const { name } of rules.tables) {
      const without = (host: Case["network"]["hosts"][number]) =>
        host.id === id ? { ...host, rules: { tables: host.rules.tables.filter(table => table.name !== name) } } : host;
      if (of.endpoints.some(({ host }) => host === id)) continue;
      const fewer = { ...of, network: { ...of.network, hosts: of.network.hosts.map(without) } };
      if ((await gainOf({ of: fewer, sent })) >= least) of = fewer;
    }
  return { of, sent };
};

/**
 * Looks at random networks and writes down those that meet code of net and netfilter which the corpus has met too seldom,
 * each as small as it can be while it does.
 */
export const recordRandom = async (
  {
    seed,
    runs,
    parallel,
    most,
  }: { readonly seed: number; readonly runs: number; readonly parallel: number; readonly most: number },
  tell: Tell,
): Promise<void> => {
  const coverage = await startCoverage(theEngine);
  const tally = new Tally(enough);
  let size = 0;
  for (const [file, recorded] of readCorpus()) {
    tally.add(await coverage.during(() => replay(recorded)));
    size += statSync(corpusPath(file)).size;
  }
  tell(`${tally.met} characters of code are met before`);
  const metBy = (tried: Tried): Promise<Met> => coverage.during(() => play(tried));
  let next = 0;
  const worker = async () => {
    while (next < runs && size < most) {
      const index = next++;
      const of = caseOf(seed, index, packets);
      const first = await compareCase(of);
      if (first.undetermined || first.differences.length > 0) continue;
      const tried: Tried = { of, sent: first.kernel.sent };
      const gainOf = async (smaller: Tried) => tally.gain(await metBy(smaller));
      const gain = await gainOf(tried);
      if (gain === 0) continue;
      const { of: small, sent } = await smallest(tried, gainOf, gain);
      const file = `random-${seed}-${index}.json`;
      try {
        const recorded = await record(`random network ${index} of seed ${seed}`, small, sent);
        const met = await coverage.during(() => replay(recorded));
        const gained = tally.gain(met);
        if (gained === 0) continue;
        await saveRecorded(file, recorded);
        if ((await replay(readCorpus([file]).get(file)!)).length > 0) {
          removeRecorded(file);
          continue;
        }
        tally.add(met);
        size += statSync(corpusPath(file)).size;
        tell(`${file}: ${sent.length} packets, ${gained} more; ${tally.met} in all, ${Math.round(size / 1024)} KiB`);
      } catch (error) {
        tell(`${file}: ${error instanceof Error ? error.message.split("\n").slice(0, 2).join(" ") : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
};
