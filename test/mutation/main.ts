/**
 * Changes the library in one small place at a time and looks whether a test that needs no Linux notices.
 *
 *     npm run mutate -- net azure --mutants 300 --seconds 1800
 *
 * An own script rather than Stryker, which knows no runner for uvu and would start every test file for every mutant.
 * Here all mutants of a run are compiled once into each test file's bundle, behind a switch, and a mutant meets only
 * the test files that come past it.
 */
import { Command, InvalidArgumentError } from "commander";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tableText } from "../../lib/notebook/table.js";
import { seeded, subseed } from "../../lib/random.js";
import { bundleTest } from "./bundle.js";
import { type Mutant, mutantsOf } from "./mutants.js";
import { accepted } from "./survivors.js";
import { typeChecker } from "./typeCheck.js";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const folders = ["net", "netfilter", "azure", "kube", "snat"] as const;
/** Tests that run on Linux alone, or look at other things than what the library answers. */
const left = /^(linux|notebook|bench|mutation|differential\/(differential|kubeProxy))|^(architecture|readme|figures)\./;

const whole = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
};

interface Options {
  readonly mutants: number;
  readonly seconds: number;
  readonly seed: number;
  readonly parallel: number;
}

type Numbered = Mutant & { readonly number: number };

const filesBelow = (folder: string, ending: string): readonly string[] =>
  (readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }) as string[])
    .map(path => path.replaceAll("\\", "/"))
    .filter(path => path.endsWith(ending))
    .sort();

/** Some mutants of a folder, drawn from all of its files alike, that the compiler takes. */
const sample = (folder: string, count: number, seed: number, compiles: ReturnType<typeof typeChecker>): Mutant[] => {
  const texts = new Map(
    filesBelow(`lib/${folder}`, ".ts").map(path => {
      const file = `lib/${folder}/${path}`;
      return [file, readFileSync(join(root, file), "utf8")] as const;
    }),
  );
  const all = [...texts].flatMap(([file, text]) => mutantsOf(file, text));
  const random = seeded(subseed(seed, folder));
  const chosen: Mutant[] = [];
  while (chosen.length < count && all.length > 0) {
    const [mutant] = all.splice(random.int(0, all.length - 1), 1);
    if (compiles(mutant!, texts.get(mutant!.file)!)) chosen.push(mutant!);
  }
  return chosen;
};

interface Ended {
  readonly ok: boolean;
  readonly seconds: number;
}

const run = (bundle: string, env: Readonly<Record<string, string>>, limit: number): Promise<Ended> =>
  new Promise(done => {
    const started = performance.now();
    const child = spawn(process.execPath, [bundle], {
      cwd: root,
      env: { PATH: "/nonexistent", CI: "", ...env },
      stdio: "ignore",
      timeout: Math.ceil(limit * 1000),
      killSignal: "SIGKILL",
    });
    child.on("close", code => done({ ok: code === 0, seconds: (performance.now() - started) / 1000 }));
  });

const pool = async <T>(items: readonly T[], parallel: number, work: (item: T) => Promise<void>): Promise<void> => {
  let next = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < items.length) await work(items[next++]!);
    }),
  );
};

const tell = (line: string): void => void process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);

