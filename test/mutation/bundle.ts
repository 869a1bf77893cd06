import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type Mutant, switchable } from "./mutants.js";

/** Which mutant is on, and those that are come past: while the file loads, and in each test. */
const header = `
let __active = Number(process.env.MUTANT ?? -1);
const __passed = new Set();
const __mutant = process.env.PASSED ? number => (__passed.add(number), false) : number => number === __active;
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
const answer = async ({ mutant, places }) => {
  for (const place of places) {
    __active = mutant;
    const noticed = !(await passes(place));
    __active = -1;
    if (noticed) return (await passes(place)) ? "noticed" : "spoilt";
  }
  return "not noticed";
};
const take = () => {
  const passed = [...__passed];
  __passed.clear();
  return passed;
};
setTimeout(async () => {
  if (process.env.KEPT) return void process.on("message", async question => process.send(await answer(question)));
  const record = { loading: take(), tests: [] };
  const wanted = process.env.TESTS ? process.env.TESTS.split(",").map(Number) : tests.keys();
  for (const place of wanted) {
    const started = performance.now();
    if (!(await passes(place))) process.exit(1);
    record.tests.push({ seconds: (performance.now() - started) / 1000, passed: take() });
  }
  if (process.env.PASSED) writeFileSync(process.env.PASSED, JSON.stringify(record));
  process.exit(tests.length > 0 ? 0 : 1);
});
`;

/** What a kept process is asked: to run some tests with a mutant on. */
export interface Question {
  readonly mutant: number;
  readonly places: readonly number[];
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
          onResolve({ filter: /lib\/dist\// }, ({ path }) => ({
            path: pathToFileURL(join(root, path.slice(path.indexOf("lib/dist/")))).href,
            external: true,
          }));
          onResolve({ filter: /^uvu$/ }, () => ({ path: "uvu", namespace: "first-failure" }));
          onLoad({ filter: /.*/, namespace: "first-failure" }, () => ({ contents: firstFailure, loader: "js" }));
          onLoad({ filter: /\.ts$/ }, async ({ path }) => {
            const file = relative(root, path).split(sep).join("/");
            if (file === "test/tools.ts") return { contents: "export const hasTool = () => false;", loader: "ts" };
            const text = await readFile(path, "utf8");
            const contents = switchable(text, mutants.get(file) ?? []);
            const own = JSON.stringify(pathToFileURL(path).href);
            return { contents: contents.replaceAll("import.meta.url", own), loader: "ts" };
          });
        },
      },
    ],
  });
};
