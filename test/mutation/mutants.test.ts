import { transformSync } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { mutantsOf, mutated, switchable } from "./mutants.js";

const mutants = suite("mutants of a source file");

const changes = (text: string): readonly string[] =>
  mutantsOf("lib/x.ts", text).map(({ original, replacement, of }) =>
    of === "statement" ? `${original} left out` : `${original} => ${replacement}`,
  );

mutants("are comparisons, conditions, numbers, operators, methods and statements", () => {
  assert.equal(changes("if (a < 2) go();"), [
    "a < 2 => true",
    "a < 2 => false",
    "a < 2 => a <= 2",
    "2 => (2 + 1)",
    "go(); left out",
  ]);
  assert.equal(changes("const b = !a ?? Math.max(0, c);"), [
    "!a ?? Math.max(0, c) => Math.max(0, c)",
    "!a => a",
    "Math.max(0, c) => Math.min(0, c)",
    "0 => 1",
  ]);
});

mutants("are none in types and in what only a person reads", () => {
  assert.equal(changes("type A = 1 | 2; throw new RangeError(`more than ${1 + 2}`);"), []);
});

mutants("keep the text around them", () => {
  const text = "const a = 1 + b; // kept";
  const [sum, one] = mutantsOf("lib/x.ts", text);
  assert.is(mutated(text, sum!), "const a = 1 - b; // kept");
  assert.is(mutated(text, one!), "const a = (1 + 1) + b; // kept");
});

mutants("can be switched on one by one, also inside each other, and change nothing before that", () => {
  const text = "let n = 0; for (let i = 0; i < 3; i++) { if (i > 0 && i < 9) n += 2 * i; } result(n);";
  const all = mutantsOf("lib/x.ts", text).map((mutant, number) => ({ ...mutant, number }));
  const outcome = (code: string, on: number): unknown => {
    let turns = 0;
    let found: unknown = "nothing";
    const active = (number: number) => {
      if (turns++ > 1000) throw new Error("endless");
      return number === on;
    };
    const body = transformSync(code, { loader: "ts" }).code;
    try {
      new Function("__mutant", "result", body)(active, (value: unknown) => (found = value));
    } catch {
      return "endless";
    }
    return found;
  };
  const switched = switchable(text, all);
  assert.is(outcome(switched, -1), 6);
  for (const mutant of all) {
    const alone = mutated(text, mutant);
    if (alone.includes("i--") || alone.includes("; true;")) assert.is(outcome(switched, mutant.number), "endless");
    else
      assert.equal(outcome(switched, mutant.number), outcome(alone, -1), `${mutant.original} => ${mutant.replacement}`);
  }
});

mutants.run();
