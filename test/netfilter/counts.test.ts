import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Counts } from "../../lib/netfilter/counts.js";

const test = suite("Counts");

test("are what a map from counter to packets and bytes would hold", () => {
  const counter = fc.oneof(fc.nat(40), fc.nat(1_000_000), fc.nat(2 ** 31 - 2));
  fc.assert(
    fc.property(fc.array(fc.tuple(counter, fc.nat(9000)), { maxLength: 400 }), fc.array(counter), (hits, others) => {
      const counts = new Counts();
      const expected = new Map<number, { packets: number; bytes: number }>();
      for (const [number, bytes] of hits) {
        counts.add(number, bytes);
        const before = expected.get(number) ?? { packets: 0, bytes: 0 };
        expected.set(number, { packets: before.packets + 1, bytes: before.bytes + bytes });
      }
      for (const number of [...expected.keys(), ...others])
        assert.equal(counts.read(number), expected.get(number) ?? { packets: 0, bytes: 0 });
    }),
  );
});

test("count bytes past 32 bits", () => {
  const counts = new Counts();
  for (let i = 0; i < 100; i++) counts.add(7, 2 ** 31);
  assert.equal(counts.read(7), { packets: 100, bytes: 100 * 2 ** 31 });
});

test.run();
