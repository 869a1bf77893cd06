import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Closings } from "../../lib/snat/closings.js";

const test = suite("Closings");

test("counts what closes later than now, in whatever order it was opened", () => {
  const steps = fc.array(fc.record({ closes: fc.array(fc.nat(50), { maxLength: 12 }), wait: fc.nat(8) }));
  fc.assert(
    fc.property(steps, list => {
      const closings = new Closings();
      let open: number[] = [];
      let now = 0;
      for (const { closes, wait } of list) {
        for (const after of closes) closings.add(now + after);
        open = [...open, ...closes.map(after => now + after)];
        assert.is(closings.size, open.length);
        now += wait;
        open = open.filter(time => time > now);
        assert.is(closings.openAt(now), open.length);
        assert.is(closings.size, open.length);
      }
    }),
    { numRuns: 300 },
  );
});

test.run();
