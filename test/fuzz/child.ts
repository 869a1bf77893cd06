/**
 * Runs inputs of targets, in a process of its own: what never ends or takes all memory takes this process only.
 *
 * Which inputs come next is guided by V8's precise coverage (`node:inspector`): one that reaches a function or a block of
 * the library that none before reached joins the inputs that others are made from. Jazzer.js was tried and does not serve:
 * its native part (4.0.0) needs glibc 2.38, newer than that of systems this project runs on, and it would bring a hundred
 * packages for what is done here in a few lines.
 */
import { openSync, writeSync } from "node:fs";
import { Session } from "node:inspector";
import { seeded, subseed } from "../../lib/random.js";
import { numbersOf, type Shard, unsharded } from "../shard.js";
import { corpusOf } from "./corpus.js";
import { minimise, mutate } from "./mutate.js";
import { Broken, type Target } from "./target.js";
import { targets } from "./targets/all.js";

/** What a child is asked to do. */
export interface Task {
  readonly names: readonly string[];
  readonly seed: number;
  /**
   * The share of the inputs to read, by their numbers. Default: all. Where coverage guides it, each share follows what it
   * reached itself.
   */
  readonly shard?: Shard;
  /** Stops after so many inputs of each target, or so many seconds. Without either: the short run of each target. */
  readonly runs?: number;
  readonly seconds?: number;
  /** Whether coverage guides it. */
  readonly guided: boolean;
  /** Seconds of the processor that one input may take. */
  readonly slow: number;
  /** Where the input that is being read is written before it is read. */
  readonly current: string;
  /** One input to read, and nothing else. */
  readonly only?: string;
}

/** What a child tells. */
export type Told =
  | {
      readonly kind: "progress";
      readonly name: string;
      readonly runs: number;
      readonly reached: number;
      readonly corpus: number;
    }
  | {
      readonly kind: "found";
      readonly name: string;
      readonly input: string;
      readonly message: string;
      readonly from: string;
    }
  | {
      readonly kind: "done";
      readonly name: string;
      readonly runs: number;
      readonly seconds: number;
      readonly reached: number;
    };

const task = JSON.parse(process.argv[2]!) as Task;
const tell = (told: Told): Promise<void> =>
  new Promise(resolve => {
    process.send!(told, () => resolve());
  });

const session = new Session();
/** The places of the library that have been reached. */
const reached = new Set<string>();
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly count: number; readonly startOffset: number; readonly endOffset: number }[];
    }[];
  }[];
}
const ask = (method: string, parameters: object = {}): unknown => {
  let answer: unknown;
  session.post(method, parameters, (error, result) => {
    if (error !== null) throw error;
    answer = result;
  });
  return answer;
};
/** Whether anything was reached, since it was asked last, that had not been before. */
const somethingNew = (note: boolean): boolean => {
  let found = false;
  for (const { url, functions } of (ask("Profiler.takePreciseCoverage") as Coverage).result) {
    if (!url.includes("/lib/")) continue;
    for (const { ranges } of functions)
      for (const { count, startOffset, endOffset } of ranges) {
        // How often, in powers of two, as what is repeated reaches other states of the same code.
        const key = `${url}:${startOffset}:${endOffset}:${count === 0 ? "none" : Math.min(12, Math.floor(Math.log2(count)))}`;
        if (count === 0 || reached.has(key)) continue;
        found = true;
        if (note) reached.add(key);
      }
  }
  return found;
};

/** Names of the platform's prototypes: what an input adds to them is there for all. */
const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const own = (): string => prototypes.map(prototype => Reflect.ownKeys(prototype).length).join();
const ownAtFirst = own();

const firstPlace = (error: Error): string =>
  /\/lib\/([^\s():]+\.ts)/.exec(error.stack ?? "")?.[1] ??
  /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(error.stack ?? "")?.[1] ??
  "";

interface Problem {
  readonly message: string;
  /** The same for the same kind of problem. */
  readonly kind: string;
}

const descriptor = openSync(task.current, "w+");

