/**
 * Measures and prints a table of figures with their ratios and targets.
 *
 *     npm run bench                 every area
 *     npm run bench -- book cell    some of them
 *     npm run -s bench -- --json    the same as JSON
 */
import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { tableText } from "../../lib/course/dataTable.js";
import type { Bench, Figure } from "./bench.js";

const wanted = process.argv.slice(2).filter(word => word !== "--json");
const json = process.argv.includes("--json");
const known = readdirSync(new URL(".", import.meta.url))
  .filter(name => name.endsWith(".bench.ts"))
  .map(name => name.replace(".bench.ts", ""))
  .sort();
const unknown = wanted.filter(area => !known.includes(area));
if (unknown.length > 0) {
  console.error(`no area ${unknown.join(", ")}; there are ${known.join(", ")}`);
  process.exit(2);
}

const number = (value: number): string =>
  value.toLocaleString("en", { maximumSignificantDigits: 3, useGrouping: value >= 1000 });
const ratioOf = ({ value, baseline }: Figure): number | undefined =>
  baseline === undefined ? undefined : value / baseline.value;

const targetText = (figure: Figure): string => {
  const { target } = figure;
  if (target === undefined) return "";
  const value = target.of === "ratio" ? (ratioOf(figure) ?? NaN) : figure.value;
  const met = value <= (target.atMost ?? Infinity) && value >= (target.atLeast ?? -Infinity);
  const bounds = [
    target.atMost !== undefined && `<= ${target.atMost}`,
    target.atLeast !== undefined && `>= ${target.atLeast}`,
  ].filter(bound => bound !== false);
  return `${target.of === "ratio" ? "ratio " : ""}${bounds.join(", ")}: ${met ? "met" : "missed"}`;
};

const results: object[] = [];
for (const area of wanted.length > 0 ? wanted : known) {
  const { bench } = (await import(`./${area}.bench.ts`)) as { readonly bench: Bench };
  if (!json) console.log(`${area}: ${bench.title}`);
  const figures = await bench.run();
  results.push({ area, title: bench.title, figures: figures.map(figure => ({ ...figure, ratio: ratioOf(figure) })) });
  if (json) continue;
  const rows = figures.map(figure => {
    const ratio = ratioOf(figure);
    return [
      figure.what,
      `${number(figure.value)} ${figure.unit}`,
      figure.baseline === undefined ? "" : `${figure.baseline.what}: ${number(figure.baseline.value)} ${figure.unit}`,
      ratio === undefined ? "" : number(ratio),
      targetText(figure),
    ];
  });
  console.log(`${tableText({ columns: ["figure", "measured", "beside", "ratio", "target"], rows })}\n`);
}
const machine = { node: process.version, processors: cpus().length, model: cpus()[0]?.model ?? "unknown" };
console.log(
  json
    ? JSON.stringify({ machine, results }, null, 1)
    : `Node ${machine.node}, ${machine.processors} processors (${machine.model})`,
);
