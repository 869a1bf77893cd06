/**
 * Changes the library in one small place at a time and looks whether a test that needs no Linux notices.
 *
 *     npm run mutate -- net azure --mutants 300 --seconds 1800
 *
 * An own script rather than Stryker, which knows no runner for uvu and would start every test file for every mutant.
 * Here all mutants of a run are compiled once into each test file's bundle, behind a switch, and a mutant meets only
 * the tests that come past it.
 */
import { Command, InvalidArgumentError } from "commander";
import { type ChildProcess, fork, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { seeded, subseed } from "../../lib/random.js";
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
import { type Answer, type Question, bundleTest } from "./bundle.js";
import { type Mutant, changeOf, mutantsOf } from "./mutants.js";
import { mergeTries, type Outcome, outcomeText, tooLow, type Tried } from "./report.js";
import { accepted } from "./survivors.js";
import { typeChecker } from "./typeCheck.js";

const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const folders = ["net", "netfilter", "azure", "kube", "snat"] as const;
/** Tests that run on Linux alone, look at other things than what the library answers, or say in a minute what others say in a second. */
const left =
  /^(linux|course|bench|mutation|fuzz|differential\/(differential|kubeProxy)|snat\/accuracy)|^(architecture|package|readme|figures|growth)\./;

const whole = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
};

const percent = (text: string): number => {
  if (!/^\d{1,2}(\.\d+)?$|^100$/.test(text)) throw new InvalidArgumentError("expected a percentage, 0 to 100");
  return Number(text);
};

interface Options extends ShardOptions {
  readonly mutants: number;
  readonly seconds: number;
  readonly seed: number;
  readonly parallel: number;
  readonly only?: string;
  readonly near?: true;
  readonly survivors?: true;
  readonly least?: number;
}

type Compiles = ReturnType<typeof typeChecker>;

type Numbered = Mutant & { readonly number: number };

const filesBelow = (folder: string, ending: string): readonly string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .map(path => path.replaceAll("\\", "/"))
    .filter(path => path.endsWith(ending))
    .sort();

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** What stays the same about a mutant when the file changes elsewhere. */
const identity = (mutant: Mutant): string => `${mutant.file} ${mutant.within} ${changeOf(mutant)}`;

/**
 * Some mutants of a folder, drawn from all of its files alike, that the compiler takes. Each has a rank of its own by
 * the seed, so that an edit in one place changes nothing about which are drawn elsewhere.
 */
const sample = (folder: string, { mutants: count, seed, only }: Options, compiles: Compiles): Mutant[] => {
  const texts = new Map(
    filesBelow(`lib/${folder}`, ".ts").map(path => {
      const file = `lib/${folder}/${path}`;
      return [file, readFileSync(join(root, file), "utf8")] as const;
    }),
  );
  const alike = new Map<string, number>();
  const ranked = [...texts]
    .filter(([file]) => only === undefined || file.includes(only))
    .flatMap(([file, text]) => mutantsOf(file, text))
    .map(mutant => {
      const key = identity(mutant);
      alike.set(key, (alike.get(key) ?? 0) + 1);
      return { mutant, rank: seeded(subseed(seed, `${key} ${alike.get(key)}`)).float() };
    })
    .sort((a, b) => a.rank - b.rank);
  const chosen: Mutant[] = [];
  for (const { mutant } of ranked) {
    if (chosen.length === count) break;
    if (compiles(mutant, texts.get(mutant.file)!)) chosen.push(mutant);
  }
  return chosen;
};

/** The tests of a file that come past a mutant. */
interface Covering {
  readonly bundle: string;
  /** By their place in the file, the quickest first. */
  readonly tests: readonly number[];
  /** It is passed while the file loads: only a process of its own will do. */
  readonly loads: boolean;
  readonly seconds: number;
  /** The most steps that one of them, or loading the file, may take before it counts as endless. */
  readonly steps: number;
}

interface Passed {
  readonly passed: readonly number[];
  /** Turns of loops in the library. */
  readonly steps: number;
}

interface Recording {
  /** Of the bundle that was run. */
  readonly digest: string;
  readonly seconds: number;
  /** Mutants passed while the file loads: any test may notice those. */
  readonly loading: Passed;
  readonly tests: readonly (Passed & { readonly seconds: number })[];
}

