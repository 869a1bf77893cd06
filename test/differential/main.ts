/**
 * Compares the model with the kernel for as long as one likes.
 *
 *     npm run differential -- --seed 1 --runs 5000
 */
import { Command, InvalidArgumentError } from "commander";
import { campaign, describeMismatch } from "./campaign.js";

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
};

const command = new Command("differential")
  .description(
    "send the same packets through the model and through this machine's kernel, on random networks, and compare all that can be seen",
  )
  .option("--seed <number>", "which networks", whole, 1)
  .option("--runs <number>", "how many networks", whole, 500)
  .option("--packets <number>", "packets in each, at most", whole, 160)
  .option("--parallel <number>", "networks at a time", whole, 4)
  .option("--shrink <seconds>", "time to spend on making a mismatch smaller", whole, 60);

const run = async (): Promise<void> => {
  const {
    seed,
    runs,
    packets: actions,
    parallel,
    shrink,
  } = command.parse().opts<Record<"seed" | "runs" | "packets" | "parallel" | "shrink", number>>();
  const started = performance.now();
  const terminal = process.stderr.isTTY;
  const result = await campaign({
    seed,
    runs,
    actions,
    parallel,
    shrinkSeconds: shrink,
    onProgress: (networks, packets, mismatches) => {
      if (terminal)
        process.stderr.write(`\r${networks} of ${runs} networks, ${packets} packets, ${mismatches} mismatches`);
    },
  });
  if (terminal) process.stderr.write("\n");
  for (const mismatch of result.mismatches) console.log(describeMismatch(mismatch));
  for (const { index, differences } of result.unrepeated)
    console.log(`network ${index} differed once and not again:\n${differences.slice(0, 10).join("\n")}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `seed ${seed}, ${seconds} s; ${result.unrepeated.length} differed once and not again; ${result.undetermined} left out, as chance left too much open`,
  );
  console.log(`${result.networks} networks, ${result.packets} packets, ${result.mismatches.length} mismatches`);
  if (result.mismatches.length > 0) process.exitCode = 1;
};

void run();
