import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { registerKernel } from "../../lib/course/jupyter.js";
import { type Notebook, type Output, parseNotebook } from "../../lib/course/nbformat.js";
import { hasTool } from "../tools.js";
import { canRunLinux } from "../linux/need.js";
import { egressLab, folder, root } from "./notebooks.js";

const notebooksOf = (path: string) =>
  readdirSync(join(root, path))
    .filter(name => name.endsWith(".ipynb"))
    .sort()
    .map(name => join(path, name));
const course = notebooksOf("notebooks");
const all = [...notebooksOf("test/course/fixtures/book"), ...course];

const read = (path: string): Notebook => parseNotebook(readFileSync(path, "utf8"), path);
const outputs = (notebook: Notebook): readonly (readonly Output[])[] =>
  notebook.cells.flatMap(cell => (cell.type === "code" ? [cell.outputs] : []));

const committed = suite("committed notebooks");

committed("are what a fresh run gives, to the byte but for pictures of charts", () => {
  const { code, stdout, stderr } = egressLab(root, "run", ...all, "--check");
  assert.is(code, 0, stdout + stderr);
});

committed("were executed from the first cell to the last", () => {
  for (const path of all) {
    const counts = read(join(root, path)).cells.flatMap(cell => (cell.type === "code" ? [cell.executionCount] : []));
    assert.equal(
      counts,
      counts.map((_, i) => i + 1),
      path,
    );
  }
});

committed("each have parameters, in the course", () => {
  for (const path of course)
    assert.ok(
      read(join(root, path)).cells.some(cell => cell.tags.includes("parameters")),
      `${path} has no parameters cell`,
    );
});

committed.run();

const jupyter = suite("Jupyter with the tslab kernel");

if (hasTool("jupyter-nbconvert", "apt-get install jupyter-nbconvert python3-nbclient")) {
  jupyter("gives the outputs that the runner gives", () => {
    const runnable = canRunLinux()
      ? all
      : all.filter(path => !read(join(root, path)).cells.some(({ tags }) => tags.includes("needs-linux")));
    const out = folder();
    const args = ["nbconvert", "--to", "notebook", "--execute", "--output-dir", out, ...runnable];
    const { status, stderr } = spawnSync("jupyter", args, { cwd: root, env: registerKernel(root), encoding: "utf8" });
    assert.is(status, 0, stderr);
    for (const path of runnable)
      assert.equal(outputs(read(join(out, basename(path)))), outputs(read(join(root, path))), path);
  });
}

jupyter.run();
