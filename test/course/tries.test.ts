import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { type Notebook, parseNotebook } from "../../lib/course/nbformat.js";
import { findingsOf, surprisesOf, triesOf } from "../../lib/course/tries.js";
import { notebook, parameters } from "./notebooks.js";

const declared = parameters('let nodes: number = 3; // of the cluster: 1 to 9\nlet sku: string = "Basic"; // its SKU');
const withText = (source: string): Notebook =>
  parseNotebook(notebook(declared, { source, type: "markdown" }), "a.ipynb");

const refusal = (line: string): string => {
  try {
    triesOf(withText(`## Try\n\n${line}`), "a.ipynb");
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  return "taken";
};

/** An executed notebook whose one cell printed these lines. */
const printed = (...lines: readonly string[]): Notebook => ({
  cells: [
    {
      type: "code",
      id: "a",
      tags: [],
      source: "",
      executionCount: 1,
      outputs: [{ output_type: "stream", name: "stdout", text: lines.join("\n") }],
    },
  ],
});

const reading = suite("triesOf");

reading("reads values, sentence and expected values from the list under Try", () => {
  const source = [
    "So much for `nodes = 3`.",
    "",
    "- `nodes = 4`: not under the heading",
    "",
    "## Try",
    "",
    '- `sku = "Standard"`, `nodes = 9` (on Linux): twice the ports (`ports of the node = 2048`,',
    "  `sources = [1, 2]`).",
    "- `nodes = 0`: refused with `from 1 to 9`.",
    "- `npm run differential`: left to the reader.",
    "",
    "## Further reading",
    "",
    "- `nodes = 5`: no longer under it",
  ].join("\n");
  const [standard, none, ...rest] = triesOf(withText(source), "a.ipynb");
  assert.equal(rest, []);
  assert.equal(
    [...standard!.values],
    [
      ["sku", "Standard"],
      ["nodes", 9],
    ],
  );
  assert.match(standard!.text, /^twice the ports .*\)\.$/);
  assert.equal(standard!.expected, [
    { claim: "ports of the node", got: "2048" },
    { claim: "sources", got: "[1, 2]" },
  ]);
  assert.is(standard!.refused, undefined);
  assert.is(none!.refused, "from 1 to 9");
});

reading("refuses a line that no program could check", () => {
  assert.match(refusal("- `node = 4`: more (`ports = 1`)."), '"node" is not a parameter; expected one of nodes, sku');
  assert.match(refusal("- `nodes = four`: more (`ports = 1`)."), '"four" is not a value');
  assert.match(refusal("- `nodes = 4`: more."), "says no expected value");
  assert.match(refusal("- `nodes = 4` more"), "cannot be read");
  assert.match(refusal("- `nodes = 4`, `npm start`: more (`ports = 1`)."), "sets something else");
});

const comparing = suite("surprisesOf");

comparing("holds the expected values against what the checks got", () => {
  const [tried] = triesOf(withText("## Try\n- `nodes = 4`: more (`ports = 8`, `TTL = 63`)."), "a");
  const run = (...lines: readonly string[]) => surprisesOf(tried!, { notebook: printed(...lines) });
  assert.equal(run("ok  ports: expected 8 (the table), got 8", "ok  TTL: expected 63, got 63"), []);
  assert.equal(run("ok  ports: expected 8, got 8", "ok  TTL: expected 64, got 64"), ["TTL: expected 63, got 64"]);
  assert.equal(run("ok  ports: expected 8, got 8"), ["TTL: expected 63, got no such check"]);
  assert.equal(surprisesOf(tried!, { message: "CheckError: no" }), ["CheckError: no"]);
});

comparing("holds a refusal against the message", () => {
  const [tried] = triesOf(withText("## Try\n- `nodes = 0`: refused with `from 1 to 9`."), "a");
  assert.equal(surprisesOf(tried!, { message: "nodes: 0 is refused; expected a whole number from 1 to 9" }), []);
  assert.match(surprisesOf(tried!, { message: "TypeError: x" })[0]!, "refused, but not with from 1 to 9: TypeError: x");
  assert.match(surprisesOf(tried!, { notebook: printed() })[0]!, "expected to be refused");
});

comparing("reads what checks got from the outputs", () => {
  assert.equal(findingsOf(printed("ok  a: expected 1, got 1", "text")), [{ claim: "a", got: "1" }]);
});

reading.run();
comparing.run();
