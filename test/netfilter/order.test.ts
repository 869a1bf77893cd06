import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cidr } from "../../lib/ip/cidr.js";
import { keptProbability, matchesInOrder } from "../../lib/netfilter/order.js";
import type { Match } from "../../lib/netfilter/ruleset.js";

const tcp: Match = { kind: "protocol", not: false, proto: "tcp" };
const from: Match = { kind: "source", not: false, cidr: cidr("10.0.0.0/8") };
const eth0: Match = { kind: "in", not: false, interface: "eth0" };
const note: Match = { kind: "comment", text: "first" };
const mark: Match = { kind: "mark", not: false, value: 1, mask: 1 };

const test = suite("netfilter/order");

test("heads come in iptables' own order, extensions after them as they were given", () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([tcp, from, eth0], { minLength: 3 }), fc.boolean(), (heads, noteFirst) => {
      const extensions = noteFirst ? [note, mark] : [mark, note];
      assert.equal(matchesInOrder([extensions[0]!, ...heads, extensions[1]!]), [from, eth0, tcp, ...extensions]);
    }),
  );
});

test("a condition that everything meets is forgotten, its opposite is kept", () => {
  const anywhere: Match = { kind: "source", not: false, cidr: cidr("0.0.0.0/0") };
  const nowhere: Match = { ...anywhere, not: true };
  const any: Match = { kind: "out", not: false, interface: "+" };
  const none: Match = { ...any, not: true };
  assert.equal(matchesInOrder([anywhere, any, tcp]), [tcp]);
  assert.equal(matchesInOrder([none, nowhere]), [nowhere, none]);
});

test("a probability is kept as the nearest multiple of 2^-31", () => {
  assert.is(keptProbability(0.5), 0.5);
  assert.is(keptProbability(1 / 3) * 2 ** 31, 715_827_883);
});

test.run();
