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

test("agrees with a search through all routes", () => {
  const address = fc.integer({ min: 0, max: 0xffffffff }).map(value => value as Addr);
  const route = fc
    .tuple(address, fc.integer({ min: 0, max: 32 }))
    .map(([base, prefix]) => ({ to: cidrOf(base, prefix) }));
  fc.assert(
    fc.property(fc.array(route, { maxLength: 20 }), address, (routes, destination) => {
      const [longest] = routes.filter(({ to }) => contains(to, destination)).sort((a, b) => b.to.prefix - a.to.prefix);
      assert.is(routingTable(routes).lookup(destination), longest);
    }),
  );
});

test.run();
