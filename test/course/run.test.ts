import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseNotebook } from "../../lib/course/nbformat.js";
import { type CellSource, egressLab, egressLabIn, folder, notebook, parameters, root } from "./notebooks.js";

const read = (path: string) => parseNotebook(readFileSync(path, "utf8"), path);
const codeOf = (path: string) => read(path).cells.flatMap(cell => (cell.type === "code" ? [cell] : []));
const streamsOf = (path: string) =>
  codeOf(path).map(cell => cell.outputs.map(output => (output.output_type === "stream" ? output.text : "")).join(""));

const plain = notebook(
  { source: "# Nodes", type: "markdown" },
  parameters(
    'let nodes: number = 3;\n// which plugin\nlet plugin: "azure" | "kubenet" = "azure";\nlet version: string = "1.11";',
  ),
  'import { cidr, cidrSize } from "egress-lab";\nconsole.log(nodes, plugin, version);',
  'cidrSize(cidr("10.0.0.0/24")) * nodes',
);

const updating = suite("run --update");

updating("executes, numbers and lays out a notebook, and --check then finds it true", () => {
  const cwd = folder({ "a.ipynb": plain });
  const updated = egressLab(cwd, "run", "a.ipynb", "--update");
  assert.is(updated.code, 0, updated.stderr);
  assert.equal(
    codeOf(join(cwd, "a.ipynb")).map(cell => cell.executionCount),
    [1, 2, 3],
  );
  assert.equal(streamsOf(join(cwd, "a.ipynb")), ["", "3 azure 1.11\n", "768\n"]);
  const bytes = readFileSync(join(cwd, "a.ipynb"), "utf8");
  const ids = [...bytes.matchAll(/"id": "(.*)"/g)].map(match => match[1]);
  assert.is(new Set(ids).size, 4);

  const checked = egressLab(cwd, "run", "a.ipynb", "--check");
  assert.is(checked.code, 0, checked.stdout);
  assert.is(checked.stdout, "");
  assert.is(readFileSync(join(cwd, "a.ipynb"), "utf8"), bytes);

  writeFileSync(join(cwd, "a.ipynb"), bytes.replace("768", "769"));
  const differs = egressLab(cwd, "run", "a.ipynb", "--check");
  assert.is(differs.code, 1);
  assert.match(differs.stdout, /^-769$/m);
  assert.match(differs.stdout, /^\+768$/m);

  writeFileSync(join(cwd, "a.ipynb"), bytes.replace(/\n +/g, "\n"));
  const untidy = egressLab(cwd, "run", "a.ipynb", "--check");
  assert.is(untidy.code, 1);
  assert.match(untidy.stdout, "not laid out as --update writes them");
});

updating("keeps the outputs of a notebook that needs a kernel where there is none, and says why", () => {
  const needy = notebook(
    { source: "let nodes: number = 3;", tags: ["parameters", "needs-linux"] },
    "console.log(nodes)",
  );
  const cwd = folder({ "kernel.ipynb": needy });
  const { CI: _, ...env } = process.env;
  const bare = { ...env, PATH: "/nowhere" };
  const kept = egressLabIn(bare, cwd, "run", "kernel.ipynb", "--out", "kept");
  assert.is(kept.code, 0, kept.stdout + kept.stderr);
  assert.equal(streamsOf(join(cwd, "kept/kernel.ipynb")), ["", ""]);
  assert.match(
    kept.stderr,
    /^kept {2}kernel\.ipynb, as it is in the file: the linux engine (lacks .*: apt-get install|needs Linux)/m,
  );
  egressLabIn({ ...bare, CI: "true" }, cwd, "run", "kernel.ipynb", "--out", "run");
  assert.equal(streamsOf(join(cwd, "run/kernel.ipynb")), ["", "3\n"], "in CI it is run");
});

updating.run();

const parameterising = suite("run -p");

