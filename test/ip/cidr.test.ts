import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { type Addr, addr, formatAddr } from "../../lib/ip/addr.js";
import {
  cidr,
  cidrOf,
  cidrSize,
  contains,
  covers,
  formatCidr,
  hostCidr,
  lastOf,
  nth,
  overlaps,
} from "../../lib/ip/cidr.js";

const anyAddr = fc.integer({ min: 0, max: 0xffffffff }).map(value => value as Addr);
const anyBlock = fc.tuple(anyAddr, fc.integer({ min: 0, max: 32 })).map(([address, prefix]) => cidrOf(address, prefix));
const message = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    assert.instance(error, InputError);
    return (error as Error).message;
  }
  throw new Error("expected an InputError");
};

const address = suite("addr");

address("prints what it reads", () => {
  for (const text of ["0.0.0.0", "10.13.1.4", "192.168.0.9", "255.255.255.255"])
    assert.is(formatAddr(addr(text)), text);
  fc.assert(fc.property(anyAddr, value => addr(formatAddr(value)) === value));
});

address("names the value and what would be right", () => {
  assert.is(
    message(() => addr("10.13.1.256", "vms[0].address")),
    'vms[0].address: "10.13.1.256" is not an IPv4 address; expected an IPv4 address a.b.c.d, each part 0-255',
  );
  assert.match(
    message(() => addr("10.1.1")),
    /is not an IPv4 address/,
  );
  assert.match(
    message(() => addr("010.1.1.1")),
    /is not an IPv4 address/,
  );
  assert.match(
    message(() => addr("fe80::1")),
    /IPv6 address, which is not supported/,
  );
});

address("returns or throws an InputError, whatever is given", () => {
  const text = fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9./:]{0,20}$/));
  fc.assert(
    fc.property(fc.oneof(text, fc.anything()), given => {
      for (const parse of [addr, cidr]) {
        try {
          parse(given as string);
        } catch (error) {
          assert.instance(error, InputError);
        }
      }
    }),
  );
});

address.run();

const block = suite("cidr");

block("prints what it reads", () => {
  for (const text of ["0.0.0.0/0", "10.13.76.0/24", "192.168.0.0/16", "10.13.1.4/32"])
    assert.is(formatCidr(cidr(text)), text);
  fc.assert(fc.property(anyBlock, value => formatCidr(cidr(formatCidr(value))) === formatCidr(value)));
});

block("offers the block that was probably meant", () => {
  assert.is(
    message(() => cidr("10.13.76.4/24", "subnets[0].prefix")),
    'subnets[0].prefix: "10.13.76.4/24" has address bits beyond its prefix; expected 10.13.76.0/24',
  );
  assert.match(
    message(() => cidr("10.0.0.0/33")),
    /is not a CIDR/,
  );
  assert.is(
    message(() => cidr("10.13.0/16", "podCidr")),
    'podCidr: "10.13.0/16" is not a CIDR; expected a CIDR a.b.c.d/0-32',
  );
  for (const text of ["0.0.0.0/00", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8 "])
    assert.match(
      message(() => cidr(text)),
      /is not a CIDR/,
    );
  assert.is(
    message(() => addr(5 as unknown as string)),
    "address: 5 is not text; expected an IPv4 address a.b.c.d, each part 0-255",
  );
  assert.match(
    message(() => cidr("fd00::/8")),
    /IPv6 range, which is not supported/,
  );
});

block("holds its first and last address and none beyond", () => {
  fc.assert(
    fc.property(anyBlock, value => {
      assert.ok(contains(value, value.base) && contains(value, lastOf(value)));
      if (value.prefix > 0) assert.not.ok(contains(value, ((lastOf(value) + 1) % 2 ** 32) as Addr));
      assert.is(nth(value, cidrSize(value) - 1), lastOf(value));
    }),
  );
});

block("overlaps exactly when one covers the other", () => {
  assert.ok(overlaps(cidr("10.0.0.0/8"), cidr("10.13.0.0/16")));
  assert.not.ok(overlaps(cidr("10.13.76.0/24"), cidr("10.13.77.0/24")));
  fc.assert(
    fc.property(anyBlock, anyBlock, (a, b) => overlaps(a, b) === overlaps(b, a) && (!covers(a, b) || overlaps(a, b))),
  );
  assert.ok(covers(cidr("10.13.0.0/16"), hostCidr(addr("10.13.1.4"))));
});

block("refuses an index outside", () => {
  assert.is(formatAddr(nth(cidr("10.13.76.0/24"), 4)), "10.13.76.4");
  assert.match(
    message(() => nth(cidr("10.13.76.0/24"), 256)),
    /expected 0 to 255/,
  );
});

block.run();