interface Ended {
  readonly ok: boolean;
  readonly seconds: number;
}

/** With a shell and nothing else: what asks for a tool is told that it is missing. */
const environment = { PATH: "/bin", CI: "" };

const run = (bundle: string, env: Readonly<Record<string, string>>, limit: number): Promise<Ended> =>
  new Promise(done => {
    const started = performance.now();
    const child = spawn(process.execPath, [bundle], {
      cwd: root,
      env: { ...environment, ...env },
      stdio: "ignore",
      timeout: Math.ceil(limit * 1000),
      killSignal: "SIGKILL",
    });
    child.on("close", code => done({ ok: code === 0, seconds: (performance.now() - started) / 1000 }));
  });

/**
 * Processes that are kept, as starting one takes longer than most tests. What a mutant leaves behind in one can spoil
 * it: then it is replaced. A mutant that none of its tests notices there is looked at again in a process of its own.
 */
const keptProcesses = (most: number) => {
  const idle = new Map<string, ChildProcess>();
  const keep = (bundle: string, child: ChildProcess): void => {
    idle.get(bundle)?.kill("SIGKILL");
    idle.delete(bundle);
    idle.set(bundle, child);
    const [oldest] = idle.keys();
    if (idle.size <= most || oldest === undefined) return;
    idle.get(oldest)!.kill("SIGKILL");
    idle.delete(oldest);
  };
  const ask = (bundle: string, question: Question, limit: number): Promise<Answer> =>
    new Promise(done => {
      const child =
        idle.get(bundle) ??
        fork(bundle, { cwd: root, env: { ...environment, KEPT: "1" }, stdio: "ignore", execArgv: [] });
      idle.delete(bundle);
      const timer = setTimeout(() => child.kill("SIGKILL"), limit * 1000);
      const answered = (answer: Answer): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        if (answer === "spoilt") child.kill("SIGKILL");
        else if (child.exitCode === null && child.signalCode === null) keep(bundle, child);
        done(answer);
      };
      child.once("message", answer => answered(answer as Answer));
      // An endless loop, or the end of the process, is a change that is noticed.
      child.once("exit", () => answered("noticed"));
      child.on("error", () => undefined);
      child.send(question);
    });
  return {
    /** Whether one of the tests notices the mutant. */
    notices: async ({ bundle, tests, loads, seconds, steps }: Covering, mutant: number): Promise<boolean> => {
      // For what waits and takes no steps: with room, as a slow machine is no reason.
      const limit = seconds * 10 + 10;
      const question = { mutant, places: tests, steps };
      if (!loads) {
        const first = await ask(bundle, question, limit);
        const answer = first === "spoilt" ? await ask(bundle, question, limit) : first;
        if (answer === "noticed") return true;
      }
      return !(await run(bundle, { MUTANT: `${mutant}`, TESTS: tests.join(), STEPS: `${steps}` }, limit)).ok;
    },
    end: () => idle.forEach(child => child.kill("SIGKILL")),
  };
};

const pool = async <T>(items: readonly T[], parallel: number, work: (item: T) => Promise<void>): Promise<void> => {
  let next = 0;
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < items.length) await work(items[next++]!);
    }),
  );
};

const tell = (line: string): void => void process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);

const placeOf = (mutant: Mutant): string => `${mutant.file}:${mutant.line}  ${mutant.within}  ${changeOf(mutant)}`;

/** Beside the packages, so that a bundle finds them. */
const cache = join(root, "node_modules/.cache/egress-lab-mutation");
const compilesFile = join(cache, "compiles.json");
const survivorsFile = join(cache, "survivors.json");

const readJson = <T>(path: string): T | undefined =>
  existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as T) : undefined;

/** The compiler's verdicts, which stay true as long as a file does. */
const rememberedChecks = (): { readonly compiles: Compiles; readonly save: () => void } => {
  const known = new Map(readJson<[string, boolean][]>(compilesFile));
  let checker: Compiles | undefined;
  const compiles: Compiles = (mutant, text) => {
    const key = digest(`${mutant.start} ${mutant.of} ${mutant.replacement} ${text}`);
    const verdict = known.get(key) ?? (checker ??= typeChecker(root))(mutant, text);
    known.set(key, verdict);
    return verdict;
  };
  return { compiles, save: () => writeFileSync(compilesFile, JSON.stringify([...known])) };
};