parameterising("sets parameters after their cell, replacing those set before", () => {
  const cwd = folder({ "a.ipynb": plain, "p.yaml": "nodes: 4\nplugin: kubenet\n" });
  const first = egressLab(
    cwd,
    "run",
    "a.ipynb",
    "-f",
    "p.yaml",
    "-p",
    "nodes",
    "5",
    "-p",
    "version",
    "1.10",
    "--out",
    "out",
  );
  assert.is(first.code, 0, first.stderr);
  const out = join(cwd, "out/a.ipynb");
  assert.equal(streamsOf(out), ["", "", "5 kubenet 1.10\n", "1280\n"]);
  assert.is(codeOf(out)[1]?.source, '// Parameters\nnodes = 5;\nplugin = "kubenet";\nversion = "1.10";\nvoid 0;');
  assert.equal(codeOf(out)[1]?.tags, ["injected-parameters"]);
  assert.is(readFileSync(join(cwd, "a.ipynb"), "utf8"), plain);

  const again = egressLab(cwd, "run", "out/a.ipynb", "-p", "nodes", "7");
  assert.is(again.code, 0, again.stderr);
  assert.match(again.stdout, "7 azure 1.11");
  assert.match(again.stdout, "1792");
});

parameterising("refuses a value that is not what the type says, in one line, before anything runs", () => {
  const cwd = folder({ "a.ipynb": plain, "p.yaml": "nodes: .inf\n" });
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["-p", "nodes", "five"], 'a.ipynb: parameter nodes: "five" is not of its type; expected number'],
    [
      ["-p", "nodes", "1e999"],
      'a.ipynb: parameter nodes: "1e999" does not keep its digits as a number; expected number',
    ],
    [
      ["-p", "plugin", "calico"],
      'a.ipynb: parameter plugin: "calico" is not of its type; expected "azure" | "kubenet"',
    ],
    [
      ["-f", "p.yaml"],
      'p.yaml: nodes: ".inf" has more than one reading; expected decimal numbers, true, false, null, texts (in quotes where in doubt) and lists of them',
    ],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = egressLab(cwd, "run", "a.ipynb", ...args);
    assert.is(stderr, `${expected}\n`);
    assert.is(code, 2);
    assert.is(stdout, "");
  }
});

parameterising("shows them with types, ranges and defaults", () => {
  const cwd = folder({
    "a.ipynb": notebook(
      parameters(
        'let maxPods: number = 30; // pods per node: 30 to 250\nlet sku: string = "Basic"; // "Basic" or "Standard"\nlet far: number | null = null;',
      ),
    ),
    "none.ipynb": notebook("1"),
    "try.ipynb": notebook(parameters('let nodes: number = 1;\nlet name: string = "a";'), {
      type: "markdown",
      source: `## Try\n\n- \`nodes = 2\`, \`name = "it\'s b"\`: twice as many (\`nodes = 2\`)${", and so on".repeat(9)}.`,
    }),
  });
  const { code, stdout, stderr } = egressLab(cwd, "run", "a.ipynb", "none.ipynb", "try.ipynb", "--list");
  assert.is(code, 0, stderr);
  assert.is(
    stdout,
    `a.ipynb
parameter  type           default  may be                         meaning
---------  -------------  -------  -----------------------------  -------------
maxPods    number         30       a whole number from 30 to 250  pods per node
sku        string         "Basic"  "Basic" or "Standard"
far        number | null  null     number | null

none.ipynb
no parameters

try.ipynb
parameter  type    default  may be  meaning
---------  ------  -------  ------  -------
nodes      number  1        number
name       string  "a"      string
to try:
  -p nodes 2 -p name 'it'\\''s b'
      twice as many (nodes = 2), and so on, and so on, and so on, and so on, and so on, and so on,
      and so on, and so on, and so on.
`,
  );
});

parameterising("lists the known parameters", () => {
  const cwd = folder({ "a.ipynb": plain, "none.ipynb": notebook("1") });
  const unknown = egressLab(cwd, "run", "a.ipynb", "-p", "node", "5");
  assert.is(unknown.code, 2);
  assert.is(unknown.stderr, 'a.ipynb: parameter: "node" is not known; expected one of nodes, plugin, version\n');
  const none = egressLab(cwd, "run", "none.ipynb", "-p", "nodes", "5");
  assert.match(none.stderr, "no cell tagged parameters");
});

parameterising("refuses a cell whose values could not be set", () => {
  for (const source of [
    "const nodes: number = 3;",
    "let nodes = 3;",
    "let f: () => number = () => 3;",
    "let a: number = 1;\nfunction f() {}",
  ]) {
    const cwd = folder({ "a.ipynb": notebook(parameters(source)) });
    const { code, stderr } = egressLab(cwd, "run", "a.ipynb");
    assert.is(code, 2);
    assert.match(stderr, /parameters cell: .* is not a parameter; expected only let name: type = value;/);
  }
});