const mutate = async (
  names: readonly string[],
  { mutants: count, seconds, seed, parallel }: Options,
): Promise<void> => {
  const compiles = typeChecker(root);
  const started = performance.now();
  const numbered: Numbered[] = names
    .flatMap(folder => sample(folder, count, seed, compiles))
    .map((mutant, number) => ({ ...mutant, number }));
  tell(`${numbered.length} mutants that compile`);
  const byFile = new Map<string, Numbered[]>();
  for (const mutant of numbered) byFile.set(mutant.file, [...(byFile.get(mutant.file) ?? []), mutant]);

  // Beside the packages, so that a bundle finds them.
  const folder = join(root, "node_modules/.cache/egress-lab-mutation");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tests = filesBelow("test", ".test.ts").filter(path => !left.test(path));
  const covering = new Map<number, { readonly bundle: string; readonly seconds: number }[]>();
  await pool(tests, parallel, async test => {
    const bundle = join(folder, `${test.replaceAll("/", "-")}.mjs`);
    await bundleTest(root, `test/${test}`, bundle, byFile);
    const passed = `${bundle}.json`;
    const { ok, seconds: took } = await run(bundle, { PASSED: passed }, 300);
    if (!ok) throw new Error(`test/${test} fails before anything is changed`);
    for (const number of JSON.parse(readFileSync(passed, "utf8")) as number[])
      covering.set(number, [...(covering.get(number) ?? []), { bundle, seconds: took }]);
  });
  tell(`${tests.length} test files come past ${covering.size} of ${numbered.length} mutants`);

  const survivors: Numbered[] = [];
  let tried = 0;
  const late = () => (performance.now() - started) / 1000 > seconds;
  // In an order of their own, so that a run cut short has tried some of each folder.
  const order = [...numbered].sort((a, b) => subseed(seed, `${a.number}`) - subseed(seed, `${b.number}`));
  const done: Numbered[] = [];
  await pool(order, parallel, async mutant => {
    if (late()) return;
    // The folder's own tests first, then the quickest.
    const own = `/${mutant.file.split("/")[1]}-`;
    const files = [...(covering.get(mutant.number) ?? [])].sort(
      (a, b) => Number(b.bundle.includes(own)) - Number(a.bundle.includes(own)) || a.seconds - b.seconds,
    );
    let killed = false;
    for (const { bundle, seconds: usual } of files) {
      const { ok } = await run(bundle, { MUTANT: String(mutant.number) }, usual * 5 + 5);
      if (!ok) {
        killed = true;
        break;
      }
    }
    done.push(mutant);
    if (!killed) survivors.push(mutant);
    tried++;
    if (process.stderr.isTTY || tried % 50 === 0)
      tell(`${tried} of ${numbered.length} tried, ${survivors.length} survived`);
  });
  tell("");

  for (const { file, line, original, replacement, number } of [...survivors].sort((a, b) => a.number - b.number)) {
    const reason = accepted(file, original, replacement);
    const change = `${oneLine(original)} => ${replacement === "" ? "(left out)" : oneLine(replacement)}`;
    console.log(
      `${file}:${line}  ${change}${covering.has(number) ? "" : "  [no test comes here]"}${reason === undefined ? "" : `  (${reason})`}`,
    );
  }
  const of = (list: readonly Numbered[], name: string) => list.filter(({ file }) => file.startsWith(`lib/${name}/`));
  const rows = names.map(name => {
    const all = of(done, name).length;
    const alive = of(survivors, name);
    const explained = alive.filter(
      ({ file, original, replacement }) => accepted(file, original, replacement) !== undefined,
    );
    const share = all === 0 ? 0 : (all - alive.length) / all;
    return [`lib/${name}`, all, all - alive.length, alive.length, explained.length, `${(100 * share).toFixed(1)} %`];
  });
  const columns = ["folder", "mutants", "killed", "survived", "of them explained", "share killed"];
  console.log(tableText({ columns, rows }));
  const took = ((performance.now() - started) / 1000).toFixed(0);
  console.log(
    `seed ${seed}, ${took} s${done.length < numbered.length ? `; stopped after ${seconds} s, ${numbered.length - done.length} not tried` : ""}`,
  );
};

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, " ");
  return line.length > 70 ? `${line.slice(0, 67)}...` : line;
};

const command = new Command("mutate")
  .description("change the library in one small place at a time and look whether a test that needs no Linux notices")
  .argument("[folders...]", `of lib: ${folders.join(", ")}`, undefined)
  .option("--mutants <number>", "how many to draw from each folder", whole, 300)
  .option("--seconds <number>", "stop after so long; what was tried by then is told", whole, 3600)
  .option("--seed <number>", "which to draw", whole, 1)
  .option("--parallel <number>", "mutants at a time", whole, 2);
command.parse();
const names = command.args.length === 0 ? [...folders] : command.args;
const unknown = names.filter(name => !(folders as readonly string[]).includes(name));
if (unknown.length > 0)
  command.error(`error: no folder ${unknown.join(", ")}; there are ${folders.join(", ")}`, { exitCode: 2 });
await mutate(names, command.opts<Options>());
