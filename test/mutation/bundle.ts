import { build } from "esbuild";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type Mutant, counted, switchable } from "./mutants.js";

/**
 * Which mutant is on, and those that are come past: while the file loads, and in each test. A process ends at more steps
 * than it is allowed, which says that a loop has no end sooner than a clock would, and on a slow machine too.
 */
const header = `
let __active = Number(process.env.MUTANT ?? -1);
const __passed = new Set();
const __mutant = process.env.PASSED ? number => (__passed.add(number), false) : number => number === __active;
let __steps = 0;
let __mostSteps = Number(process.env.STEPS ?? Infinity);
const __step = () => {
  if (++__steps > __mostSteps) process.exit(1);
};
`;

/**
 * Stands in for uvu. A run ends at the first test that fails, as one is enough to notice a mutant. `TESTS` says which
 * tests to run, by their place in the file; `PASSED` names the file for what each comes past. `KEPT` is a process that
 * is asked again and again, {@link Question} by question.
 */
const firstFailure = `
import { writeFileSync } from "node:fs";
const tests = [];
export const suite = () => {
  const own = [];
  const add = (name, run) => void own.push(run);
  add.run = () => void tests.push(...own);
  return add;
};
const passes = async place => {
  try {
    await tests[place]();
    return true;
  } catch {
    return false;
  }
};
const answer = async ({ mutant, places, steps }) => {
  for (const place of places) {
    __active = mutant;
    __steps = 0;
    __mostSteps = steps;
    const noticed = !(await passes(place));
    __active = -1;
    __mostSteps = Infinity;
    if (noticed) return (await passes(place)) ? "noticed" : "spoilt";
  }
  return "not noticed";
};
const take = () => {
  const taken = { steps: __steps, passed: [...__passed] };
  __passed.clear();
  __steps = 0;
  return taken;
};
// What ends while a test still waits for something has failed.
process.exitCode = 1;
setTimeout(async () => {
  if (process.env.KEPT) return void process.on("message", async question => process.send(await answer(question)));
  const record = { loading: take(), tests: [] };
  const wanted = process.env.TESTS ? process.env.TESTS.split(",").map(Number) : tests.keys();
  for (const place of wanted) {
    const started = performance.now();
    if (!(await passes(place))) process.exit(1);
    if (!process.env.PASSED) __steps = 0;
    record.tests.push({ seconds: (performance.now() - started) / 1000, ...take() });
  }
  if (process.env.PASSED) writeFileSync(process.env.PASSED, JSON.stringify(record));
  process.exit(tests.length > 0 ? 0 : 1);
});
`;

/** What a kept process is asked: to run some tests with a mutant on. */
export interface Question {
  readonly mutant: number;
  readonly places: readonly number[];
  /** The most steps of work that a test may take. */
  readonly steps: number;
}

/** `spoilt`: a test fails with the mutant off again too, so the process is no witness any more. */
export type Answer = "noticed" | "not noticed" | "spoilt";

/**
 * Bundles a test file with all sources that it uses, in which the mutants wait to be switched on, so that a run of one
 * mutant costs no compilation. Programs other than Node are not there for it: what needs Linux is skipped.
 */
export const bundleTest = async (
  root: string,
  testFile: string,
  outFile: string,
  mutants: ReadonlyMap<string, readonly (Mutant & { readonly number: number })[]>,
): Promise<void> => {
  await build({
    entryPoints: [join(root, testFile)],
    outfile: outFile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "silent",
    banner: { js: header },
    plugins: [
      {
        name: "mutants",
        setup({ onLoad, onResolve }) {
          // What is compiled is looked at in its source.
          onResolve({ filter: /lib\/dist\// }, ({ path }) => ({
            path: join(root, "lib", path.slice(path.indexOf("lib/dist/") + 9).replace(/\.js$/, ".ts")),
          }));
          onResolve({ filter: /^uvu$/ }, () => ({ path: "uvu", namespace: "first-failure" }));
          onLoad({ filter: /.*/, namespace: "first-failure" }, () => ({ contents: firstFailure, loader: "js" }));
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const file = relative(root, path).split(sep).join("/");
            if (file === "test/tools.ts") return { contents: "export const hasTool = () => false;", loader: "ts" };
            const text = await readFile(path, "utf8");
            const switched = switchable(text, mutants.get(file) ?? []);
            const contents = file.startsWith("lib/") ? counted(switched) : switched;
            // Beside a file of the library lie the compiled ones that it starts.
            const compiled = join(root, file.replace(/^lib\/(.*)\.ts$/, "lib/dist/$1.js"));
            const own = JSON.stringify(pathToFileURL(existsSync(compiled) ? compiled : path).href);
            return { contents: contents.replaceAll("import.meta.url", own), loader: "ts" };
          });
        },
      },
    ],
  });
};
