/**
 * Reads inputs that nobody meant, for as long as one likes.
 *
 *     npm run fuzz                            the readers there are
 *     npm run fuzz -- save --seconds 300      one of them
 */
import { Command, InvalidArgumentError } from "commander";
import { tableText } from "../../lib/course/dataTable.js";
import {
  checkShardOptions,
  orRefuse,
  readParts,
  type ShardOptions,
  unsharded,
  withShards,
  writePart,
} from "../shard.js";
import { corpusOf } from "./corpus.js";
import { fuzzText, mergeResults, type Outcome, outcomeOf } from "./report.js";
import { targets } from "./targets/all.js";
import { fuzz } from "./watch.js";

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
};

interface Options extends ShardOptions {
  readonly seconds?: number;
  readonly runs?: number;
  readonly seed: number;
  readonly limit: number;
  readonly guide: boolean;
}

const command = new Command("fuzz")
  .description(
    "give a reader inputs that nobody meant, made from those of test/fuzz/corpus: each must give a result or one clear line",
  )
  .argument("[parsers...]", "what reads; without one, those there are are listed; all for all")
  .option("--seconds <number>", "how long for each (default 60, where no --runs is given)", whole)
  .option("--runs <number>", "how many inputs for each", whole)
  .option("--seed <number>", "which inputs: the same number, the same inputs", whole, 1)
  .option("--limit <seconds>", "after how long an input is one that never ends", whole, 20)
  .option("--no-guide", "make inputs from the corpus alone, whatever they reach")
  .addHelpText(
    "after",
    `
An input that breaks something is made smaller and kept in test/fuzz/corpus/PARSER/found-*, with what it broke beside it
in a text. Mend the kind, write a test for it, and leave the input there: it is read again by every run, and by npm test.

  npm run fuzz -- save --seconds 300    iptables-save text, for five minutes
  npm run fuzz -- all --runs 2000       2,000 inputs of every kind
`,
  );

const list = (): void =>
  console.log(
    tableText({
      columns: ["parser", "corpus", "what is read, and what must hold"],
      rows: targets.map(target => [target.name, corpusOf(target).length, target.about]),
    }),
  );

const run = async (names: readonly string[], options: Options): Promise<void> => {
  const { seconds, runs, seed, limit, guide, shard = unsharded, out } = options;
  const terminal = process.stderr.isTTY;
  let last = "";
  const result = await fuzz(names, {
    seed,
    shard,
    limit,
    guided: guide,
    ...(runs !== undefined && { runs }),
    ...(seconds !== undefined ? { seconds } : runs === undefined ? { seconds: 60 } : {}),
    onTold: told => {
      if (told.kind !== "progress") return;
      const line = `${told.name}: ${told.runs} inputs, ${told.corpus} kept to make others from`;
      if (terminal) process.stderr.write(`\r${line.padEnd(last.length)}`);
      last = line;
    },
  });
  if (terminal && last !== "") process.stderr.write("\n");
  const outcome = outcomeOf(names, seed, result);
  if (out !== undefined) writePart(out, "fuzz", { names, seed, seconds, runs, guide }, shard, outcome);
  console.log(fuzzText(outcome));
  process.exitCode = outcome.found.length > 0 ? 1 : 0;
};

withShards(command);
command.parse();
const known = targets.map(({ name }) => name);
const names = command.args.includes("all") ? known : command.args;
const unknown = names.filter(name => !known.includes(name));
if (unknown.length > 0)
  command.error(`error: no parser ${unknown.join(", ")}; there are ${known.join(", ")}`, { exitCode: 2 });
checkShardOptions(command);
const options = command.opts<Options>();
if (options.merge !== undefined)
  await orRefuse(command, () => {
    const outcome = mergeResults(readParts<Outcome>(options.merge!, "fuzz").results);
    console.log(fuzzText(outcome));
    process.exitCode = outcome.found.length > 0 ? 1 : 0;
  });
else if (names.length === 0) list();
else await run(names, options);
