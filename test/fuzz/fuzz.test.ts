import { suite } from "uvu";
import * as assert from "uvu/assert";
import { targets } from "./targets/all.js";
import { fuzz } from "./watch.js";

/** A short run of each fuzzer, the same each time; `npm run fuzz` goes on for longer. */
const test = suite("fuzz");

const { found, ran } = await fuzz(
  targets.map(({ name }) => name),
  { seed: 1, guided: false, limit: 60, slow: 1e6 },
);

for (const { name, about } of targets)
  test(`${name}: ${about}`, () => {
    const wrong = found.filter(each => each.name === name);
    assert.equal(
      wrong.map(
        ({ message, from, input }) =>
          `${message} (${from}: ${JSON.stringify(Buffer.from(input).toString().slice(0, 300))})`,
      ),
      [],
    );
    assert.ok(ran.get(name)!.runs > 0);
  });

test.run();
