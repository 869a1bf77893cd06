import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Task, Told } from "./child.js";

/** MiB of memory that reading one input may take, beside what the reader itself takes. */
const memory = 1024;

export interface Found {
  readonly name: string;
  readonly input: Uint8Array;
  readonly message: string;
  /** How the input was made, or the file that holds it. */
  readonly from: string;
}

export interface Ran {
  readonly runs: number;
  readonly seconds: number;
  /** Places of the library that were reached, where coverage guides. */
  readonly reached: number;
}

export interface Result {
  readonly found: readonly Found[];
  readonly ran: ReadonlyMap<string, Ran>;
}

export interface FuzzOptions extends Omit<Task, "names" | "current" | "slow"> {
  /** Seconds after which an input that is still being read is one that never ends. */
  readonly limit?: number;
  readonly slow?: number;
  readonly onTold?: (told: Told) => void;
}

interface Ended {
  readonly done: readonly string[];
  readonly told: readonly Told[];
  /** The input at which the child stopped, and why. */
  readonly stopped?: {
    readonly name: string;
    readonly input: Uint8Array;
    readonly because: string;
    readonly runs: number;
    /** What the child wrote about its end; nothing where it was stopped for its time. */
    readonly errors: string;
  };
}

const runChild = (task: Task, limit: number, onTold: (told: Told) => void): Promise<Ended> =>
  new Promise(resolve => {
    const child = fork(fileURLToPath(new URL("child.ts", import.meta.url)), [JSON.stringify(task)], {
      execArgv: ["--import", "tsx", `--max-old-space-size=${memory}`],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const told: Told[] = [];
    const done: string[] = [];
    let runs = 0;
    let errors = "";
    let because: string | undefined;
    child.stderr!.on("data", chunk => (errors = `${errors}${chunk}`.slice(-4000)));
    child.on("message", message => {
      const one = message as Told;
      told.push(one);
      if (one.kind === "done") done.push(one.name);
      runs = one.kind === "progress" ? one.runs : 0;
      onTold(one);
    });
    const current = (): { readonly name: string; readonly bytes: Uint8Array } | undefined => {
      const file = readFileSync(task.current);
      const first = file.indexOf(10);
      const second = file.indexOf(10, first + 1);
      if (second < 0) return undefined;
      const length = Number(file.toString("latin1", first + 1, second));
      return { name: file.toString("latin1", 0, first), bytes: file.subarray(second + 1, second + 1 + length) };
    };
    // Whether it still reads the same input as long ago is seen in the file.
    let before = "";
    let since = performance.now();
    const timer = setInterval(() => {
      const now = (() => {
        try {
          return readFileSync(task.current, "latin1");
        } catch {
          return "";
        }
      })();
      if (now !== before || now === "") {
        before = now;
        since = performance.now();
      } else if (performance.now() - since > limit * 1000) {
        because = `is still being read after ${limit} s`;
        child.kill("SIGKILL");
      }
    }, 250);
    child.on("close", code => {
      clearInterval(timer);
      const at = code === 0 && because === undefined ? undefined : current();
      const reason =
        because ??
        (/out of memory/i.test(errors)
          ? `takes more than ${memory} MiB of memory`
          : `ends the process: ${
              errors
                .trim()
                .split("\n")
                .find(line => /Error/.test(line)) ?? `code ${code}`
            }`);
      if (at === undefined && code !== 0) throw new Error(`the fuzzer did not start: ${errors}`);
      resolve({
        done,
        told,
        ...(at !== undefined && {
          stopped: {
            name: at.name,
            input: at.bytes,
            because: reason,
            runs,
            errors: because === undefined ? errors : "",
          },
        }),
      });
    });
  });

/** Runs inputs of targets, each target until it is done; an input that stops the process is one that was found. */
export const fuzz = async (names: readonly string[], options: FuzzOptions): Promise<Result> => {
  const { limit = 20, slow = 5, onTold = () => undefined, ...rest } = options;
  const folder = mkdtempSync(join(tmpdir(), "egress-lab-fuzz-"));
  const current = join(folder, "current");
  const found: Found[] = [];
  const ran = new Map<string, Ran>();
  try {
    for (let left = [...names]; left.length > 0;) {
      const ended = await runChild({ ...rest, names: left, slow, current }, limit, onTold);
      for (const told of ended.told)
        if (told.kind === "found")
          found.push({
            name: told.name,
            input: Buffer.from(told.input, "base64"),
            message: told.message,
            from: told.from,
          });
        else if (told.kind === "done") ran.set(told.name, told);
      left = left.filter(name => !ended.done.includes(name));
      const { stopped } = ended;
      if (stopped === undefined) continue;
      // On a busy machine all is slow: only what stops a process of its own, with more time, counts.
      const only = Buffer.from(stopped.input).toString("base64");
      const again = await runChild({ ...rest, names: [stopped.name], slow, current, only }, limit * 3, () => undefined);
      const confirmed =
        again.stopped?.because ?? again.told.flatMap(told => (told.kind === "found" ? [told.message] : []))[0];
      const message =
        confirmed ?? (stopped.errors === "" ? undefined : `the fuzzer itself fails: ${stopped.errors.trim()}`);
      if (message !== undefined)
        found.push({ name: stopped.name, input: stopped.input, message, from: `seed ${rest.seed}` });
      ran.set(stopped.name, { runs: stopped.runs, seconds: 0, reached: 0 });
      left = left.filter(name => name !== stopped.name);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { found, ran };
};
