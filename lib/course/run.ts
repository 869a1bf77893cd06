import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, refuse } from "egress-lab/input";
import { linuxMissing } from "egress-lab/linux";
import { type Job, type Outcome, executeAll } from "./batch.js";
import { differences, textOf } from "./compare.js";
import { formatDomain, parametersOf } from "./declarations.js";
import { checkWritable, makeFolder, writeWhole } from "./files.js";
import { type Notebook, emitNotebook, parseNotebook } from "./nbformat.js";
import { type ParameterValues, injectParameters } from "./parameters.js";
import { progressTo } from "./progressLines.js";
import { tableText } from "./dataTable.js";
import { tryLines, triesOf } from "./tries.js";

/** The options of `egress-lab run`. */
export interface RunOptions {
  readonly parameters: ParameterValues;
  /** Writes the executed notebooks into this folder. */
  readonly out?: string;
  /** Compares with the outputs in the files. */
  readonly check: boolean;
  /** Writes the outputs into the files themselves. */
  readonly update: boolean;
  /** Seconds that one cell may take. */
  readonly timeout: number;
  /** Kernel processes at a time. */
  readonly jobs: number;
}

/** Reads a file of the user's. @throws InputError when it cannot be read */
export const readInput = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new InputError({
      where: "file",
      value: path,
      problem: `cannot be read (${(error as NodeJS.ErrnoException).code})`,
      expected: "a readable file",
    });
  }
};

const validate = (paths: readonly string[], options: RunOptions): void => {
  const ways = [options.check && "--check", options.update && "--update", options.out !== undefined && "--out"].filter(
    way => way !== false,
  );
  if (ways.length > 1) refuse("options", ways.join(" "), "exclude each other", "one of them");
  if (options.parameters.size > 0 && (options.check || options.update))
    refuse(
      ways[0] as string,
      [...options.parameters.keys()].join(" "),
      "would change what is kept in the notebook",
      "parameters with --out, or alone to see the outputs",
    );
  if (options.out !== undefined) makeFolder(options.out, "--out");
  for (const path of paths) {
    if (options.update && existsSync(path)) checkWritable(path);
    if (options.out !== undefined) checkWritable(join(options.out, basename(path)));
  }
  const names = new Set<string>();
  for (const path of paths) {
    if (options.out !== undefined && resolve(options.out) === dirname(resolve(path)))
      refuse("--out", options.out, "is the notebook's own folder", "another folder, or --update");
    if (options.out !== undefined && names.has(basename(path)))
      refuse("--out", basename(path), "would be written twice", "notebooks of different names");
    names.add(basename(path));
  }
};

/** The tag of a cell that cannot do without the kernel's own network namespaces. */
export const needsLinux = ({ notebook }: Job): boolean =>
  notebook.cells.some(({ tags }) => tags.includes("needs-linux"));

/** Why notebooks that need a kernel are not run here; in CI they are, whatever comes of it. */
const whyKept = async (jobs: readonly Job[]): Promise<string | undefined> =>
  process.env["CI"] === "true" || !jobs.some(needsLinux) ? undefined : linuxMissing();

/** Executes notebooks, telling on stderr how it goes. One that needs a Linux kernel keeps the outputs in its file where there is none. */
export const executeFiles = async (
  jobs: readonly Job[],
  timeout: number,
  processes: number,
): Promise<readonly Outcome[]> => {
  const progress = progressTo(process.stderr, jobs.length);
  const kept = await whyKept(jobs);
  const keeps = (job: Job): boolean => kept !== undefined && needsLinux(job);
  const outcomes = new Map<Job, Outcome>();
  for (const job of jobs.filter(keeps)) {
    const outcome: Outcome = { job, seconds: 0, ok: true, notebook: job.notebook, kept: kept! };
    progress.done(outcome);
    outcomes.set(job, outcome);
  }
  for (const outcome of await executeAll(
    jobs.filter(job => !keeps(job)),
    { timeout, processes, progress },
  ))
    outcomes.set(outcome.job, outcome);
  return jobs.map(job => outcomes.get(job)!);
};

/** Reads the notebooks, all of them before any is run. */
export const readJobs = (paths: readonly string[], parameters: ParameterValues = new Map()): readonly Job[] =>
  paths.map(path => ({ path, notebook: injectParameters(parseNotebook(readInput(path), path), parameters, path) }));

/** Prints what can be set in notebooks. */
export const listParameters = (paths: readonly string[]): void => {
  const lists = paths.map(path => {
    const notebook = parseNotebook(readInput(path), path);
    const tries = triesOf(notebook, path).flatMap(tryLines);
    const rows = parametersOf(notebook, path).map(({ name, type, initial, meaning, domain }) => [
      name,
      type,
      initial,
      domain === undefined ? type : formatDomain(domain),
      meaning,
    ]);
    const columns = ["parameter", "type", "default", "may be", "meaning"];
    const table = rows.length === 0 ? "no parameters" : tableText({ columns, rows });
    return [path, table, ...(tries.length === 0 ? [] : ["to try:", ...tries]), ""].join("\n");
  });
  process.stdout.write(lists.join("\n"));
};

/** Writes a notebook. One that cannot be written is told in a line and keeps no other from being written. */
const keeps = (path: string, notebook: Notebook): boolean => {
  try {
    writeWhole(path, emitNotebook(notebook));
    return true;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    console.error(error.message);
    return false;
  }
};

/** Runs notebooks as the command line asks. Returns whether all is well. */
export const run = async (paths: readonly string[], options: RunOptions): Promise<boolean> => {
  validate(paths, options);
  const outcomes = await executeFiles(readJobs(paths, options.parameters), options.timeout, options.jobs);
  let well = true;
  for (const outcome of outcomes) {
    const { path } = outcome.job;
    const target = options.update ? path : options.out === undefined ? undefined : join(options.out, basename(path));
    if (!outcome.ok) well = false;
    else if (target !== undefined) well = keeps(target, outcome.notebook) && well;
    else if (options.check) {
      const difference = differences(path, readInput(path), outcome.notebook);
      if (difference !== "") well = false;
      process.stdout.write(difference);
    } else process.stdout.write(`${path}\n${textOf(outcome.notebook)}\n`);
  }
  return well;
};
