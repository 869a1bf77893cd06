import { transformSync } from "esbuild";
import { readFileSync } from "node:fs";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { changeOf, counted, mutantsOf, mutated, switchable } from "./mutants.js";
import { accepted, survivors } from "./survivors.js";

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
  const text =
    "let n = 0; for (let i = 0; i < 3; i++) { if (i > 0 && i < 9) n += 2 * i; else n += 0; } if (n > 6) n = 0; else n += 1; result(n);";
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
      // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the changed code is run
      new Function("__mutant", "result", body)(active, (value: unknown) => (found = value));
    } catch {
      return "endless";
    }
    return found;
  };
  const switched = switchable(text, all);
  assert.is(outcome(switched, -1), 7);
  for (const mutant of all) {
    const alone = mutated(text, mutant);
    if (alone.includes("i--") || alone.includes("; true;")) assert.is(outcome(switched, mutant.number), "endless");
    else
      assert.equal(outcome(switched, mutant.number), outcome(alone, -1), `${mutant.original} => ${mutant.replacement}`);
  }
});

mutants("are named by the declaration at the top of the file that they stand in", () => {
  const text = "export const f = (): number => {\n  const g = 1;\n  return g;\n};\nclass A {\n  b = 2;\n}\ngo();";
  assert.equal(
    mutantsOf("lib/x.ts", text).map(mutant => `${mutant.within}: ${changeOf(mutant)}`),
    ["f: 1 => (1 + 1)", "A: 2 => (2 + 1)", ": go(); => (left out)"],
  );
});

mutants("count a step for each turn of a loop, with or without braces, also inside each other", () => {
  const steps = (text: string): number => {
    let count = 0;
    // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- the changed code is run
    new Function("__step", counted(text))(() => count++);
    return count;
  };
  assert.is(steps("let i = 0; while (i < 4) i++;"), 4);
  assert.is(steps("for (const a of [1, 2]) for (let j = 0; j < 3; j++) { if (a === j) continue; }"), 8);
  assert.is(steps("let i = 0; do { i++; } while (i < 5); if (i > 9) for (;;); else i = 0;"), 5);
});

mutants.run();

const reasons = suite("reasons for survivors");

reasons("each names a mutant that there is, once, and says its kind", () => {
  const found = new Map<string, ReturnType<typeof mutantsOf>>();
  for (const { file, within, change, reason } of survivors) {
    if (!found.has(file))
      found.set(file, mutantsOf(file, readFileSync(new URL(`../../${file}`, import.meta.url), "utf8")));
    const named = found.get(file)!.filter(mutant => mutant.within === within && changeOf(mutant) === change);
    assert.ok(named.length > 0, `${file} ${within}: ${change}`);
    assert.is(accepted(named[0]!), reason, `${file} ${within}: ${change}`);
    assert.match(reason, /^(equivalent|cosmetic): ./);
  }
});

reasons.run();
