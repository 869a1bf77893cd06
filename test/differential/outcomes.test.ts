import { suite } from "uvu";
import * as assert from "uvu/assert";
import { seeded } from "../../lib/random.js";
import { disagreement, outcomes } from "./outcomes.js";

const test = suite("comparing what chance lets happen");

/** One that answers with any of these, by a seed. */
const one = (seed: number, answers: readonly string[]) => {
  const random = seeded(seed);
  return async () => answers[random.int(0, answers.length - 1)]!;
};
const between = async (linux: readonly string[], model: readonly string[]) =>
  disagreement(await outcomes(one(1, linux), one(2, model)));

test("agrees when either can do all that the other can", async () => {
  assert.is(await between(["a"], ["a"]), undefined);
  const many = Array.from({ length: 20 }, (_, i) => `endpoint ${i}`);
  assert.is(await between(many, many), undefined);
});

test("fails when the model has an outcome that the kernel never has, and the other way round", async () => {
  assert.is(await between(["a", "b"], ["a", "b", "timeout"]), "only the model: timeout; both: a, b");
  assert.is(await between(["a", "timeout"], ["a"]), "only the kernel: timeout; both: a");
  assert.is(await between(["a"], ["b"]), "only the kernel: a; only the model: b; both: nothing");
});

test.run();
