import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { choicesOf } from "../../lib/netfilter/choice.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { seeded } from "../../lib/random.js";

const choices = suite("rules that only draw");

/** The rules of a chain in which rule number i matches with a chance; NaN stands for a rule that looks at the packet. */
const rulesOf = (chances: readonly number[]) =>
  parseSave(
    `*nat\n:A - [0:0]\n${chances
      .map(chance =>
        Number.isNaN(chance)
          ? "-A A -p tcp -j RETURN"
          : `-A A -m comment --comment x -m statistic --mode random --probability ${chance.toFixed(10)} -j RETURN`,
      )
      .join("\n")}\nCOMMIT\n`,
  ).tables[0]!.chains.find(({ name }) => name === "A")!.rules;

/** The rule that a packet meets first from `first` on, or the end: choices draw for their rules, the others for themselves. */
const met = (chances: readonly number[], first: number, draw: () => number): number => {
  const found = choicesOf(rulesOf(chances));
  for (let place = first; place < chances.length;) {
    const choice = found.find(({ start, end }) => place >= start && place < end);
    if (choice === undefined) {
      if (draw() < chances[place]!) return place;
      place++;
    } else {
      place = choice.next(place, draw());
      if (place < choice.end) return place;
    }
  }
  return chances.length;
};

/** How far a share is from the expected one (Kullback-Leibler): n draws come to d or more with a chance below exp(-n d), rare or not. */
const divergence = (share: number, expected: number): number => {
  const term = (is: number, was: number) => (is <= 0 ? 0 : is * Math.log(is / was));
  return term(share, expected) + term(1 - share, 1 - expected);
};

const chance = fc.integer({ min: 0, max: 1000 }).map(part => part / 1000);

choices("are found where eight or more stand together", () => {
  const nine = Array.from({ length: 9 }, () => 0.5);
  const found = (chances: readonly number[]) => choicesOf(rulesOf(chances)).map(({ start, end }) => [start, end]);
  assert.equal(found(nine), [[0, 9]]);
  assert.equal(found(nine.slice(2)), []);
  assert.equal(found([NaN, ...nine, NaN, NaN, ...nine]), [
    [1, 10],
    [12, 21],
  ]);
  assert.equal(
    choicesOf(
      parseSave(
        `*nat\n:A - [0:0]\n${"-A A -s 10.0.0.1/32 -m statistic --mode random --probability 0.5 -j RETURN\n".repeat(9)}COMMIT\n`,
      ).tables[0]!.chains.find(({ name }) => name === "A")!.rules,
    ),
    [],
  );
});

choices("match as often as when each draws for itself, from any place on", () => {
  fc.assert(
    fc.property(fc.array(chance, { minLength: 8, maxLength: 24 }), fc.nat(), (chances, seed) => {
      const random = seeded(seed);
      const first = seed % chances.length; // as when a rule before it matched and the packet came back
      const draws = 1000;
      const seen = new Array<number>(chances.length + 1).fill(0);
      for (let i = 0; i < draws; i++) seen[met(chances, first, () => random.float())]!++;
      let passing = 1;
      for (let place = first; place <= chances.length; place++) {
        const expected = passing * (chances[place] ?? 1);
        passing *= 1 - (chances[place] ?? 1);
        const share = seen[place]! / draws;
        assert.ok(draws * divergence(share, expected) < 25, `${place}: ${share} of ${expected}`);
      }
    }),
    { numRuns: 60 },
  );
});

choices("never match with chance 0, always with chance 1, whatever is drawn", () => {
  const chances = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0.5, 1];
  for (const draw of [0, 0.25, 0.5, 1 - 2 ** -53]) {
    assert.is(
      met(chances, 0, () => draw),
      7,
    );
    assert.is(
      met(chances, 8, () => draw),
      draw < 0.5 ? 15 : 16,
    );
  }
});

choices("stay apart where so many stand together that their shares vanish", () => {
  const chances = Array.from({ length: 3000 }, () => 0.5);
  assert.ok(choicesOf(rulesOf(chances)).length > 1);
  for (const first of [0, 300, 332, 333, 2000, 2999]) {
    assert.is(
      met(chances, first, () => 0.4),
      first,
    );
    const next = met(chances, first, () => 0.6); // half of those that pass are met by the next rule
    assert.ok(next === first + 1 || next === first + 2, `${first}: ${next}`);
  }
});

choices.run();