parameterising("accepts values over several lines and comments", () => {
  const source =
    'let pods: readonly number[] = [ // per node\n  1,\n  2,\n];\n/* the ; SKU */ let sku: string = "a;b"\nlet far: number | null = null;';
  const cwd = folder({ "a.ipynb": notebook(parameters(source), "console.log(pods.length, sku, far)") });
  const { code, stdout, stderr } = egressLab(cwd, "run", "a.ipynb", "-p", "pods", "[4, 5, 6]", "-p", "far", "7");
  assert.is(code, 0, stderr);
  assert.match(stdout, "3 a;b 7");
});

parameterising("keeps parameters out of the notebook's own outputs", () => {
  const cwd = folder({ "a.ipynb": plain });
  for (const way of ["--check", "--update"]) {
    const { code, stderr } = egressLab(cwd, "run", "a.ipynb", way, "-p", "nodes", "5");
    assert.is(code, 2);
    assert.match(stderr, "would change what is kept in the notebook");
  }
});

parameterising.run();

const failing = suite("a failing cell");

/** Runs a notebook that must fail within a time for each cell, checking that nothing is written. */
const failsIn = (timeout: number, ...cells: readonly CellSource[]) => {
  const text = notebook(...cells);
  const cwd = folder({ "a.ipynb": text });
  const updated = egressLab(cwd, "run", "a.ipynb", "--update", "--timeout", String(timeout));
  assert.is(updated.code, 1, updated.stderr);
  assert.is(readFileSync(join(cwd, "a.ipynb"), "utf8"), text);
  assert.equal(readdirSync(cwd), ["a.ipynb"]);
  assert.not.match(updated.stderr, root);
  return updated.stderr;
};
const fails = (...cells: readonly CellSource[]) => failsIn(120, ...cells);

failing("is shown with its number, its source and a message without machine paths", () => {
  const stderr = fails(
    "const a = 1;",
    { source: "text", type: "markdown" },
    'const f = () => { throw new Error("no route"); };\nf();',
    "console.log('never')",
  );
  assert.match(
    stderr,
    'FAIL  a.ipynb, cell 2:\n    const f = () => { throw new Error("no route"); };\n    f();\n\n    Error: no route\n',
  );
});

failing("may fail its check", () => {
  assert.match(
    fails('import { check } from "egress-lab-course";\ncheck("the source", "10.13.76.4", "10.13.76.13");'),
    "    CheckError: the source: expected 10.13.76.13, got 10.13.76.4\n",
  );
});

failing("may not compile", () => {
  assert.match(fails('const n: number = "3";'), "    1:7 - Type 'string' is not assignable to type 'number'.\n");
});

failing("may leave a rejected promise behind, at once or later", () => {
  assert.match(fails('void Promise.reject(new Error("lost"));', "1"), /cell 1:[^]*that no cell awaits: Error: lost/);
  assert.match(
    fails('setTimeout(() => { throw new Error("late"); }, 100); 0;'),
    /cell 1:[^]*that no cell awaits: Error: late/,
  );
});

failing("may hang", () => {
  const message = /cell 2:\n    .*\n\n    still running after 3 s \(--timeout\), so its kernel was stopped\n/;
  assert.match(failsIn(3, "1", "while (true) {}"), message);
  assert.match(failsIn(3, "1", "await new Promise(() => undefined);"), message);
});

failing("may end its kernel", () => {
  assert.match(fails("process.exit(0);"), "the cell ended its kernel (exit code 0); a cell must not call process.exit");
});

failing("does not keep other notebooks from being executed; without a terminal each is told in one line", () => {
  const cwd = folder({ "a.ipynb": notebook("throw 1"), "b.ipynb": notebook("console.log('b')", "1", "2") });
  const { code, stdout, stderr } = egressLab(cwd, "run", "a.ipynb", "b.ipynb", "-j", "1");
  assert.is(code, 1);
  assert.match(stdout, "    b\n");
  assert.match(stderr, /^FAIL {2}a\.ipynb, cell 1:\n    throw 1\n\n    [^]*?\nok    b\.ipynb \([\d.]+ s\)\n$/);
});

failing.run();

const isolation = suite("notebooks in one process");