/** Runs a test file with no mutant on, and tells which mutants each of its tests comes past. */
const record = async (bundle: string): Promise<Recording> => {
  const file = `${bundle}.json`;
  const text = digest(readFileSync(bundle, "utf8"));
  const known = readJson<Recording>(file);
  if (known?.digest === text) return known;
  rmSync(file, { force: true });
  const { ok, seconds } = await run(bundle, { PASSED: file }, 600);
  if (!ok) throw new Error(`${bundle} fails before anything is changed`);
  const recording: Recording = { ...readJson<Recording>(file)!, digest: text, seconds };
  writeFileSync(file, JSON.stringify(recording));
  return recording;
};

/** Which of a file's tests come past each mutant. */
const coveringOf = (bundle: string, { seconds, loading, tests }: Recording): ReadonlyMap<number, Covering> => {
  const places = new Map<number, number[]>();
  tests.forEach(({ passed }, place) => {
    for (const number of passed) places.set(number, [...(places.get(number) ?? []), place]);
  });
  for (const number of loading.passed) places.set(number, [...tests.keys()]);
  const time = (some: readonly number[]) => some.reduce((sum, place) => sum + tests[place]!.seconds, 0);
  const start = seconds - time([...tests.keys()]);
  const quickest = (own: readonly number[]) => [...own].sort((a, b) => tests[a]!.seconds - tests[b]!.seconds);
  const atLoad = new Set(loading.passed);
  const steps = 10 * Math.max(loading.steps, ...tests.map(test => test.steps)) + 1e7;
  return new Map(
    [...places].map(([number, own]) => [
      number,
      { bundle, tests: quickest(own), loads: atLoad.has(number), seconds: start + time(own), steps },
    ]),
  );
};

/** Whether every folder's share is at least what was asked for. */
const mutate = async (names: readonly string[], options: Options): Promise<boolean> => {
  const { seconds, seed, parallel, near, least, shard = unsharded, out } = options;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const say = (line: string) => tell(`${elapsed().toFixed(0)} s: ${line}`);
  mkdirSync(cache, { recursive: true });

  const { compiles, save } = rememberedChecks();
  const numbered: Numbered[] = shareOf(
    shard,
    names.flatMap(folder => sample(folder, options, compiles)),
  ).map((mutant, number) => ({ ...mutant, number }));
  save();
  const last = options.survivors === undefined ? undefined : new Set(readJson<string[]>(survivorsFile));
  const wanted = numbered.filter(mutant => last === undefined || last.has(identity(mutant)));
  say(`${wanted.length} mutants that compile`);
  const byFile = new Map<string, Numbered[]>();
  for (const mutant of numbered) byFile.set(mutant.file, [...(byFile.get(mutant.file) ?? []), mutant]);

  /** The tests of some files that come past each mutant. */
  const recorded = async (tests: readonly string[]): Promise<ReadonlyMap<number, readonly Covering[]>> => {
    const covering = new Map<number, Covering[]>();
    await pool(tests, parallel, async test => {
      const bundle = join(cache, `${[...names, test].join("-").replaceAll("/", "-")}.mjs`);
      await bundleTest(root, `test/${test}`, bundle, byFile);
      for (const [number, own] of coveringOf(bundle, await record(bundle)))
        covering.set(number, [...(covering.get(number) ?? []), own]);
    });
    say(`${tests.length} test files recorded`);
    return covering;
  };

  const kept = keptProcesses(12);
  const met = new Set<number>();
  /** Tries mutants on the tests that come past them, the quickest files first; tells which live and which time cut off. */
  const attempt = async (mutants: readonly Numbered[], covering: ReadonlyMap<number, readonly Covering[]>) => {
    const alive: Numbered[] = [];
    const cut: Numbered[] = [];
    let tried = 0;
    let told = elapsed();
    const survives = async (mutant: Numbered): Promise<boolean | undefined> => {
      const files = [...(covering.get(mutant.number) ?? [])].sort((a, b) => a.seconds - b.seconds);
      if (files.length > 0) met.add(mutant.number);
      for (const file of files) {
        if (elapsed() > seconds) return undefined;
        if (await kept.notices(file, mutant.number)) return false;
      }
      return true;
    };
    await pool(mutants, parallel, async mutant => {
      const outcome = await survives(mutant);
      if (outcome === undefined) cut.push(mutant);
      else tried++;
      if (outcome === true) {
        alive.push(mutant);
        if (!process.stderr.isTTY) say(`not noticed: ${placeOf(mutant)}`);
      }
      if (elapsed() < told + 10) return;
      told = elapsed();
      say(`${tried} of ${mutants.length} tried, ${alive.length} not noticed`);
    });
    return { alive, cut };
  };

  // The tests of the mutants' own folders and what the kernel has answered first: most mutants end there. In an order of
  // their own, so that a run cut short has tried some of each folder.
  const order = [...wanted].sort((a, b) => subseed(seed, `${a.number}`) - subseed(seed, `${b.number}`));
  const tests = filesBelow("test", ".test.ts").filter(path => !left.test(path));
  const own = tests.filter(path => path === "corpus/corpus.test.ts" || names.some(name => path.startsWith(`${name}/`)));
  const first = await attempt(order, await recorded(own));
  let survived = first.alive;
  if (near === undefined) {
    const others = await attempt(survived, await recorded(tests.filter(path => !own.includes(path))));
    // What time did not suffice for has not been noticed yet.
    survived = [...others.alive, ...others.cut];
  }
  kept.end();
  tell("");

  writeFileSync(survivorsFile, JSON.stringify(survived.map(identity)));
  const alive = new Set(survived);
  const untried = new Set(first.cut);
  const tried = wanted.map((mutant): Tried => {
    const { file, start, number } = mutant;
    const reason = accepted(mutant);
    return {
      file,
      start,
      place: placeOf(mutant),
      fate: untried.has(mutant) ? "untried" : !alive.has(mutant) ? "killed" : met.has(number) ? "survived" : "unmet",
      ...(reason !== undefined && { reason }),
    };
  });
  const outcome: Outcome = { names, seed, seconds: elapsed(), limit: seconds, tried };
  const { mutants, only } = options;
  if (out !== undefined) writePart(out, "mutate", { names, mutants, seed, seconds, only, near }, shard, outcome);
  return told(outcome, least);
};

