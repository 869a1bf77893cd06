import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseNotebook } from "../../lib/notebook/nbformat.js";
import { injectParameters } from "../../lib/notebook/parameters.js";
import { canRunLinux } from "../linux/need.js";
import { root } from "./notebooks.js";

/** Kernel processes are compiled code: the library is taken from there. */
const { executeAll } = (await import(
  new URL("../../lib/dist/notebook/batch.js", import.meta.url).href
)) as typeof import("../../lib/notebook/batch.js");

const folder = join(root, "notebooks");
const course = readdirSync(folder)
  .filter(name => name.endsWith(".ipynb"))
  .sort()
  .map(name => join(folder, name));

/** A notebook with other parameters, `nodes = 51 seed = 2`, and whether its checks then hold. */
interface Edit {
  readonly path: string;
  readonly edit: string;
  readonly holds: boolean;
}

const read = (path: string) => parseNotebook(readFileSync(path, "utf8"), path);
const assignment = /(\w+) = ("[^"]*"|[\w.]+)/g;

const jobOf = ({ path, edit }: Edit) => {
  const values = new Map(
    [...edit.matchAll(assignment)].map(([, name, value]) => [name!, { value: JSON.parse(value!) }]),
  );
  return { path, notebook: injectParameters(read(path), values, path) };
};

/** What became of edits otherwise than they say, each in one line. */
const surprises = async (edits: readonly Edit[]): Promise<readonly string[]> => {
  const outcomes = await executeAll(edits.map(jobOf), {
    timeout: 120,
    processes: 2,
    progress: { cell: () => undefined, done: () => undefined },
  });
  return outcomes.flatMap((outcome, i) => {
    const { path, edit, holds } = edits[i]!;
    const said = outcome.ok ? "every check holds" : outcome.failure.message;
    const expected = holds ? outcome.ok : /^(?:CheckError|InputError): /m.test(said);
    return expected ? [] : [`${path}: ${edit}: ${said}`];
  });
};

/** The edits that a notebook proposes at its end: ``- `name = value`, `other = value`: what happens``. */
const proposed = (path: string): readonly Edit[] =>
  read(path)
    .cells.filter(({ type, source }) => type === "markdown" && source.startsWith("## Try"))
    .flatMap(({ source }) => source.split("\n"))
    .flatMap(line => {
      const [, edit] = /^- ((?:(?:, | with )?`\w+ = [^`]+`)+)/.exec(line) ?? [];
      return edit === undefined ? [] : [{ path, edit, holds: !/refused|check (?:fails|that)/i.test(line) }];
    });

const test = suite("a notebook with other parameters");

test("does what its last lines say", async () => {
  const linux = canRunLinux();
  const edits = course
    .filter(path => linux || !read(path).cells.some(({ tags }) => tags.includes("needs-linux")))
    .flatMap(proposed)
    .filter(({ edit }) => linux || !edit.includes('"linux"'));
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

test("holds what it claims as far as they may go", async () => {
  const edits = Object.entries(farEdits).flatMap(([number, list]) =>
    list.map(edit => ({ path: course.find(path => path.startsWith(join(folder, number)))!, edit, holds: true })),
  );
  assert.equal(await surprises(edits), []);
});

test.run();
