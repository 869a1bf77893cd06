import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CheckError, check, checkNear, checkThrows, readFindings } from "../../lib/course/claims.js";

/** What an action prints, line by line, and the message of its CheckError. */
const outcome = (action: () => void): { readonly printed: readonly string[]; readonly error?: string } => {
  const printed: string[] = [];
  const log = console.log;
  console.log = (line: string) => void printed.push(line);
  try {
    action();
    return { printed };
  } catch (error) {
    assert.instance(error, CheckError);
    return { printed, error: (error as Error).message };
  } finally {
    console.log = log;
  }
};

const passes = (action: () => void, line: string) => assert.equal(outcome(action), { printed: [line] });
const fails = (action: () => void, message: string) => assert.equal(outcome(action), { printed: [], error: message });

const checking = suite("check");

checking("prints what was expected and what it got", () => {
  passes(
    () => check("the VM sees the pod", "10.13.76.13", "10.13.76.13"),
    "ok  the VM sees the pod: expected 10.13.76.13, got 10.13.76.13",
  );
  passes(
    () => check("hops", [1, { ttl: 63 }], [1, { ttl: 63 }]),
    "ok  hops: expected [1, { ttl: 63 }], got [1, { ttl: 63 }]",
  );
  passes(() => check("nothing", undefined, undefined), "ok  nothing: expected undefined, got undefined");
  passes(
    () => check("names", new Map([["a", new Set([1])]]), new Map([["a", new Set([1])]])),
    'ok  names: expected Map { "a" => Set { 1 } }, got Map { "a" => Set { 1 } }',
  );
  passes(() => check("empty", "", ""), 'ok  empty: expected "", got ""');
});

checking("shortens what is long only when it passes", () => {
  const long = "x".repeat(100);
  passes(() => check("long", long, long), `ok  long: expected ${"x".repeat(57)}..., got ${"x".repeat(57)}...`);
  fails(() => check("long", long, `${long}y`), `long: expected ${long}y, got ${long}`);
});

checking("throws both values, and the place inside larger ones", () => {
  fails(() => check("ttl", 64, 63), "ttl: expected 63, got 64");
  fails(() => check<unknown>("kind", 1, "1"), 'kind: expected "1", got 1');
  fails(
    () => check("rows", [{ pod: "a", ports: 8 }], [{ pod: "a", ports: 16 }]),
    "rows: at [0].ports expected 16, got 8",
  );
  fails(() => check("length", [1], [1, 2]), "length: at [1] expected 2, got undefined");
  fails(() => check<object>("keys", { "a-b": 1 }, {}), 'keys: at ["a-b"] expected undefined, got 1');
  fails(() => check<object>("type", [], {}), "type: expected {}, got []");
  fails(() => check("set", new Set(["a"]), new Set(["b"])), 'set: at .b expected "b", got undefined');
  fails(() => check("nan", NaN, 0), "nan: expected 0, got NaN");
  passes(() => check("zero", -0, 0), "ok  zero: expected 0, got 0");
});

checking("takes a tolerance", () => {
  passes(() => checkNear("mean", 10.4, 10, 0.5), "ok  mean: expected 10 ± 0.5, got 10.4");
  fails(() => checkNear("mean", 10.6, 10, 0.5), "mean: expected 10 ± 0.5, got 10.6");
  fails(() => checkNear("mean", NaN, 10, 0.5), "mean: expected 10 ± 0.5, got NaN");
});

checking("takes a refusal", () => {
  const refuse = () => {
    throw new RangeError("maxPods: 5 is below 10");
  };
  passes(
    () => checkThrows("too few", refuse, "below 10"),
    'ok  too few: expected an error with "below 10", got "maxPods: 5 is below 10"',
  );
  fails(
    () => checkThrows("too few", refuse, "above"),
    'too few: expected an error with "above", got "maxPods: 5 is below 10"',
  );
  fails(() => checkThrows("too few", () => 1, "above"), 'too few: expected an error with "above", got none');
});

checking("names the evidence", () => {
  passes(() => check("ttl", 63, 63, "the article"), "ok  ttl: expected 63 (the article), got 63");
  fails(() => check("ttl", 64, 63, "the article"), "ttl: expected 63 (the article), got 64");
  passes(
    () => checkNear("mean", 10, 10, 1, "Erlang's formula"),
    "ok  mean: expected 10 ± 1 (Erlang's formula), got 10",
  );
  fails(() => checkNear("mean", 12, 10, 1, "Erlang's formula"), "mean: expected 10 ± 1 (Erlang's formula), got 12");
  fails(() => checkThrows("no", () => 1, "x", "az"), 'no: expected an error with "x" (az), got none');
});

checking("is read back from its lines", () => {
  const text = [
    "$ k get pod",
    "ok  TTL at the VM: expected 63 (the article), got 63",
    "ok  mean: expected 10 ± 1, got 10.4",
    "ok  no line of a check",
    'ok  sources: expected ["a", "b"], got ["a", "b"]',
  ].join("\n");
  assert.equal(readFindings(text), [
    { claim: "TTL at the VM", got: "63" },
    { claim: "mean", got: "10.4" },
    { claim: "sources", got: '["a", "b"]' },
  ]);
});

checking.run();