isolation("share neither variables nor globals", () => {
  const cwd = folder({
    "1.ipynb": notebook(
      "let seen = 1; const only = 2;",
      "Array.prototype.at = () => 5; process.env.SEEN = 'yes'; (globalThis as any).seen = 1; void 0;",
    ),
    "2.ipynb": notebook(
      "console.log(typeof (globalThis as any).seen, process.env.SEEN, [1].at(0));",
      "let seen = 'text'; console.log(seen)",
    ),
    "3.ipynb": notebook("console.log(only)"),
    "4.ipynb": notebook("console.log(process.pid); setInterval(() => undefined, 1000); void 0;"),
    "5.ipynb": notebook("console.log(process.pid)"),
    "6.ipynb": notebook("console.log(process.pid)"),
  });
  const { stdout, stderr } = egressLab(cwd, "run", ...readdirSync(cwd).sort(), "-j", "1");
  assert.match(stdout, "undefined undefined 1");
  assert.match(stderr, "FAIL  3.ipynb, cell 1:\n    console.log(only)\n\n    1:13 - Cannot find name 'only'.");
  const [fourth, fifth, sixth] = [...stdout.matchAll(/^ +(\d{2,})$/gm)].map(match => match[1]);
  assert.is.not(fourth, fifth);
  assert.is(fifth, sixth, "a kernel that is as it was is used again");
});

isolation.run();

const input = suite("bad input");

input("is reported in one line before anything runs", () => {
  const cwd = folder({
    "good.ipynb": plain,
    "text.ipynb": "hello",
    "old.ipynb": '{"nbformat": 3}',
    "python.ipynb": '{"nbformat": 4, "metadata": {"kernelspec": {"name": "python3"}}, "cells": []}',
    "cells.ipynb":
      '{"nbformat": 4, "metadata": {"kernelspec": {"name": "tslab"}}, "cells": [{"cell_type": "codes", "source": ""}]}',
    "list.yaml": "- 1\n",
  });
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["text.ipynb"], 'text.ipynb: "hello" is not JSON; expected a Jupyter notebook (nbformat 4)'],
    [["old.ipynb"], "old.ipynb: nbformat: 3 is not a format that can be read; expected 4"],
    [["python.ipynb"], 'python.ipynb: metadata.kernelspec.name: "python3" is another kernel; expected tslab'],
    [["cells.ipynb"], 'cells.ipynb: cells[0].cell_type: "codes" is not a kind of cell; expected code, markdown or raw'],
    [["none.ipynb"], 'file: "none.ipynb" cannot be read (ENOENT); expected a readable file'],
    [["-f", "list.yaml"], 'list.yaml: "- 1" is not a mapping; expected lines name: value'],
    [["-p", "nodes"], '-p: "nodes" is incomplete; expected -p name value'],
    [["--check", "--update"], 'options: "--check --update" exclude each other; expected one of them'],
    [["--out", "."], '--out: "." is the notebook\'s own folder; expected another folder, or --update'],
    [
      ["--timeout", "0"],
      "error: option '--timeout <seconds>' argument '0' is invalid. It is a time in seconds above 0.",
    ],
  ];
  for (const [args, expected] of cases) {
    const { code, stdout, stderr } = egressLab(cwd, "run", "good.ipynb", ...args);
    assert.is(stderr, `${expected}\n`);
    assert.is(code, 2);
    assert.is(stdout, "");
  }
  assert.is(readFileSync(join(cwd, "good.ipynb"), "utf8"), plain);
  assert.not.ok(existsSync(join(cwd, "out")));
});

input("of Node too old is told in one line, before anything else", () => {
  const old = `Object.defineProperty(process.versions, "node", { value: "22.11.0" });`;
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(old)}`, join(root, "lib/bin/egress-lab.js"), "run", "x"],
    { encoding: "utf8" },
  );
  assert.is(stderr, "egress-lab: Node 22.11.0 is too old; it needs ^20.19.0 || >=22.12.0\n");
  assert.is(status, 2);
});

input("is none where the version is asked for", () => {
  const { version } = JSON.parse(readFileSync(join(root, "lib/package.json"), "utf8")) as { readonly version: string };
  assert.equal(egressLab(root, "--version"), { code: 0, stdout: `${version}\n`, stderr: "" });
});

input.run();
