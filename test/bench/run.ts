/**
 * Measures and prints a table of figures with their ratios and targets.
 *
 *     npm run bench                 every area
 *     npm run bench -- book cell    some of them
 *     npm run -s bench -- --json    the same as JSON
 */
import { Command } from "commander";
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import {
  checkShardOptions,
  orRefuse,
  readParts,
  shareOf,
  type ShardOptions,
  unsharded,
  withShards,
  writePart,
} from "../shard.js";
import type { Bench } from "./bench.js";
import { areaText, type Measured, machineText, mergeMeasured, withRatios } from "./report.js";

const known = readdirSync(new URL(".", import.meta.url))
  .filter(name => name.endsWith(".bench.ts"))
  .map(name => name.replace(".bench.ts", ""))
  .sort();
const command = withShards(
  new Command("bench")
    .description("measure, and print a table of figures with their ratios and targets")
    .argument("[areas...]", `what to measure: ${known.join(", ")}; all of them by default`)
    .option("--json", "print JSON"),
);
command.parse();
checkShardOptions(command);
const { json, shard = unsharded, out, merge } = command.opts<ShardOptions & { readonly json?: true }>();
const wanted = command.args.length > 0 ? command.args : known;
const unknown = wanted.filter(area => !known.includes(area));
if (unknown.length > 0)
  command.error(`error: no area ${unknown.join(", ")}; there are ${known.join(", ")}`, { exitCode: 2 });

const show = (measured: Measured): void => {
  if (json) console.log(JSON.stringify(withRatios(measured), null, 1));
  else console.log([...measured.areas.map(areaText), machineText(measured)].join("\n"));
};

/** An area is measured on one machine, as its ratios compare what ran side by side. */
const measure = async (): Promise<void> => {
  const areas: Measured["areas"][number][] = [];
  const machine = { node: process.version, processors: cpus().length, model: cpus()[0]?.model ?? "unknown" };
  for (const area of shareOf(shard, wanted)) {
    const { bench } = (await import(`./${area}.bench.ts`)) as { readonly bench: Bench };
    if (!json) process.stderr.write(`${area}: ${bench.title} ...\n`);
    areas.push({ area, title: bench.title, machine, figures: await bench.run() });
  }
  const measured: Measured = { order: wanted, areas };
  if (out !== undefined) writePart(out, "bench", { areas: wanted }, shard, measured);
  show(measured);
};

await orRefuse(command, () =>
  merge === undefined ? measure() : show(mergeMeasured(readParts<Measured>(merge, "bench").results)),
);
