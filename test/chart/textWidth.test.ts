import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { textWidth, wrap } from "../../lib/chart/textWidth.js";
import { advancesOf } from "./font.js";

const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
const width = suite("textWidth");

width("is what the font file says", () => {
  for (const [weight, name] of [
    ["normal", "DejaVuSans"],
    ["bold", "DejaVuSans-Bold"],
  ] as const) {
    const { em, widths } = advancesOf(new URL(import.meta.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)), ascii);
    assert.is(em, 2048);
    assert.equal(
      ascii.map(character => textWidth(character, em, weight)),
      widths,
    );
  }
});

width("adds up", () => {
  fc.assert(
    fc.property(
      fc.string(),
      fc.string(),
      (a, b) => Math.abs(textWidth(a + b, 12) - textWidth(a, 12) - textWidth(b, 12)) < 1e-6,
    ),
  );
});

width("lines keep every word and their width", () => {
  fc.assert(
    fc.property(
      fc.array(fc.stringMatching(/^[!-~]{1,30}$/), { maxLength: 20 }),
      fc.integer({ min: 20, max: 300 }),
      (words, limit) => {
        const lines = wrap(words.join(" "), limit, 12);
        assert.is(lines.join("").replaceAll(" ", ""), words.join(""));
        for (const line of lines) assert.ok(line.length === 1 || textWidth(line, 12) <= limit);
      },
    ),
  );
});

width("lines are broken at spaces where that fits", () => {
  assert.equal(wrap("kubenet: SNAT for outbound traffic from cluster", 150, 12), [
    "kubenet: SNAT for",
    "outbound traffic from",
    "cluster",
  ]);
});

width.run();
