import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formatAssumptions } from "../../lib/render/assumptionsText.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";

const test = suite("formatAssumptions");

test("tells name, value, reason and source", () => {
  const text = formatAssumptions([{ name: "era", value: "2018", why: "Which rule?", source: "a page" }]);
  assert.is(text, "era = 2018\n    Which rule?\n    source: a page");
});

test("tells all of a network's, in lines of at most 100 columns", () => {
  const { assumptions } = build(articleScenario);
  const lines = formatAssumptions(assumptions).split("\n");
  assert.ok(assumptions.every(({ name, value }) => lines.some(line => `${name} = ${value}`.startsWith(line))));
  assert.ok(lines.every(line => line.length <= 100 && line.trim() !== ""));
});

test.run();
