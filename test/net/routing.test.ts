import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Addr, addr } from "../../lib/ip/addr.js";
import { cidr, cidrOf, contains } from "../../lib/ip/cidr.js";
import { routingTable } from "../../lib/net/routing.js";

const test = suite("routing");

test("the longest prefix wins, and of equal ones the first given", () => {
  const table = routingTable([
    { to: cidr("0.0.0.0/0"), name: "default" },
    { to: cidr("192.168.0.0/24"), name: "pods of node 0" },
    { to: cidr("192.168.0.0/16"), name: "all pods" },
    { to: cidr("192.168.0.0/16"), name: "never" },
  ]);
  assert.is(table.lookup(addr("192.168.0.9"))?.name, "pods of node 0");
  assert.is(table.lookup(addr("192.168.1.2"))?.name, "all pods");
  assert.is(table.lookup(addr("10.13.1.4"))?.name, "default");
  assert.is(routingTable([]).lookup(addr("10.13.1.4")), undefined);
});

test("takes more routes than 15 bits count", () => {
  const count = 40_000;
  const base = addr("10.0.0.0");
  const table = routingTable(
    Array.from({ length: count }, (_, i) => ({ to: cidrOf((base + i) as Addr, 32), number: i })),
  );
  for (const number of [0, 1, 255, 256, 32_766, 32_767, 32_768, count - 1])
    assert.is(table.lookup((base + number) as Addr)?.number, number);
  assert.is(table.lookup((base + count) as Addr), undefined);
});

test("agrees with a search through all routes, be they few or many", () => {
  const address = fc.integer({ min: 0, max: 0xffffffff }).map(value => value as Addr);
  const prefix = fc.integer({ min: 0, max: 32 });
  const route = fc.tuple(address, prefix).map(([base, length]) => ({ to: cidrOf(base, length) }));
  const routes = fc.oneof(fc.array(route, { maxLength: 20 }), fc.array(route, { minLength: 50, maxLength: 300 }));
  /** Blocks within blocks: some routes again, longer, shorter or the same. */
  const nested = fc
    .tuple(routes, fc.array(fc.tuple(fc.nat(), prefix), { maxLength: 60 }))
    .map(([given, more]) => [
      ...given,
      ...(given.length === 0
        ? []
        : more.map(([index, length]) => ({ to: cidrOf(given[index % given.length]!.to.base, length) }))),
    ]);
  fc.assert(
    fc.property(
      nested,
      fc.array(fc.tuple(address, fc.nat(), prefix), { minLength: 1, maxLength: 60 }),
      (given, asked) => {
        const table = routingTable(given);
        for (const [random, index, keep] of asked) {
          const near = given[index % Math.max(given.length, 1)]?.to.base ?? random;
          const destination = ((cidrOf(near, keep).base | (random - cidrOf(random, keep).base)) >>> 0) as Addr;
          const [longest] = given
            .filter(({ to }) => contains(to, destination))
            .sort((a, b) => b.to.prefix - a.to.prefix);
          assert.is(table.lookup(destination), longest);
        }
      },
    ),
    { numRuns: 200 },
  );
});

test.run();
