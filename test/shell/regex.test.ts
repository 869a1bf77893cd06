import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { grep } from "../../lib/shell/grep.js";
import { hasTool } from "../tools.js";

const search = suite("grep");

const run = (args: readonly string[], input: string): string => grep(args)(input).text;
const message = (args: readonly string[]): string => {
  try {
    grep(args);
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  throw new Error("expected an InputError");
};

search("keeps matching lines", () => {
  const input = "NAME READY\nweb-1 1/1\nWEB-2 0/1\n/usr/local/bin/kubelet --x\na(x)b\nip 10.0.0.1";
  const table: readonly (readonly [readonly string[], string])[] = [
    [["web"], "web-1 1/1"],
    [["-i", "web"], "web-1 1/1\nWEB-2 0/1"],
    [["-iv", "[wa]"], "ip 10.0.0.1"],
    [["/usr/local/bin/kubelet"], "/usr/local/bin/kubelet --x"],
    [["^web-.*1$"], "web-1 1/1"],
    [["(x)"], "a(x)b"],
    [["-E", "\\(x\\)"], "a(x)b"],
    [["[[:digit:]]\\{2\\}\\."], "ip 10.0.0.1"],
    [["-E", "([0-9]+\\.){3}"], "ip 10.0.0.1"],
    [["-F", "10.0"], "ip 10.0.0.1"],
    [["-F", "1.0.0"], ""],
    [["-c", "1"], "3"],
    [["-n", "READY"], "1:NAME READY"],
    [["-q", "READY"], ""],
    [["-w", "READ"], ""],
    [["-w", "x"], "/usr/local/bin/kubelet --x\na(x)b"],
    [["-x", "web-1 .*"], "web-1 1/1"],
    [["web\\|READY"], "NAME READY\nweb-1 1/1"],
    [["-E", "web|READY"], "NAME READY\nweb-1 1/1"],
    [["web|READY"], ""],
    [["*"], ""],
    [[""], input],
  ];
  for (const [args, expected] of table) assert.is(run(args, input), expected, args.join(" "));
  assert.is(grep(["-v", "x"])("").text, "");
  assert.equal(
    [grep(["a"])("b").code, grep(["-q", "b"])("b").code, grep(["-c", "a"])("")],
    [1, 0, { text: "0", code: 1 }],
  );
});

search("says what is wrong with a pattern", () => {
  const table: readonly (readonly [readonly string[], RegExp])[] = [
    [["[z"], /has \[ without its \]/],
    [["a", "b"], /is not one pattern/],
    [["\\(a\\)\\1"], /has the back-reference \\1, which this grep does not have/],
    [["[[:number:]]"], /has the class \[:number:\], which there is not; expected alnum/],
    [["[:digit:]"], /has a class outside of brackets/],
    [["\\(a"], /has \( without its \)/],
    [["a\\)"], /has \) without its \(/],
    [["-E", "a)"], /has \) without its \(/],
    [[`a${"*".repeat(50_000)}`], /repeats a repetition too often/],
    [["-E", `a${"?+{1,2}".repeat(10_000)}`], /repeats a repetition too often/],
    [["a\\{2"], /has an interval that is not right/],
    [["a\\{2,1\\}"], /has an interval that is not right/],
    [["-E", "*a"], /has \* with nothing to repeat/],
    [["[b-a]"], /has a range that runs backwards/],
    [["a\\"], /ends with a backslash/],
    [["\\d"], /has \\d, which means nothing/],
    [["-EF", "a"], /has two syntaxes/],
    [["-o", "a"], /"-o" is not a known flag; expected -E, -F, -i/],
    [["\\(\\(a\\{200\\}\\)\\{200\\}\\)\\{200\\}"], /is too large/],
    [["\\(".repeat(5000)], /nests groups too deep/],
  ];
  for (const [args, expected] of table) assert.match(message(args), expected);
});

const piece = fc.constantFrom(
  ..."abAB1 .-*+?|(){}[]^$\\_",
  "\\(",
  "\\)",
  "\\|",
  "\\{",
  "\\}",
  "\\+",
  "\\<",
  "\\b",
  "\\w",
  "[ab]",
  "[^a]",
  "[[:alpha:]]",
  "[a-c]",
  "{1,2}",
  "\\{2\\}",
  ".*",
);
const pattern = fc.array(piece, { minLength: 1, maxLength: 8 }).map(all => all.join(""));
const flags = fc.subarray(["-E", "-i", "-v", "-w", "-x", "-c", "-n"]);

search("returns or throws an InputError, whatever the pattern", () => {
  fc.assert(
    fc.property(flags, fc.oneof(pattern, fc.string()), fc.string(), (given, text, input) => {
      if (text.startsWith("-")) return;
      try {
        run([...given, text], input);
      } catch (error) {
        assert.instance(error, InputError);
      }
    }),
    { numRuns: 2000 },
  );
});

search("follows all ways at once, so that none of the patterns that explode elsewhere does", () => {
  for (const [length, text] of [
    [20_000, "\\(a*\\)*b"],
    [20_000, "\\(a\\|a\\)*b"],
    [20_000, "\\(a*a*a*\\)*b"],
    [2000, "\\(a\\{0,50\\}\\)\\{0,20\\}b"],
  ] as const)
    assert.is(run([text], "a".repeat(length)), "");
});

if (hasTool("grep", "apt-get install grep")) {
  search("keeps what the real grep keeps of any lines, where both take the pattern", () => {
    let both = 0;
    const line = fc.string({ unit: fc.constantFrom(..."aabbAB1 .-*+?|(){}[]^$\\_"), maxLength: 8 });
    const lines = fc.array(line, { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(flags, pattern, lines, (given, text, input) => {
        if (text.startsWith("-")) return;
        let ours: string;
        try {
          ours = run([...given, text], input.join("\n"));
        } catch (error) {
          assert.instance(error, InputError);
          return;
        }
        const real = spawnSync("grep", [...given, text], {
          input: input.join("") === "" && input.length === 1 ? "" : `${input.join("\n")}\n`,
          encoding: "utf8",
          env: { ...process.env, LC_ALL: "C.UTF-8" },
        });
        assert.is.not(
          real.status,
          2,
          `grep ${given.join(" ")} '${text}' is taken here, and refused by grep: ${real.stderr}`,
        );
        both++;
        assert.is(ours, real.stdout.replace(/\n$/, ""), `grep ${given.join(" ")} '${text}'`);
      }),
      { numRuns: 400 },
    );
    assert.ok(both > 100, `${both} patterns were taken`);
  });
}

search.run();
