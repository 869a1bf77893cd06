import { readFileSync } from "node:fs";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { readPcap } from "../../lib/packet/pcap.js";
import { printTcpdumpFile } from "../../lib/render/tcpdumpText.js";
import { anyCarried, type LinkName, links, pcapFile } from "../packet/frames.js";
import { realTcpdump } from "../packet/programs.js";
import { hasTool } from "../tools.js";
import { captures, forms, realText, withCapture } from "./captures.js";

const file = suite("printTcpdumpFile");

const golden = readFileSync(new URL("../golden/tcpdump.txt", import.meta.url), "utf8");
const answers = new Map(
  golden
    .split(/^# /m)
    .slice(1)
    .map(part => {
      const [name = "", ...lines] = part.trimEnd().split("\n");
      return [name, lines] as const;
    }),
);

interface Ours {
  readonly lines: readonly string[];
  readonly leftOut: number;
}

const print = (bytes: Uint8Array, flags: readonly string[]): Ours => {
  const { linkType, records } = readPcap(bytes);
  const [, ...lines] = printTcpdumpFile("x", linkType, records, { numeric: true, quiet: flags.includes("-q") }).split(
    "\n",
  );
  const count = /^tcpdump: frames left out, .*: (\d+)$/.exec(lines.at(-1) ?? "")?.[1];
  return count === undefined ? { lines, leftOut: 0 } : { lines: lines.slice(0, -1), leftOut: Number(count) };
};

/** Lines of frames; what tcpdump prints of a frame's bytes comes below it. */
const firstLines = (lines: readonly string[]): readonly string[] =>
  lines.filter(line => line !== "" && !line.startsWith("\t"));

for (const [name, bytes] of Object.entries(captures))
  for (const flags of forms) {
    const heading = [name, ...flags].join(" ");
    file(`prints as tcpdump: ${heading}`, () => {
      const expected = firstLines(answers.get(heading)!);
      const { lines, leftOut } = print(bytes, flags);
      if (leftOut === 0) assert.equal(lines, expected);
      assert.is(lines.length + leftOut, expected.length);
      for (const line of lines) assert.ok(expected.includes(line), line);
    });
  }

file("leaves out what it does not read, and says how much", () => {
  assert.equal([print(captures["others"]!, []).leftOut, print(captures["others"]!, ["-q"]).leftOut], [4, 3]);
});

/** A line up to where tcpdump decodes data by its port, whichever that is. */
const upToData = (line: string): string => line.replace(/UDP, (?:bad )?length .*$|(?<=, length \d+): HTTP.*$/, "");

const anyFile = fc
  .tuple(
    fc.constantFrom(...(Object.keys(links) as LinkName[])),
    fc.array(fc.tuple(anyCarried, fc.nat(), fc.nat(), fc.nat(255)), { minLength: 15, maxLength: 30 }),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([link, frames, little, mutated]) =>
    pcapFile(
      links[link].linkType,
      frames.map(([[network, body], cut, at, value], index) => {
        const whole = links[link].frame(network, body);
        const start = links[link].frame(network, []).length;
        const bytes = cut % 3 === 0 ? whole.slice(0, 1 + (cut % whole.length)) : whole;
        // Changes stay behind the link header, whose other kinds are not read.
        if (mutated && bytes.length > start) bytes[start + (at % (bytes.length - start))] = value;
        return { seconds: index, fraction: 0, bytes, length: whole.length };
      }),
      { little },
    ),
  );

if (hasTool("tcpdump", "apt-get install tcpdump")) {
  file("holds what tcpdump prints today", () => assert.is(realText(), golden));

  file("prints a frame as tcpdump or leaves it out, whatever is in it", () => {
    let claimed = 0;
    fc.assert(
      fc.property(anyFile, fc.constantFrom(...forms), (bytes, flags) => {
        const real = firstLines(withCapture(bytes, path => realTcpdump(path, ...flags)).lines);
        const { lines } = print(bytes, flags);
        let at = 0;
        for (const line of lines) {
          claimed++;
          const [plain, start] = [real.indexOf(line, at), flags.length > 0 ? line : upToData(line)];
          const found = plain >= 0 ? plain : real.findIndex((each, index) => index >= at && each.startsWith(start));
          if (found < 0) assert.unreachable(`${line}\n${real.slice(at, at + 3).join("\n")}`);
          at = found + 1;
        }
      }),
      { numRuns: 60 },
    );
    assert.ok(claimed > 300, String(claimed));
  });
}

file("returns or throws an InputError, whatever the file", () => {
  const anyBytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc
      .tuple(fc.constantFrom(...Object.values(captures)), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }))
      .map(([bytes, changes]) => {
        const changed = bytes.slice();
        for (const [at, value] of changes) changed[at % Math.min(changed.length, 400)] = value;
        return changed;
      }),
  );
  fc.assert(
    fc.property(anyBytes, fc.constantFrom(...forms), (bytes, flags) => {
      try {
        print(bytes, flags);
      } catch (error) {
        assert.instance(error, InputError);
      }
    }),
    { numRuns: 1000 },
  );
});

file.run();
