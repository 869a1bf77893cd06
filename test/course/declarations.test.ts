import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { formatDomain, inDomain, parametersOf } from "../../lib/course/declarations.js";
import { type Notebook, parseNotebook } from "../../lib/course/nbformat.js";
import { notebook, parameters } from "./notebooks.js";

const declared = (source: string) =>
  parametersOf(parseNotebook(notebook(parameters(source)), "a") satisfies Notebook, "a");

const refusal = (source: string): string => {
  try {
    declared(source);
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  return "taken";
};

const test = suite("parametersOf");

test("reads meaning, range and choices from the comment behind a declaration", () => {
  const source = [
    "// What may be set:",
    "let maxPods: number = 30; // pods per node: 30 to 250",
    'let sku: string = "Basic"; // the load balancer\'s: "Basic" or "Standard"',
    "let target: number = 0.001; // share that may fail: 0.0 to 0.5",
    "let nodes: number = 3 // of the cluster: 1 or more",
    "let ports: number = 64; // of a node: 64, 128 or 1024",
    'let cidr: string = "10.0.0.0/8"; // where pods keep their address',
    "let bare: boolean = true;",
    "let far: number = 5; // 1 to 9",
  ].join("\n");
  const range = { kind: "range", whole: true } as const;
  assert.equal(declared(source), [
    {
      name: "maxPods",
      type: "number",
      initial: "30",
      meaning: "pods per node",
      domain: { ...range, from: 30, to: 250 },
    },
    {
      name: "sku",
      type: "string",
      initial: '"Basic"',
      meaning: "the load balancer's",
      domain: { kind: "choices", choices: ["Basic", "Standard"] },
    },
    {
      name: "target",
      type: "number",
      initial: "0.001",
      meaning: "share that may fail",
      domain: { kind: "range", whole: false, from: 0, to: 0.5 },
    },
    {
      name: "nodes",
      type: "number",
      initial: "3",
      meaning: "of the cluster",
      domain: { ...range, from: 1, to: Infinity },
    },
    {
      name: "ports",
      type: "number",
      initial: "64",
      meaning: "of a node",
      domain: { kind: "choices", choices: [64, 128, 1024] },
    },
    { name: "cidr", type: "string", initial: '"10.0.0.0/8"', meaning: "where pods keep their address" },
    { name: "bare", type: "boolean", initial: "true", meaning: "" },
    { name: "far", type: "number", initial: "5", meaning: "", domain: { ...range, from: 1, to: 9 } },
  ]);
});

test("gives each comment to the declaration on its line", () => {
  const source = [
    'let sku: "a" | // first',
    '  "b" = "a" // of the balancer',
    "// of nothing",
    "let pods: { name: string; ips: string[] }[] = [",
    '  { name: "a; b", ips: [] }, // inside',
    "]; // the pods",
    "let url: string = 'http://a' /* none */",
  ].join("\n");
  assert.equal(
    declared(source).map(({ name, type, meaning }) => [name, type, meaning]),
    [
      ["sku", '"a" | "b"', "of the balancer"],
      ["pods", "{ name: string; ips: string[] }[]", "the pods"],
      ["url", "string", ""],
    ],
  );
});

test("refuses a range or choices that cannot be read, or do not hold the value", () => {
  assert.match(refusal("let n: number = 3; // nodes: 1 - 9"), "after n is no range and no choices");
  assert.match(refusal("let n: number = 3; // nodes: 9 to 1"), "no range");
  assert.match(refusal('let s: string = "a"; // which: "a"'), "no range");
  assert.match(refusal("let n: number = 10; // nodes: 1 to 9"), "expected a whole number from 1 to 9");
  assert.match(refusal("let n: number = 1.5; // nodes: 1 or more"), "expected a whole number, 1 or more");
  assert.match(refusal('let s: string = "c"; // which: "a" or "b"'), 'expected "a" or "b"');
  assert.match(refusal('let s: string = "a"; // which: "\u0001" or "b"'), "no range");
  assert.match(refusal('let s: string = "a"; // which: "\\x" or "b"'), "no range");
  assert.match(refusal("let f: unknown = () => 1;"), "is not a parameter");
  assert.is(refusal('let s: string = "a => function"; // as a rule: any text'), "taken");
});

test("takes time in proportion to the cell's length", () => {
  for (const piece of [" ", "let a: ", "\n", "= ", "|", "// a: ", "1 to ", '"', "("]) {
    const source = `let a: number${piece.repeat(200_000)}`;
    assert.ok(refusal(source).length > 0, piece);
  }
});

test("inDomain holds whole numbers apart from fractions, and leaves null to the type", () => {
  const domain = { kind: "range", from: 1, to: 9, whole: true } as const;
  assert.equal(
    [1, 9, 0, 10, 1.5, "1", null].map(value => inDomain(domain, value)),
    [true, true, false, false, false, false, true],
  );
  assert.ok(inDomain({ ...domain, whole: false }, 1.5));
  assert.is(formatDomain({ kind: "choices", choices: ["a", "b", 3] }), '"a", "b" or 3');
});

test.run();