/** Reads one input; a problem when something does not hold. */
const read = async (target: Target, bytes: Uint8Array): Promise<Problem | undefined> => {
  const text = Buffer.from(bytes).toString();
  if (target.format === "json")
    try {
      JSON.parse(text);
    } catch {
      return undefined;
    }
  const head = Buffer.from(`${target.name}\n${bytes.length}\n`);
  writeSync(descriptor, Buffer.concat([head, bytes]), 0, undefined, 0);
  const before = process.cpuUsage();
  try {
    await target.run(text, bytes);
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const place = firstPlace(error);
    const message = `${error.name}: ${error.message.slice(0, 2000)}${error instanceof Broken ? "" : ` (${place})`}`;
    const words = (error.message.match(/[a-z]{3,}/gi) ?? []).slice(0, 4).join(" ");
    return { message, kind: `${error.name} ${place} ${error instanceof Broken ? words : ""}` };
  }
  const { user } = process.cpuUsage(before);
  if (own() !== ownAtFirst) return { message: "a prototype of the platform has been changed", kind: "prototype" };
  if (user / 1e6 > task.slow)
    return { message: `takes ${(user / 1e6).toFixed(1)} s of the processor for ${bytes.length} bytes`, kind: "slow" };
  return undefined;
};

/** Inputs between two looks at what was reached. */
const batch = 128;
/** Kinds of problems of one target after which it is left. */
const kindsAtMost = 20;
const minimiseTries = 1500;

const fuzz = async (target: Target): Promise<void> => {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const kinds = new Set<string>();
  const found = async ({ message, kind }: Problem, bytes: Uint8Array, from: string): Promise<void> => {
    if (kinds.has(kind)) return;
    kinds.add(kind);
    const smallest =
      kind === "slow" || kind === "prototype"
        ? bytes
        : await minimise(bytes, async candidate => (await read(target, candidate))?.kind === kind, minimiseTries);
    const said = (await read(target, smallest))?.message ?? message;
    await tell({
      kind: "found",
      name: target.name,
      input: Buffer.from(smallest).toString("base64"),
      message: said,
      from,
    });
  };
  const entries = corpusOf(target);
  const inputs: Uint8Array[] = [];
  const shard = task.shard ?? unsharded;
  const ownEntries = new Set(numbersOf(shard, entries.length));
  for (const [number, { file, bytes }] of entries.entries()) {
    inputs.push(bytes);
    if (!ownEntries.has(number) && !task.guided) continue;
    const problem = await read(target, bytes);
    if (problem !== undefined && ownEntries.has(number)) await found(problem, bytes, file);
  }
  if (inputs.length === 0) inputs.push(Buffer.from(target.format === "json" ? "{}" : ""));
  if (task.guided) somethingNew(true);

  const most = task.runs ?? (task.seconds === undefined ? (target.short ?? 300) : Number.POSITIVE_INFINITY);
  const seed = subseed(task.seed, target.name);
  let runs = 0;
  let told = 0;
  let made: { readonly bytes: Uint8Array; readonly from: string }[] = [];
  for (const number of numbersOf(shard, most)) {
    if (seconds() > (task.seconds ?? Infinity) || kinds.size >= kindsAtMost) break;
    // Each input has a generator of its own: what others did moves nothing but the inputs that it may start from.
    const random = seeded(subseed(seed, `input ${number}`));
    // Of those that joined last, a little more often.
    const at =
      random.int(0, 2) === 0
        ? random.int(Math.floor(inputs.length / 2), inputs.length - 1)
        : random.int(0, inputs.length - 1);
    const bytes = mutate(target, inputs[at]!, inputs[random.int(0, inputs.length - 1)]!, random);
    const from = `seed ${task.seed}, input ${number}`;
    runs++;
    const problem = await read(target, bytes);
    if (problem !== undefined) await found(problem, bytes, from);
    else made.push({ bytes, from });
    if (task.guided && (made.length >= batch || number + shard.of >= most)) {
      if (somethingNew(false))
        for (const { bytes } of made) {
          await read(target, bytes);
          if (somethingNew(true)) inputs.push(bytes);
        }
      made = [];
    }
    if (seconds() - told > 5) {
      told = seconds();
      await tell({ kind: "progress", name: target.name, runs, reached: reached.size, corpus: inputs.length });
    }
  }
  await tell({
    kind: "done",
    name: target.name,
    runs: runs + ownEntries.size,
    seconds: seconds(),
    reached: reached.size,
  });
};

const main = async (): Promise<void> => {
  if (task.guided) {
    session.connect();
    ask("Profiler.enable");
    ask("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }
  for (const name of task.names) {
    const target = targets.find(each => each.name === name)!;
    if (task.only === undefined) await fuzz(target);
    else {
      const bytes = Buffer.from(task.only, "base64");
      const problem = await read(target, bytes);
      if (problem !== undefined)
        await tell({ kind: "found", name, input: task.only, message: problem.message, from: "given" });
      await tell({ kind: "done", name, runs: 1, seconds: 0, reached: 0 });
    }
  }
  process.disconnect();
};

// A promise that nobody waits for, or a timer, must not bring the process down without a word.
process.on("unhandledRejection", error => {
  throw error;
});
void main();
