import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { emitNotebook, parseNotebook } from "../../lib/course/nbformat.js";
import { parametersOf } from "../../lib/course/declarations.js";
import { injectParameters } from "../../lib/course/parameters.js";
import { notebook, parameters } from "./notebooks.js";

const format = suite("notebook files");

const text = notebook(
  { source: "# Title", type: "markdown" },
  parameters("let n: number = 1;"),
  "console.log(n)",
  "console.log(n)",
);

format("are laid out the same however often they are read", () => {
  const once = emitNotebook(parseNotebook(text, "a"));
  assert.is(emitNotebook(parseNotebook(once, "a")), once);
  assert.ok(once.endsWith("}\n"));
});

format("give equal cells ids of their own, which survive edits elsewhere", () => {
  const ids = parseNotebook(text, "a").cells.map(cell => cell.id);
  assert.is(new Set(ids).size, ids.length);
  const edited = parseNotebook(notebook("new", { source: "# Title", type: "markdown" }), "a");
  assert.is(edited.cells[1]?.id, ids[0]);
});

format("keep outputs as they are, JSON whole and text by lines", () => {
  const data = {
    "text/plain": ["a\n", "b"],
    "application/vnd.vegalite.v5+json": { b: [1, "x"], a: null },
    "image/png": "aGk=",
  };
  const output = { output_type: "display_data", data, metadata: { "image/png": { alt: "words" } } };
  const cell = {
    cell_type: "code",
    metadata: {},
    source: [],
    execution_count: 1,
    outputs: [output, { output_type: "stream", name: "stdout", text: "hi\n" }],
  };
  const file = JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "tslab" } },
    cells: [cell],
  });
  const emitted = JSON.parse(emitNotebook(parseNotebook(file, "a"))) as {
    cells: readonly [{ outputs: readonly unknown[] }];
  };
  assert.equal(emitted.cells[0].outputs, [output, { output_type: "stream", name: "stdout", text: ["hi\n"] }]);
});

const mutated = fc
  .tuple(fc.nat(text.length), fc.nat(20), fc.string())
  .map(([at, cut, put]) => text.slice(0, at) + put + text.slice(at + cut));
const nodes = fc.constantFrom(
  "cells",
  "cell_type",
  "source",
  "metadata",
  "tags",
  "outputs",
  "nbformat",
  "kernelspec",
  "id",
);
const shaken = fc.tuple(nodes, fc.jsonValue()).map(([key, value]) => {
  const replace = (name: string, old: unknown): unknown => (name === key ? value : old);
  return JSON.stringify(JSON.parse(text, replace));
});

format("are read or refused with an InputError, whatever they hold", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), mutated, shaken), content => {
      try {
        const read = parseNotebook(content, "a");
        parametersOf(read, "a");
        injectParameters(read, new Map([["n", { text: "2" }]]), "a");
        emitNotebook(read);
      } catch (error) {
        assert.instance(error, InputError);
      }
    }),
  );
});

format("survive whatever their parameters cell holds", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[let a:=;"'`()[\]{}/*\n|>0-9]{0,60}$/)), source => {
      try {
        parametersOf(parseNotebook(notebook(parameters(source)), "a"), "a");
      } catch (error) {
        assert.instance(error, InputError);
      }
    }),
  );
});

/** What takes minutes where each part is compared with all before it. */
format("are read in time in proportion to their length", () => {
  const same = parseNotebook(
    JSON.stringify({
      ...JSON.parse(notebook()),
      cells: Array.from({ length: 60_000 }, () => ({ cell_type: "markdown", id: "a", metadata: {}, source: "x" })),
    }),
    "a",
  );
  assert.is(new Set(same.cells.map(({ id }) => id)).size, 60_000);
  const n = 200_000;
  for (const source of [
    `let a${" ".repeat(n)}= 1;`,
    `let a: number${"\n".repeat(n)}= 1;`,
    "/*".repeat(n),
    "`".repeat(n + 1),
    `let a: number = 1; // ${": ".repeat(n)}`,
    `let a: string = "${"x".repeat(10_000_000)}";`,
  ])
    try {
      parametersOf(parseNotebook(notebook(parameters(source)), "a"), "a");
    } catch (error) {
      assert.instance(error, InputError);
    }
});

format("nested without end are refused in one line", () => {
  for (const deep of ["[".repeat(100_000) + "]".repeat(100_000), `{"a":`.repeat(100_000) + "1" + "}".repeat(100_000)]) {
    const whole = `{"nbformat": 4, "metadata": {"x": ${deep}}, "cells": []}`;
    for (const text of [deep, whole])
      try {
        parseNotebook(text, "a");
        assert.unreachable();
      } catch (error) {
        assert.instance(error, InputError);
        assert.match((error as Error).message, /nested too deeply; expected at most 500 levels/);
      }
  }
});

format.run();
