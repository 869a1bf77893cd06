import fc from "fast-check";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { mergeMeasured } from "./bench/report.js";
import { campaign, type Comparer } from "./differential/campaign.js";
import { mergeOutcomes, outcomeOf, outcomeText } from "./differential/campaignReport.js";
import { fuzzText, mergeResults, outcomeOf as fuzzOutcomeOf } from "./fuzz/report.js";
import { fuzz } from "./fuzz/watch.js";
import { mergeTries, outcomeText as mutationText, tooLow, type Tried } from "./mutation/report.js";
import { numbersOf, parseShard, readParts, type Shard, shareOf, writePart } from "./shard.js";

const shares = (of: number): readonly Shard[] => Array.from({ length: of }, (_, i) => ({ index: i + 1, of }));

const split = suite("shares of a job");

split("together are the whole, nothing twice, and differ by one case at most", () =>
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(200), (of, count) => {
      const all = shares(of).map(shard => [...numbersOf(shard, count)]);
      assert.equal(
        all.flat().sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
      const sizes = all.map(({ length }) => length);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }),
  ),
);

split("are written i/n", () => {
  assert.equal(parseShard("2/5"), { index: 2, of: 5 });
  for (const [text, problem] of [
    ["0/5", /is not a share/],
    ["2", /is not a share/],
    ["2/5/7", /is not a share/],
    ["6/5", /is beyond the last share; expected at most 5\/5/],
  ] as const)
    assert.throws(() => parseShard(text), problem);
});

split.run();

const merge = suite("merging");
const folder = mkdtempSync(join(tmpdir(), "egress-lab-shards-"));
merge.after(() => rmSync(folder, { recursive: true }));

const write = (name: string, shard: Shard, options: object = { seed: 1 }): string => {
  const file = join(folder, name);
  writePart(file, "fuzz", options, shard, { share: shard.index });
  return file;
};

merge("returns the results of all shares in their order", () => {
  const files = [write("b", { index: 2, of: 2 }), write("a", { index: 1, of: 2 })];
  assert.equal(readParts(files, "fuzz"), { options: { seed: 1 }, results: [{ share: 1 }, { share: 2 }] });
});

merge("refuses what is not each share of one job, once", () => {
  const [first, second] = [write("1", { index: 1, of: 3 }), write("2", { index: 2, of: 3 })];
  const other = write("other", { index: 3, of: 3 }, { seed: 2 });
  const text = join(folder, "text");
  writeFileSync(text, "no JSON");
  const refused = (files: readonly string[], problem: RegExp, job = "fuzz") =>
    assert.throws(() => readParts(files, job), problem);
  refused([first, second], /lacks share 3\/3; expected all 3 shares, each once/);
  refused([first, second, first], /is share 1\/3 again/);
  refused([first, second, other], /was made with other options/);
  refused([first, text], /is not JSON; expected a file that a share of fuzz wrote with --out/);
  refused([first, join(folder, "none")], /cannot be read/);
  refused([first], /is not a part of mutate/, "mutate");
});

merge.run();

const jobs = suite("each job in shares");

jobs("differential: every network is compared once, and the report is that of one run", async () => {
  const asked: number[] = [];
  const comparer: Comparer = {
    compare: async ({ index }) => {
      asked.push(index);
      return { packets: 10 + index, kinds: index % 3 === 0 ? ["a rule rejects"] : [], undetermined: index % 7 === 3 };
    },
    shrink: async () => undefined,
  };
  const run = async (shard?: Shard) =>
    outcomeOf(
      await campaign({
        seed: 5,
        runs: 23,
        actions: 1,
        parallel: 3,
        shrinkSeconds: 0,
        comparer,
        ...(shard !== undefined && { shard }),
      }),
      { seed: 5, seconds: 0 },
    );
  const whole = await run();
  asked.length = 0;
  const parts = [];
  for (const shard of shares(4)) parts.push(await run(shard));
  assert.equal(
    asked.sort((a, b) => a - b),
    Array.from({ length: 23 }, (_, i) => i),
  );
  assert.is(outcomeText(mergeOutcomes(parts)), outcomeText(whole));
});

jobs("fuzz: every input is read once, and the table is that of one run", async () => {
  const names = ["save"];
  const run = async (shard?: Shard) => {
    const options = { seed: 3, guided: false, runs: 50, limit: 60, slow: 1e6 };
    const outcome = fuzzOutcomeOf(names, 3, await fuzz(names, { ...options, ...(shard !== undefined && { shard }) }));
    return { ...outcome, ran: outcome.ran.map(each => ({ ...each, seconds: 0 })) };
  };
  const parts = [];
  for (const shard of shares(3)) parts.push(await run(shard));
  assert.is(fuzzText(mergeResults(parts)), fuzzText(await run()));
  assert.ok(parts.every(({ ran }) => ran[0]!.runs >= 16));
});

jobs("mutate: the list of survivors and the table are those of one run", () => {
  const fates = ["killed", "survived", "killed", "unmet", "untried"] as const;
  const tried = Array.from({ length: 20 }, (_, i): Tried => ({
    file: `lib/${i % 3 === 0 ? "net" : "kube"}/x.ts`,
    start: i,
    place: `place ${i}`,
    fate: fates[i % fates.length]!,
    ...(i % 4 === 1 && { reason: "equivalent: made up" }),
  }));
  const outcome = (some: readonly Tried[]) => ({ names: ["net", "kube"], seed: 1, seconds: 0, limit: 9, tried: some });
  const merged = mergeTries(shares(3).map(shard => outcome(shareOf(shard, tried))));
  assert.is(mutationText(merged), mutationText(outcome(tried)));
  assert.equal(tooLow(merged, 50), []);
  assert.equal(tooLow(merged, 100), ["net", "kube"]);
  const untried = tried.map((each): Tried => ({ ...each, fate: "untried" }));
  assert.equal(tooLow(outcome(untried), 1), ["net", "kube"]); // what was not tried holds nothing
});

jobs("bench: every area is measured once, in the order of one run", () => {
  const order = ["book", "cell", "growth", "linux", "snat"];
  const machine = { node: "v20", processors: 2, model: "made up" };
  const area = (name: string) => ({ area: name, title: name, machine, figures: [] });
  const parts = shares(3).map(shard => ({ order, areas: shareOf(shard, order).map(area) }));
  assert.equal(mergeMeasured(parts), { order, areas: order.map(area) });
});

jobs.run();
