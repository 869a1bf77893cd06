import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import type { Json } from "../../lib/course/nbformat.js";
import { type ParameterValue, readParameter, readParametersFile } from "../../lib/course/parameterValues.js";

const read = (type: string, given: string | ParameterValue) =>
  readParameter(
    { name: "n", type, initial: "0", meaning: "" },
    typeof given === "string" ? { text: given } : given,
    "a",
  );

const problem = (action: () => unknown): string => {
  try {
    return `took ${JSON.stringify(action())}`;
  } catch (error) {
    assert.instance(error, InputError, String(error));
    return (error as Error).message;
  }
};

const test = suite("a parameter's value");

test("is what its type says, exactly", () => {
  const cases: readonly (readonly [string, string, Json])[] = [
    ["number", "5", 5],
    ["number", "-0.5", -0.5],
    ["number", "1e3", 1000],
    ["number", "1.50", 1.5],
    ["number", "9007199254740991", 9007199254740991],
    ["number", "5e-324", 5e-324],
    ["boolean", "true", true],
    ["number | null", "null", null],
    ["string", "", ""],
    ["string", "5", "5"],
    ["string", "~", "~"],
    ["string | null", "null", null],
    ["number | string", "5", 5],
    ["number | string", "five", "five"],
    ['"azure" | "kubenet"', "kubenet", "kubenet"],
    ["'a' | 'b'", "b", "b"],
    ["1 | 2", "2", 2],
    ["number[]", "[4, 5, 6]", [4, 5, 6]],
    ["readonly (number | null)[]", "[4, null]", [4, null]],
    ["ReadonlyArray<string>", '[a, "5"]', ["a", "5"]],
    ["number[][]", "[[1], []]", [[1], []]],
  ];
  for (const [type, text, value] of cases) assert.equal(read(type, text), value, `${type} ${text}`);
});

test("is refused where the type says otherwise", () => {
  for (const text of [
    ".inf",
    "-.inf",
    ".nan",
    "NaN",
    "Infinity",
    "~",
    "",
    " ",
    "null",
    "five",
    "+5",
    "05",
    "0x10",
    "0o7",
    "1_000",
    "5.",
    ".5",
    "5 ",
    "!!int 5",
    "!!float 5",
    "[5]",
    "true",
    '"5"',
  ])
    assert.is(
      problem(() => read("number", text)),
      `a: parameter n: ${JSON.stringify(text)} is not of its type; expected number`,
    );
  for (const text of [
    "12345678901234567890",
    "9007199254740993",
    "1e999",
    "-1e999",
    "1e-999",
    "0.1000000000000000055511151231257827",
    "9".repeat(500),
  ])
    assert.match(
      problem(() => read("number", text)),
      " does not keep its digits as a number; expected number",
    );
  for (const text of ["yes", "True", "TRUE", "1", ""])
    assert.match(
      problem(() => read("boolean", text)),
      "is not of its type; expected boolean",
    );
  for (const text of [
    "[1, .inf]",
    "[1, ~]",
    "[1, 1e999]",
    "[1, ]x",
    "[12345678901234567890]",
    "[!!binary aGk=]",
    "[!!int 5]",
    "&a [*a]",
    "[&a 1, *a]",
    "[0x10]",
    "[{a: 1}]",
    '["1"]',
    "[".repeat(100_000),
    "1",
    "",
  ])
    assert.not.match(
      problem(() => read("number[]", text)),
      /^took/,
      text,
    );
  for (const value of [Infinity, NaN, null, "5", [5], { a: 1 }] as Json[])
    assert.match(
      problem(() => read("number", { value })),
      "is not of its type",
    );
  assert.match(
    problem(() => read("Date", "5")),
    '"Date" is no type that is set from outside',
  );
});

test("is refused out of the range that its comment gives", () => {
  const parameter = {
    name: "n",
    type: "number",
    initial: "30",
    meaning: "pods",
    domain: { kind: "range", from: 30, to: 250, whole: true },
  } as const;
  assert.is(readParameter(parameter, { text: "30" }, "a"), 30);
  for (const text of ["29", "251", "30.5"])
    assert.match(
      problem(() => readParameter(parameter, { text }, "a")),
      "is not what its comment says; expected a whole number from 30 to 250",
    );
});

test("of any number comes back as it was written", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), value => {
      assert.is(read("number", JSON.stringify(value)), value === 0 ? 0 : value);
      assert.is(readParametersFile(`n: ${JSON.stringify(value)}\n`, "f").get("n")!.value, value === 0 ? 0 : value);
    }),
  );
});

test("of any text is refused or of its type", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9eE~!&*[\]{},:"' a-f\n]{0,30}$/)), text => {
      assert.is(read("string", text), text);
      try {
        assert.type(read("number", text), "number");
      } catch (error) {
        assert.instance(error, InputError);
      }
      try {
        readParametersFile(text, "f");
      } catch (error) {
        assert.instance(error, InputError);
      }
    }),
    { numRuns: 2000 },
  );
});

const file = suite("a file of parameters");

file("holds values of which nothing is guessed", () => {
  assert.equal(
    [
      ...readParametersFile(
        'nodes: 4\nplugin: kubenet\nversion: "1.10"\nfar: null\nall: [1, 2]\nyes: true\nnote: |\n  two\n  lines\n',
        "f",
      ),
    ],
    [
      ["nodes", 4],
      ["plugin", "kubenet"],
      ["version", "1.10"],
      ["far", null],
      ["all", [1, 2]],
      ["yes", true],
      ["note", "two\nlines\n"],
    ].map(([name, value]) => [name, { value }]),
  );
  assert.equal([...readParametersFile("", "f")], []);
  assert.equal([...readParametersFile("# nothing\n", "f")], []);
});

file("is refused otherwise, in one line that names file and parameter", () => {
  for (const value of [
    ".inf",
    ".nan",
    "~",
    "",
    "Null",
    "True",
    "0x10",
    "1e999",
    "12345678901234567890",
    "!!binary aGk=",
    "!!set {a, b}",
    "!!str 5",
    "!x 5",
    "{a: 1}",
    "&a [*a]",
    "+5",
    "007",
    "1_000x: [",
  ]) {
    const message = problem(() => readParametersFile(`n: ${value}\n`, "f"));
    if (value === "+5" || value === "007") assert.match(message, /^f: n: .*keep its digits/, value);
    else assert.not.match(message, /^took|\n/, value);
  }
  assert.match(
    problem(() => readParametersFile("n: 1\nn: 2\n", "f")),
    'f: "n" stands twice; expected each name once',
  );
  assert.match(
    problem(() => readParametersFile("- 1\n", "f")),
    "is not a mapping; expected lines name: value",
  );
  assert.match(
    problem(() => readParametersFile(`n: ${"[".repeat(100_000)}`, "f")),
    /^f: /,
  );
});

test.run();
file.run();
