import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), "utf8");
const { scripts, engines } = JSON.parse(read("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly engines: { readonly node: string };
};

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly "runs-on": string;
  readonly needs?: string;
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly (string | number)[]>> };
  readonly steps: readonly Step[];
}

const workflow = parse(read(".github/workflows/test.yml")) as {
  readonly on: object;
  readonly jobs: Readonly<Record<string, Job>>;
};

/** Windows has none of its own. */
const shell = process.platform !== "win32";

const test = suite("what the workshop is told");

test("the workflow runs scripts and files that are there", () => {
  const runs = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  assert.ok(runs.length >= 8);
  for (const run of runs) {
    for (const [, script] of run.matchAll(/npm run (?:-s )?([\w:]+)/g)) assert.ok(script! in scripts, run);
    for (const [, script] of run.matchAll(/npm (start|test)\b/g)) assert.ok(script! in scripts, run);
    for (const [, file] of run.matchAll(/bash (\S+)/g)) assert.ok(existsSync(join(root, file!)), run);
    if (shell) assert.is(spawnSync("sh", ["-nc", run.replaceAll(/\$\{\{.*?\}\}/g, "x")]).status, 0, run);
  }
});

test("each of its jobs names a machine, steps that do something, and jobs before it that exist", () => {
  for (const [name, { "runs-on": machine, needs, steps, strategy }] of Object.entries(workflow.jobs)) {
    assert.type(machine, "string", name);
    if (needs !== undefined) assert.ok(needs in workflow.jobs, name);
    for (const { uses, run } of steps) assert.is((uses === undefined) !== (run === undefined), true, name);
    for (const [, variable] of JSON.stringify({ machine, steps }).matchAll(/\$\{\{ matrix\.(\w+) \}\}/g))
      assert.ok(strategy !== undefined && variable! in strategy.matrix, `${name} ${variable}`);
  }
});

test("it covers three platforms, a user without rights, and each Node that the packages promise", () => {
  const { user, "linux-root": asRoot } = workflow.jobs;
  assert.equal(user!.strategy!.matrix["os"], ["ubuntu-latest", "macos-latest", "windows-latest"]);
  for (const job of [user!, asRoot!]) assert.equal(job.strategy!.matrix["node"], [20, 22, 24]);
  assert.is(engines.node, "^20.19.0 || >=22.12.0");
});

test("the container's settings and its install script can be read", () => {
  const settings = JSON.parse(read(".devcontainer/devcontainer.json").replace(/^\s*\/\/.*$/gm, "")) as {
    readonly image: string;
    readonly postCreateCommand: string;
  };
  assert.match(settings.image, /^mcr\.microsoft\.com\/devcontainers\//);
  const [, script] = /^bash (\S+)$/.exec(settings.postCreateCommand)!;
  assert.ok(existsSync(join(root, script!)));
  if (shell) assert.is(spawnSync("bash", ["-n", join(root, script!)]).status, 0);
});

test("the guide for contributors names scripts and files that are there", () => {
  const guide = read(".github/CONTRIBUTING.md");
  for (const [, script] of guide.matchAll(/npm run (\w+)/g)) assert.ok(script! in scripts, script);
  for (const [, file] of guide.matchAll(/\]\(\.\.\/([^)#:]+)\)/g)) assert.ok(existsSync(join(root, file!)), file);
  for (const [, file] of guide.matchAll(/`((?:lib|test)\/[\w/]+\.ts)`/g))
    assert.ok(existsSync(join(root, file!)), file);
});

test.run();
