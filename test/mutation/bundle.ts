import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type Mutant, switchable } from "./mutants.js";

/** Which mutant is on, and a record of those that a run comes past. */
const header = `
const __active = Number(process.env.MUTANT ?? -1);
const __passed = new Set();
globalThis.__mutant = number => { if (__active < 0) __passed.add(number); return number === __active; };
if (process.env.PASSED) process.on("exit", () => __files.writeFileSync(process.env.PASSED, JSON.stringify([...__passed])));
`;

/** Stands in for uvu: a run ends at the first test that fails, as one is enough to notice a mutant. */
const firstFailure = `
const suites = [];
export const suite = () => {
  const tests = [];
  const add = (name, run) => void tests.push(run);
  add.run = () => void suites.push(tests);
  return add;
};
setTimeout(async () => {
  try {
    for (const test of suites.flat()) await test();
  } catch {
    process.exit(1);
  }
  process.exit(suites.flat().length > 0 ? 0 : 1);
});
`;

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
    banner: { js: `import * as __files from "node:fs";${header}` },
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
