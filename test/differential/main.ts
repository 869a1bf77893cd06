/**
 * Compares the model with the kernel for as long as one likes, or writes down what the kernel does.
 *
 *     npm run differential -- --seed 1 --runs 5000
 *     npm run differential -- --record
 */
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import {
  checkShardOptions,
  numbersOf,
  orRefuse,
  readParts,
  type ShardOptions,
  unsharded,
  withShards,
  writePart,
} from "../shard.js";
import { campaign, type CampaignResult, unexplained } from "./campaign.js";
import { mergeOutcomes, type Outcome, outcomeOf, outcomeText } from "./campaignReport.js";
import { startPool } from "./pool.js";
import { recordRandom, recordRegressions } from "./record.js";
import { compareSockets } from "./sockets.js";

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
};

interface Options extends ShardOptions {
  readonly seed: number;
  readonly runs: number;
  readonly packets: number;
  readonly parallel: number;
  readonly processes: number;
  readonly shrink: number;
  readonly record?: boolean;
  readonly sockets?: boolean;
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
  )
  .addOption(
    new Option(
      "--sockets",
      "compare instead what real programs are told: pings, UDP and TCP between all hosts",
    ).conflicts(["shard", "out", "merge", "record"]),
  );
withShards(command);

/** Bytes of the corpus: more takes longer to replay than a test should. */
const corpusAtMost = 2.5 * 1024 * 1024;

/** Seconds between two lines where no terminal shows how far it is. */
const lineEvery = 15;

const compare = async ({
  seed,
  runs,
  packets: actions,
  parallel,
  processes,
  shrink: shrinkSeconds,
  shard = unsharded,
  out,
}: Options): Promise<void> => {
  const networks = [...numbersOf(shard, runs)].length;
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
    const text = `${soFar.networks} of ${networks} networks, ${soFar.packets} packets, ${unexplained(soFar).length} mismatches, ${seconds().toFixed(0)} s`;
    if (terminal) process.stderr.write(`\r${text}`);
    else if (seconds() - shown >= lineEvery) {
      shown = seconds();
      process.stderr.write(`${text}\n`);
    }
  };
  const pool = startPool(Math.max(1, Math.min(processes, parallel)));
  const { signal } = stop;
  const result = await campaign({
    seed,
    runs,
    shard,
    actions,
    parallel,
    shrinkSeconds,
    comparer: pool,
    onProgress,
    signal,
  });
  pool.close();
  if (terminal) process.stderr.write("\n");
  const outcome = await outcomeOf(result, { seed, seconds: seconds(), ...(stoppedBy !== undefined && { stoppedBy }) });
  if (out !== undefined) writePart(out, "differential", { seed, runs, actions }, shard, outcome);
  console.log(outcomeText(outcome));
  process.exit(outcome.mismatches.length > 0 ? 1 : stoppedBy === "SIGINT" ? 130 : stoppedBy === "SIGTERM" ? 143 : 0);
};

const compareTold = async ({ seed, runs, parallel }: Options): Promise<void> => {
  const started = performance.now();
  let shown = 0;
  const { networks, asks, answers, mismatches } = await compareSockets(seed, runs, parallel, soFar => {
    const seconds = (performance.now() - started) / 1000;
    if (seconds - shown < lineEvery) return;
    shown = seconds;
    process.stderr.write(
      `${soFar.networks} of ${runs} networks, ${soFar.asks} asked, ${soFar.mismatches.size} mismatches, ${seconds.toFixed(0)} s\n`,
    );
  });
  for (const [index, lines] of mismatches) console.log([`network ${index}:`, ...lines].join("\n"));
  for (const [answer, times] of [...answers].sort((a, b) => b[1] - a[1]))
    console.log(`${String(times).padStart(8)}  ${answer}`);
  console.log(`seed ${seed}: ${networks} networks, ${asks} asked, ${mismatches.size} mismatches`);
  process.exitCode = mismatches.size > 0 ? 1 : 0;
};

const run = async (): Promise<void> => {
  const options = command.parse().opts<Options>();
  checkShardOptions(command);
  if (options.merge !== undefined) {
    const outcome = mergeOutcomes(readParts<Outcome>(options.merge, "differential").results);
    console.log(outcomeText(outcome));
    process.exitCode = outcome.mismatches.length > 0 ? 1 : 0;
    return;
  }
  if (options.sockets === true) return compareTold(options);
  if (options.record !== true) return compare(options);
  await recordRegressions(line => console.log(line));
  await recordRandom({ ...options, most: corpusAtMost }, line => console.log(line));
};

void orRefuse(command, run);
