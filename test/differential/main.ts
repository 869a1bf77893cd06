/**
 * Compares the model with the kernel for as long as one likes, or writes down what the kernel does.
 *
 *     npm run differential -- --seed 1 --runs 5000
 *     npm run differential -- --record
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { campaign, type CampaignResult, describeMismatch, unexplained } from "./campaign.js";
import { formatRecorded } from "./corpus.js";
import type { Mismatch } from "./network.js";
import { startPool } from "./pool.js";
import { recordRandom, recordRegressions } from "./record.js";

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
};

interface Options {
  readonly seed: number;
  readonly runs: number;
  readonly packets: number;
  readonly parallel: number;
  readonly processes: number;
  readonly shrink: number;
  readonly record?: boolean;
}

const command = new Command("differential")
  .description(
    "send the same packets through the model and through this machine's kernel, on random networks, and compare all that can be seen",
  )
  .option("--seed <number>", "which networks", whole, 1)
  .option("--runs <number>", "how many networks", whole, 500)
  .option("--packets <number>", "packets in each, at most", whole, 160)
  .option("--parallel <number>", "networks at a time", whole, 8)
  .option("--processes <number>", "processes that share them", whole, availableParallelism())
  .option("--shrink <seconds>", "time to spend on making a mismatch smaller", whole, 60)
  .option(
    "--record",
    "write what the kernel does to test/corpus instead: the regressions, and random networks that meet what the corpus does not",
  );

/** Bytes of the corpus: more takes longer to replay than a test should. */
const corpusAtMost = 2.5 * 1024 * 1024;

/** Seconds between two lines where no terminal shows how far it is. */
const lineEvery = 15;

/** A difference as a file that can be looked at later, with the seed it came from. */
const keep = async (seed: number, { index, case: of, kernel }: Mismatch): Promise<string> => {
  const folder = join(tmpdir(), "egress-lab-differential");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `seed-${seed}-network-${index}.json`);
  const { sent, readAfter, seen, conntrack, counters } = kernel;
  const name = `seed ${seed}, network ${index}`;
  writeFileSync(
    file,
    await formatRecorded({ name, network: of.network, sent, readAfter, draws: [], seen, conntrack, counters }),
  );
  return file;
};

const compare = async ({
  seed,
  runs,
  packets: actions,
  parallel,
  processes,
  shrink: shrinkSeconds,
}: Options): Promise<void> => {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const terminal = process.stderr.isTTY;
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | "the end of the program that started it" | undefined;
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => {
      stoppedBy = name;
      stop.abort();
    });
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid === parent) return; // npm hands no signal on
    stoppedBy ??= "the end of the program that started it";
    stop.abort();
  }, 1000).unref();
  let shown = 0;
  const told = new Set<number>();
  const onProgress = (soFar: CampaignResult): void => {
    for (const { index, differences } of [...soFar.mismatches, ...soFar.unrepeated]) {
      if (told.has(index)) continue;
      told.add(index);
      process.stderr.write(`network ${index} differs: ${differences[0]}\n`);
    }
    const text = `${soFar.networks} of ${runs} networks, ${soFar.packets} packets, ${unexplained(soFar).length} mismatches, ${seconds().toFixed(0)} s`;
    if (terminal) process.stderr.write(`\r${text}`);
    else if (seconds() - shown >= lineEvery) {
      shown = seconds();
      process.stderr.write(`${text}\n`);
    }
  };
  const pool = startPool(Math.max(1, Math.min(processes, parallel)));
  const { signal } = stop;
  const result = await campaign({ seed, runs, actions, parallel, shrinkSeconds, comparer: pool, onProgress, signal });
  pool.close();
  if (terminal) process.stderr.write("\n");
  const wrong = unexplained(result);
  for (const mismatch of wrong) {
    console.log(describeMismatch(mismatch));
    console.log(`kept as ${await keep(seed, mismatch)}`);
  }
  for (const once of result.unrepeated) {
    const { index, differences, because } = once;
    console.log(`network ${index} differed once and not again (${because ?? "nothing explains it"}):`);
    for (const line of differences.slice(0, 10)) console.log(line);
    console.log(`kept as ${await keep(seed, once)}`);
  }
  if (stoppedBy !== undefined) console.log(`stopped by ${stoppedBy}; until then:`);
  const left = `${result.unrepeated.length} differed once and not again, ${result.unrepeated.filter(({ because }) => because !== undefined).length} of them by the clock; ${result.undetermined} left out, as chance left too much open`;
  console.log(`seed ${seed}, ${seconds().toFixed(0)} s; ${left}`);
  console.log(`${result.networks} networks, ${result.packets} packets, ${wrong.length} mismatches`);
  process.exit(wrong.length > 0 ? 1 : stoppedBy === "SIGINT" ? 130 : stoppedBy === "SIGTERM" ? 143 : 0);
};

const run = async (): Promise<void> => {
  const options = command.parse().opts<Options>();
  if (options.record !== true) return compare(options);
  await recordRegressions(line => console.log(line));
  await recordRandom({ ...options, most: corpusAtMost }, line => console.log(line));
};

void run();
