/**
 * Runs every test file in a process of its own, two at a time, and adds up what uvu reports.
 * A file that fails, or that has a suite or a test which never runs, fails the run. A run of many ends with the slowest ten.
 *
 *     npm test                  everything
 *     npm test -- netfilter     files whose path holds "netfilter"
 *     npm test -- ip kube       files whose path holds one of them
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter(file => file.endsWith(".test.ts") && (wanted.length === 0 || wanted.some(word => file.includes(word))))
  .sort();

interface Result {
  readonly file: string;
  readonly output: string;
  readonly passed: number;
  readonly skipped: number;
  readonly total: number;
  readonly ok: boolean;
  readonly seconds: number;
}

const plain = (text: string) => text.replace(/\x1b\[[0-9;]*m/g, "");
const figure = (output: string, name: string) => Number(new RegExp(`^ *${name}: +(\\d+)`, "m").exec(output)?.[1] ?? 0);

/** What uvu passes over in silence: a suite without a run, and a test that stands below its suite's run. */
const neverRun = (source: string): readonly string[] =>
  [...source.matchAll(/^const (\w+) = suite(?:<[^>]*>)?\(/gm)].flatMap(([, name]) => {
    const last = source.lastIndexOf(`\n${name}.run();`);
    if (last < 0) return [`the suite ${name} has no ${name}.run()`];
    const below = new RegExp(`^ *${name}\\(.*`, "m").exec(source.slice(last));
    return below === null ? [] : [`below ${name}.run() nothing runs: ${below[0]}`];
  });

const runFile = (file: string): Promise<Result> =>
  new Promise(done => {
    const start = performance.now();
    const child = spawn(process.execPath, ["--import", "tsx", root + file], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", chunk => (output += chunk));
    child.stderr.on("data", chunk => (output += chunk));
    child.on("close", code => {
      output = plain(output);
      const total = figure(output, "Total");
      const passed = figure(output, "Passed");
      const skipped = figure(output, "Skipped");
      const never = neverRun(readFileSync(root + file, "utf8"));
      for (const what of never) output += `\n${file}: ${what}\n`;
      if (total === 0) output += `\n${file}: no test ran\n`;
      done({
        file,
        output,
        total,
        passed,
        skipped,
        ok: code === 0 && total > 0 && passed + skipped >= total && never.length === 0,
        seconds: (performance.now() - start) / 1000,
      });
    });
  });

const results: Result[] = [];
const queue = [...files];
const worker = async () => {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const result = await runFile(file);
    results.push(result);
    const counts = `${result.passed} of ${result.total}${result.skipped > 0 ? `, ${result.skipped} skipped` : ""}`;
    console.log(`${result.ok ? "ok  " : "FAIL"} ${relative(".", file)} (${counts}, ${result.seconds.toFixed(1)} s)`);
    if (!result.ok) console.log(result.output);
    else for (const line of result.output.split("\n")) if (line.startsWith("skipped: ")) console.log(`     ${line}`);
  }
};
await Promise.all([worker(), worker()]);

const sum = (pick: (result: Result) => number) => results.reduce((total, result) => total + pick(result), 0);
const passed = sum(result => result.passed);
const skipped = sum(result => result.skipped);
const slowest = [...results].sort((a, b) => b.seconds - a.seconds).slice(0, 10);
const failed = sum(result => (result.ok ? 0 : Math.max(1, result.total - result.passed - result.skipped)));
if (files.length === 0) console.log(`no test file matches ${wanted.join(" ")}`);
if (results.length > 10) {
  console.log(`\nslowest of ${results.length} files, ${sum(result => result.seconds).toFixed(0)} s together:`);
  for (const { file, seconds } of slowest) console.log(`${seconds.toFixed(1).padStart(7)} s  ${file}`);
}
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 || passed === 0 || (process.env["CI"] === "true" && skipped > 0) ? 1 : 0;
