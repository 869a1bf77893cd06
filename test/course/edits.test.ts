import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import type { Job } from "../../lib/course/batch.js";
import { parametersOf, readLiteral } from "../../lib/course/declarations.js";
import { parseNotebook } from "../../lib/course/nbformat.js";
import { injectParameters } from "../../lib/course/parameters.js";
import { type Tried, type Try, surprisesOf, triesOf } from "../../lib/course/tries.js";
import { canRunLinux } from "../linux/need.js";
import { root } from "./notebooks.js";

/** Kernel processes are compiled code: the library is taken from there. */
const { executeAll } = (await import(
  new URL("../../lib/course/dist/batch.js", import.meta.url).href
)) as typeof import("../../lib/course/batch.js");

const folder = join(root, "notebooks");
const course = readdirSync(folder)
  .filter(name => name.endsWith(".ipynb"))
  .sort()
  .map(name => join(folder, name));

const read = (path: string) => parseNotebook(readFileSync(path, "utf8"), path);

/** A notebook with other values, and what should come of it. */
interface Edit extends Try {
  readonly path: string;
}

/** What comes of edits: each executed notebook, or the message that ended it. */
const outcomesOf = async (edits: readonly Edit[]): Promise<readonly Tried[]> => {
  const jobs = edits.map(({ path, values }): Job | { readonly message: string } => {
    const given = new Map([...values].map(([name, value]) => [name, { value }]));
    try {
      return { path, notebook: injectParameters(read(path), given, path) };
    } catch (error) {
      if (error instanceof InputError) return { message: error.message };
      throw error;
    }
  });
  const outcomes = await executeAll(
    jobs.filter(job => "path" in job),
    { timeout: 120, processes: 2, progress: { cell: () => undefined, done: () => undefined } },
  );
  return jobs.map(job => {
    if ("message" in job) return job;
    const outcome = outcomes.find(each => each.job === job)!;
    return outcome.ok ? outcome : outcome.failure;
  });
};

/** What came of edits otherwise than they say, each in one line. */
const surprises = async (edits: readonly Edit[]): Promise<readonly string[]> => {
  const outcomes = await outcomesOf(edits);
  return edits.flatMap((edit, i) => {
    const values = JSON.stringify(Object.fromEntries(edit.values));
    return surprisesOf(edit, outcomes[i]!).map(surprise => `${edit.path}: ${values}: ${surprise}`);
  });
};

const test = suite("a notebook with other parameters");

test("declares what each parameter means and may be", () => {
  const bare = course.flatMap(path =>
    parametersOf(read(path), path)
      .filter(
        ({ meaning, type, domain }) =>
          meaning === "" || (!["string", "boolean"].includes(type) && domain === undefined),
      )
      .map(({ name }) => `${path}: ${name}`),
  );
  assert.equal(bare, []);
});

test("names the evidence of every check, and compares more than true with true", () => {
  const bare = course.flatMap(path =>
    read(path)
      .cells.flatMap(cell => (cell.type === "code" ? cell.outputs : []))
      .flatMap(output => (output.output_type === "stream" ? output.text.split("\n") : []))
      .filter(line => line.startsWith("ok  ") && (!/\), got /.test(line) || /: expected (?:true|false) /.test(line)))
      .map(line => `${path}: ${line}`),
  );
  assert.equal(bare, []);
});

test("does what its last lines say", async () => {
  const linux = canRunLinux();
  const edits = course
    .filter(path => linux || !read(path).cells.some(({ tags }) => tags.includes("needs-linux")))
    .flatMap(path => triesOf(read(path), path).map((tried): Edit => ({ path, ...tried })))
    .filter(({ values }) => linux || values.get("engine") !== "linux");
  assert.ok(edits.length > 25);
  assert.equal(await surprises(edits), []);
});

/** Edits to the ends of what parameters may be: all that is claimed is still so. */
const farEdits: Readonly<Record<string, readonly string[]>> = {
  "01": ["azureMaxPods = 250 kubenetMaxPods = 15"],
  "02": ["maxPods = 250"],
  "03": ['sku = "Standard" outboundIps = 100'],
  "04": ['frontendSelection = "random" seed = 6'],
  "06": ["maxPods = 15", "maxPods = 250"],
  "07": ["nodeCount = 251"],
  "08": ["azureMaxPods = 250 kubenetNodes = 251"],
  "09": [
    "podsPerNode = 0",
    "podsPerNode = 240",
    "connectionsPerPod = 1",
    'sku = "Standard" frontends = 100 nodeCount = 51',
  ],
  "11": ["podsPerNode = 250", "connectionsPerMinute = 60", "nodes = 1000", "nodes = 1000 podsPerNode = 1"],
  "12": ["podsPerNode = 250", "podsPerNode = 1"],
  "13": [
    "podsPerNode = 1",
    "connectionsPerMinute = 1",
    "nodes = 1",
    "nodes = 999 podsPerNode = 1 connectionsPerMinute = 1",
  ],
  "14": [
    "podsPerNode = 1",
    "podsPerNode = 250",
    "nodes = 1 maxNodes = 1 surgePercent = 1",
    "target = 0.000001",
    "destinations = 16",
  ],
  "15": ["nodes = 1", "nodes = 50 busyNodes = 0", "busyNodes = 20", "podsPerNode = 1"],
};

/** `nodes = 51 seed = 2` */
const valuesOf = (edit: string): Try["values"] =>
  new Map([...edit.matchAll(/(\w+) = ("[^"]*"|[\w.]+)/g)].map(([, name, value]) => [name!, readLiteral(value!)!]));

test("holds what it claims as far as they may go", async () => {
  const edits = Object.entries(farEdits).flatMap(([number, list]) => {
    const path = course.find(each => each.startsWith(join(folder, number)))!;
    return list.map((text): Edit => ({ path, values: valuesOf(text), text, expected: [] }));
  });
  assert.equal(await surprises(edits), []);
});

test.run();
