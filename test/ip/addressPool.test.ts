import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Addr, addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr, cidrOf } from "../../lib/ip/cidr.js";
import { pool } from "../../lib/ip/addressPool.js";

const test = suite("pool");
const text = (allocation: ReturnType<ReturnType<typeof pool>["first"]>) =>
  allocation.kind === "allocated" ? formatAddr(allocation.address) : allocation.kind;

test("takes the lowest free address, or the next one after the last taken", () => {
  const nodes = pool(
    cidr("10.13.77.0/24"),
    [0, 1, 2, 3, 255].map(i => addr(`10.13.77.${i}`)),
  );
  assert.is(nodes.capacity, 251);
  assert.is(text(nodes.first()), "10.13.77.4");
  assert.is(text(nodes.first()), "10.13.77.5");
  nodes.release(addr("10.13.77.4"));
  assert.is(text(nodes.first()), "10.13.77.4");

  const pods = pool(cidr("192.168.0.0/29"), [addr("192.168.0.0"), addr("192.168.0.1"), addr("192.168.0.7")]);
  assert.equal([pods.next(), pods.next()].map(text), ["192.168.0.2", "192.168.0.3"]);
  pods.release(addr("192.168.0.2"));
  assert.equal([pods.next(), pods.next(), pods.next(), pods.next()].map(text), [
    "192.168.0.4",
    "192.168.0.5",
    "192.168.0.6",
    "192.168.0.2",
  ]);
  assert.is(text(pods.next()), "exhausted");
});

test("refuses what can never be handed out", () => {
  const nodes = pool(cidr("10.13.77.0/24"), [addr("10.13.77.1")]);
  assert.throws(() => nodes.reserve(addr("10.13.78.1")), /expected an address of 10.13.77.0\/24/);
  assert.throws(() => nodes.reserve(addr("10.13.77.1")), /cannot be handed out/);
  assert.is(nodes.reserve(addr("10.13.77.9")), true);
  assert.is(nodes.reserve(addr("10.13.77.9")), false);
});

test("never hands an address out twice, and counts what is left", () => {
  const action = fc.oneof(fc.constant("first" as const), fc.constant("next" as const), fc.nat(20));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), actions => {
      const subject = pool(cidrOf(addr("10.0.0.0"), 28), [addr("10.0.0.0"), addr("10.0.0.15")]);
      const held: Addr[] = [];
      for (const step of actions) {
        if (typeof step === "number") {
          const [gone] = held.splice(step % (held.length || 1), 1);
          if (gone !== undefined) assert.ok(subject.release(gone));
        } else {
          const got = subject[step]();
          if (got.kind === "allocated") {
            assert.not.ok(held.includes(got.address));
            held.push(got.address);
          } else assert.is(held.length, subject.capacity);
        }
        assert.is(subject.free, subject.capacity - held.length);
      }
    }),
  );
});

test.run();
