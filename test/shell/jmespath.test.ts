import { spawnSync } from "node:child_process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { azFunctions, azQuery } from "../../lib/shell/jmespath.js";

const data = {
  name: "kubernetes",
  n: null,
  count: 2,
  empty: [],
  sku: { name: "Basic", tier: "Regional" },
  rules: [
    { name: "b", port: 443, on: true },
    { name: "a", port: 80, on: false },
  ],
  tags: ["x", "y"],
  "a b": 1,
};

const refused = Symbol("refused");

/** What Python's jmespath 1.1.0, which az is built on, answers; \`refused\` where it raises an error. */
const rows: readonly (readonly [query: string, answer: unknown])[] = [
  ["name", "kubernetes"],
  ["constructor", null],
  ["toString", null],
  ["sku.constructor", null],
  ["rules[0].hasOwnProperty", null],
  ["name.length", null],
  ["tags.length", null],
  ["{constructor: name}.constructor", "kubernetes"],
  ["{x: name}.valueOf", null],
  ['`{"a": 1}`.toString', null],
  ['`{"toString": 1}`.toString', 1],
  ["n", null],
  ["nope", null],
  ["nope.more", null],
  ["rules[5].name", null],
  ["rules[-1].name", "a"],
  ["rules[].name", ["b", "a"]],
  [
    "rules[*].[name, port]",
    [
      ["b", 443],
      ["a", 80],
    ],
  ],
  [
    "rules[].{Port: port, Name: name}",
    [
      { Port: 443, Name: "b" },
      { Port: 80, Name: "a" },
    ],
  ],
  ["rules[?port == `80`].name | [0]", "a"],
  ["rules[?on].name", ["b"]],
  ["rules[?name > 'a'].name", ["b"]],
  ["rules[?name >= 'a'].name", ["b", "a"]],
  ["rules[?name < 'b'].name", ["a"]],
  ["rules[?name <= 'B'].name", []],
  ["rules[?name < `1`].name", refused],
  ["rules[?port >= 'a'].name", refused],
  ["rules[?name < `null`].name", []],
  ["to_number('0x10')", null],
  ["to_number('0b1')", null],
  ["to_number('')", null],
  ["to_number('1_000')", 1000],
  ["to_number(' +5.50 ')", 5.5],
  ["to_number('1e3')", 1000],
  ["to_number('.5')", 0.5],
  ["to_number('5.')", 5],
  ["rules[?name == `a`].port", [80]],
  ["rules[?name == 'a'].port", [80]],
  ["rules[?port > `100`].name", ["b"]],
  ["rules[?!on].name", ["a"]],
  ["rules[?contains(name, `b`)].port", [443]],
  ["rules[?starts_with(name, 'a') || port == `443`].name", ["b", "a"]],
  ["rules[?starts_with(name, 'a') && port == `443`].name", []],
  ["`bare`", "bare"],
  ['`"quoted"`', "quoted"],
  ["`1`", 1],
  ["`[1, 2]`", [1, 2]],
  ["` spaced `", "spaced "],
  ["'raw'", "raw"],
  ['"a b"', 1],
  ["name[0:2]", null],
  ["tags[::-1]", ["y", "x"]],
  ["tags[0:1]", ["x"]],
  ["rules[].nope", []],
  ["*.name", ["Basic"]],
  ["sku.*", ["Basic", "Regional"]],
  [
    "@",
    {
      name: "kubernetes",
      n: null,
      count: 2,
      empty: [],
      sku: { name: "Basic", tier: "Regional" },
      rules: [
        { name: "b", port: 443, on: true },
        { name: "a", port: 80, on: false },
      ],
      tags: ["x", "y"],
      "a b": 1,
    },
  ],
  ["empty", []],
  ["length(@)", 8],
  ["length(rules)", 2],
  ["length(name)", 10],
  ["keys(sku)", ["name", "tier"]],
  ["values(sku)", ["Basic", "Regional"]],
  ["type(n)", "null"],
  ["type(rules)", "array"],
  ["sort(tags)", ["x", "y"]],
  ["sort_by(rules, &name)[].name", ["a", "b"]],
  ["max_by(rules, &port).name", "b"],
  ["min_by(rules, &port).name", "a"],
  ["map(&port, rules)", [443, 80]],
  ["join(`,`, tags)", "x,y"],
  ["join('-', rules[].name)", "b-a"],
  ["to_string(sku)", '{"name":"Basic","tier":"Regional"}'],
  ["to_string(name)", "kubernetes"],
  ['to_number(`"12"`)', 12],
  ["to_number(name)", null],
  ["to_array(name)", ["kubernetes"]],
  ["not_null(nope, name)", "kubernetes"],
  ["merge(sku, {z: name})", { name: "Basic", tier: "Regional", z: "kubernetes" }],
  ["reverse(tags)", ["y", "x"]],
  ["reverse(name)", "setenrebuk"],
  ["sum(rules[].port)", 523],
  ["avg(rules[].port)", 261.5],
  ["max(rules[].port)", 443],
  ["min(rules[].name)", "a"],
  ["abs(`-3`)", 3],
  ["ceil(`1.2`)", 2],
  ["floor(`-1.2`)", -2],
  ["ends_with(name, 'netes')", true],
  ["count == `2`", true],
  ["count != `3`", true],
  ["name && sku.name", "Basic"],
  ["empty || name", "kubernetes"],
  ["!empty", true],
  ["rules[].port | [1]", 80],
  ["[name, sku.name]", ["kubernetes", "Basic"]],
  ["[]", null],
  ["[*]", null],
  ["__proto__", null],
  ["{__proto__: name}", JSON.parse('{"__proto__":"kubernetes"}')],
  ["upper(name)", refused],
  ["lower(name)", refused],
  ["split(name, 'e')", refused],
  ["items(sku)", refused],
  ["from_items(tags)", refused],
  ["zip(tags, tags)", refused],
  ["group_by(rules, &name)", refused],
  ["pad_left(name, `200000000`)", refused],
  ["find_first(name, 'e')", refused],
  ["replace(name, 'a', 'b')", refused],
  ["trim(name)", refused],
  ["let $x = name in $x", refused],
  ["$.name", refused],
  ["name ? count : n", refused],
  ["count + `1`", refused],
  ["count - `1`", refused],
  ["-count", refused],
  ["`1` + `2`", refused],
  ["length(count)", refused],
  ["sort_by(rules)", refused],
  ["sort(rules)", refused],
  ["abs(name)", refused],
  ["sum(tags)", refused],
  ["join(`,`, rules)", refused],
  ["rules[0:2:0]", refused],
  ["rules[?", refused],
  ["[[[", refused],
  ["name..port", refused],
  ["nosuch()", refused],
  ["a-b", refused],
  ["'open", refused],
  ["`open", refused],
  ['"open', refused],
  ["'a\\'", refused],
  ["'it\\'s'", "it's"],
  ["'a`b'", "a`b"],
];

