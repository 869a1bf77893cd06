import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ConnectionTable } from "../../lib/netfilter/connectionTable.js";
import { Tracked, Tuple, udp } from "../../lib/netfilter/tuple.js";

const test = suite("connection table");

/** Few of each, and some that differ in one bit only. */
const part = fc.constantFrom(0, 1, 2, 3, -1, 0x0a010002, 0x0a010003);
const port = fc.constantFrom(0, 1, 2, 1000, 65535);
const step = fc.record({
  kind: fc.constantFrom("insert", "insert", "insert", "insert", "remove", "find", "wait"),
  src: part,
  sport: port,
  dst: part,
  dport: port,
  lives: fc.integer({ min: 1, max: 60 }),
  pick: fc.nat(),
});

test("finds what a plain list finds, however connections come, go and run out", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 400, size: "max" }), steps => {
      let now = 0;
      const table = new ConnectionTable(() => now);
      let list: Tracked[] = [];
      const shown = () => table.list().map(({ original, timeout }) => ({ original, timeout }));
      for (const { kind, src, sport, dst, dport, lives, pick } of steps) {
        const tuple = new Tuple(udp, src, sport, dst, dport);
        list = list.filter(({ expires }) => expires > now);
        const owner = list.find(
          ({ originalTuple, replyTuple }) => originalTuple.equals(tuple) || replyTuple.equals(tuple),
        );
        assert.is(table.find(tuple)?.owner, owner);
        const answers = tuple.invert();
        const answerOwner = list.find(
          ({ originalTuple, replyTuple }) => originalTuple.equals(answers) || replyTuple.equals(answers),
        );
        assert.is(table.findAnswer(udp, src, sport, dst, dport)?.owner, answerOwner);
        const alike = list.filter(({ originalTuple }) => originalTuple.src === src && originalTuple.sport === sport);
        const wanted = ({ originalTuple }: Tracked) => originalTuple.dport !== dport;
        assert.is(table.withSource(tuple, wanted), alike.findLast(wanted));
        if (kind === "insert" && owner === undefined && answerOwner === undefined && !tuple.equals(answers)) {
          const entry = new Tracked(tuple, answers);
          entry.expires = now + lives * 1000;
          table.insert(entry);
          list.push(entry);
        } else if (kind === "remove" && list.length > 0) {
          const [gone] = list.splice(pick % list.length, 1);
          table.remove(gone!);
          table.remove(gone!); // once more changes nothing
        } else if (kind === "wait") now += lives * 100;
        list = list.filter(({ expires }) => expires > now);
        assert.equal(
          shown(),
          list.map(({ original, expires }) => ({ original, timeout: Math.floor((expires - now) / 1000) })),
        );
      }
    }),
    { numRuns: 40 },
  );
});

test("a connection ends at its time, not before", () => {
  let now = 0;
  const table = new ConnectionTable(() => now);
  const tuple = new Tuple(udp, 1, 2, 3, 4);
  const entry = new Tracked(tuple, tuple.invert());
  entry.expires = 1000;
  table.insert(entry);
  now = 999;
  assert.equal([table.list().length, table.find(tuple)?.owner, table.withSource(tuple, () => true)], [1, entry, entry]);
  now = 1000;
  assert.equal(
    [table.list().length, table.withSource(tuple, () => true), table.find(tuple)],
    [0, undefined, undefined],
  );
});

test("keeps no more of the dead than of the living for long", () => {
  let now = 0;
  const table = new ConnectionTable(() => now);
  const insert = (number: number) => {
    const tuple = new Tuple(udp, number, 2, 3, 4);
    const entry = new Tracked(tuple, tuple.invert());
    entry.expires = now + 1000;
    table.insert(entry);
    return entry;
  };
  const dead = Array.from({ length: 400 }, (_, i) => insert(i));
  now = 1000;
  for (let i = 0; i < 400; i++) insert(1000 + i);
  assert.is(dead.filter(({ originalTuple }) => originalTuple.owner !== undefined).length, 0);
  assert.is(table.list().length, 400);
});

test.run();
