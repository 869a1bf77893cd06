import { inspect } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkSeed, known, seconds, secondsAbove0, wholeNumber } from "../lib/checks.js";
import { InputError, refuse } from "../lib/errors.js";
import { message } from "./message.js";

const errors = suite("an error of the author's");

errors("is one line, without a stack, that says where, what, why and what would be right", () => {
  const error = new InputError({ where: "a.b", value: "x\ny", problem: "is not right", expected: "z" });
  assert.is(error.message, 'a.b: "x\\ny" is not right; expected z');
  assert.is(inspect(error), `InputError: ${error.message}`);
});

errors("shows a value as one would write it", () => {
  const shown = (value: unknown) =>
    message(() => refuse("v", value, "is wrong", "right")).slice(3, -" is wrong; expected right".length);
  assert.equal([null, undefined, NaN, -Infinity, 0.5, true, [1], { a: 1 }].map(shown), [
    "null",
    "undefined",
    "NaN",
    "-Infinity",
    "0.5",
    "true",
    "[1]",
    '{"a":1}',
  ]);
  assert.is(shown("long ".repeat(40)).length, 80);
});

errors.run();

const checks = suite("checks");

checks("a whole number of a range", () => {
  const nodes = (value: number, most = 5) => wholeNumber("nodes", value, { least: 1, most }, "nodes");
  assert.is(nodes(5), 5);
  assert.is(
    message(() => nodes(6)),
    "nodes: 6 is out of range; expected 1 to 5 nodes",
  );
  assert.is(
    message(() => nodes(1.5)),
    "nodes: 1.5 is not a whole number; expected 1 to 5 nodes",
  );
  assert.is(
    message(() => nodes(0, Infinity)),
    "nodes: 0 is out of range; expected 1 or more nodes",
  );
});

checks("a seed that a generator takes whole", () => {
  for (const seed of [-(2 ** 31), 0, 2 ** 31 - 1]) assert.is(checkSeed("seed", seed), seed);
  assert.match(
    message(() => checkSeed("seed", 2 ** 31)),
    /^seed: 2147483648 is out of range; expected -2147483648 to 2147483647/,
  );
});

checks("a length of time", () => {
  assert.is(seconds("t", 0), 0);
  assert.is(secondsAbove0("t", 1e-9), 1e-9);
  for (const value of [-1, NaN, Infinity])
    assert.is(
      message(() => seconds("t", value)),
      `t: ${value} is not a length of time; expected seconds, 0 or more`,
    );
  assert.is(
    message(() => secondsAbove0("t", 0)),
    "t: 0 is not a length of time; expected seconds above 0",
  );
});

checks("names that are known, not all of hundreds", () => {
  assert.is(known([]), "none, as there is none");
  assert.is(known(["a", "b"]), "a, b");
  const many = Array.from({ length: 12 }, (_, i) => `n${i}`);
  assert.is(known(many), "n0, n1, n2, n3, n4, n5, n6, n7 ... (12 in all)");
});

checks.run();