const answers = suite("azQuery");

/** As text, by which an object's own `__proto__` is seen too. */
const written = (answer: unknown): string => (answer === refused ? "refused" : JSON.stringify(answer));

const ask = (query: string): unknown => {
  try {
    return azQuery(data, query);
  } catch (error) {
    assert.instance(error, InputError, query);
    return refused;
  }
};

answers("answers and refuses as az's own JMESPath does", () => {
  for (const [query, answer] of rows) assert.is(written(ask(query)), written(answer), query);
});

const program = `
import json, sys
from jmespath import functions, search
asked = json.load(sys.stdin)
def answer(query):
    try:
        return [search(query, asked["data"])]
    except Exception:
        return []
print(json.dumps({"functions": sorted(functions.Functions.FUNCTION_TABLE), "answers": [answer(q) for q in asked["queries"]]}))
`;

answers("agrees with python3-jmespath where that is installed", () => {
  const queries = rows.map(([query]) => query);
  const run = spawnSync("python3", ["-c", program], { input: JSON.stringify({ data, queries }), encoding: "utf8" });
  if (run.status !== 0) return console.log("skipped: python3-jmespath is not installed");
  const real = JSON.parse(run.stdout) as { functions: readonly string[]; answers: readonly (readonly unknown[])[] };
  assert.equal([...azFunctions].sort(), real.functions);
  real.answers.forEach((answer, i) =>
    assert.is(written(answer.length === 0 ? refused : answer[0]), written(rows[i]![1]), queries[i]),
  );
});

answers("names what az has not, and what it has", () => {
  assert.throws(
    () => azQuery(data, "upper(name)"),
    /"upper\(name\)" calls upper\(\), which az has not; expected abs, avg/,
  );
  assert.throws(() => azQuery(data, "let $x = name in $x"), /uses let, which az has not/);
  assert.throws(() => azQuery(data, "&name"), /has & outside a function's arguments/);
});

answers("stops a query that makes too much of its data, soon", () => {
  const doubled = (step: string) => Array.from({ length: 60 }, () => step).join(" | ");
  const hostile = [
    doubled("[@, @]"),
    doubled("{a: @, b: @}"),
    doubled("[@, @][]"),
    doubled("to_array([@, @])"),
    `to_string(${doubled("[@, @]")})`,
    doubled("join('', [to_string(@), to_string(@)])"),
    Array.from({ length: 60 }, () => "[@, @][*]").join("."),
    `join('${"x".repeat(100_000)}', [@, @, @, @, @, @, @, @, @, @] | [@, @, @] | [][].name)`,
  ];
  for (const query of hostile) {
    const before = process.memoryUsage().heapUsed;
    assert.throws(
      () => azQuery(data, query),
      /takes too many steps|makes too large a result|nests too deep|not right/,
      query,
    );
    assert.ok(process.memoryUsage().heapUsed - before < 500e6, query.slice(0, 40));
  }
  for (const deep of ["(", "[", "!", "a.", "@ | "]) ask(deep.repeat(50_000));
});

answers.run();