/** Prints an outcome; whether every folder's share is at least what was asked for. */
const told = (outcome: Outcome, least: number | undefined): boolean => {
  console.log(outcomeText(outcome));
  const low = tooLow(outcome, least ?? 0);
  for (const name of low) console.log(`lib/${name}: less than ${least} % killed or explained`);
  return low.length === 0;
};

const command = new Command("mutate")
  .description("change the library in one small place at a time and look whether a test that needs no Linux notices")
  .argument("[folders...]", `of lib: ${folders.join(", ")}`, undefined)
  .option("--mutants <number>", "how many to draw from each folder", whole, 300)
  .option(
    "--seed <number>",
    "which to draw: the same seed draws the same, but for the lines that were edited",
    whole,
    1,
  )
  .option("--only <file>", "draw from the files whose path holds this")
  .option("--survivors", "of those drawn, only the ones that survived the last run")
  .option("--near", "only the tests of the folders themselves and the corpus: quicker, and never more are killed")
  .option("--seconds <number>", "stop after so long; what was tried by then is told", whole, 3600)
  .option("--least <percent>", "exit with 1 where fewer of those tried are killed or have a reason to live", percent)
  .option("--parallel <number>", "mutants at a time", whole, 2)
  .addHelpText(
    "after",
    `
The reasons stand in test/mutation/survivors.ts. What is printed is the mutant's place, its declaration and the change.

A sample for every push, in two minutes:
  npm run mutate -- net netfilter azure --near --mutants 15 --seconds 110 --least 60
`,
  );
withShards(command);
command.parse();
checkShardOptions(command);
const names = command.args.length === 0 ? [...folders] : command.args;
const unknown = names.filter(name => !(folders as readonly string[]).includes(name));
if (unknown.length > 0)
  command.error(`error: no folder ${unknown.join(", ")}; there are ${folders.join(", ")}`, { exitCode: 2 });
const options = command.opts<Options>();
await orRefuse(command, async () => {
  const good =
    options.merge === undefined
      ? await mutate(names, options)
      : told(mergeTries(readParts<Outcome>(options.merge, "mutate").results), options.least);
  process.exitCode = good ? 0 : 1;
});
