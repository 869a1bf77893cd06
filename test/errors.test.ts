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

errors("is short, however long the input that it quotes", () => {
  const long = "x".repeat(100_000);
  assert.ok(new InputError({ where: long, value: long, problem: long, expected: long }).message.length < 2000);
});

errors("shows what JSON has not, and stays one line whatever stands in its parts", () => {
  const shown = (value: unknown) => message(() => refuse("v", value, "is wrong", "right"));
  const circle: { self?: unknown } = {};
  circle.self = circle;
  let deep: unknown = 0;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assert.match(shown(1n), /^v: "1n" is wrong/);
  assert.match(shown({ a: [2n] }), /^v: \{"a":\["2n"\]\} is wrong/);
  for (const value of [circle, deep]) assert.match(shown(value), /^v: a value of type object is wrong/);
  for (const value of [() => 1, Symbol("x")]) assert.match(shown(value), /^v: a value of type (?:function|symbol) /);
  for (const char of ["\n", "\r", "\u0000", "\u001b", "\u007f", "\u0085", "\u2028", "\u2029"]) {
    const text = message(() => refuse(`where ${char}`, char, `is ${char}`, `not ${char}`));
    assert.not.match(text, /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/, JSON.stringify(char));
  }
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
