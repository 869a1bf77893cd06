import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Addr } from "../../lib/ip/addr.js";
import { type Flow, type FlowPacket, flowOf, invert, rewrite } from "../../lib/packet/flow.js";

const address = fc.integer({ min: 0, max: 0xffffffff }).map(value => value as Addr);
const port = fc.nat(0xffff);
const header = { src: address, dst: address, ttl: fc.integer({ min: 1, max: 255 }) };
const anyFlowPacket: fc.Arbitrary<FlowPacket> = fc.oneof(
  fc.record({ ...header, proto: fc.constant("udp" as const), sport: port, dport: port, payload: fc.string() }),
  fc.record({
    ...header,
    proto: fc.constant("tcp" as const),
    sport: port,
    dport: port,
    flags: fc.constant(["SYN" as const]),
    seq: fc.nat(),
    ack: fc.nat(),
    payload: fc.constant(""),
  }),
  fc.record({
    ...header,
    proto: fc.constant("icmp" as const),
    type: fc.constantFrom("echo-request" as const, "echo-reply" as const),
    id: port,
    seq: port,
    size: fc.nat(1400),
  }),
);

const test = suite("flow");

test("inverting twice changes nothing", () => {
  fc.assert(fc.property(anyFlowPacket, packet => assert.equal(invert(invert(flowOf(packet))), flowOf(packet))));
});

test("a rewritten packet belongs to the flow that it was rewritten to", () => {
  fc.assert(
    fc.property(anyFlowPacket, address, port, address, port, (packet, src, sport, dst, dport) => {
      const asked = packet.proto !== "icmp" || packet.type === "echo-request";
      const told = packet.proto !== "icmp" || packet.type === "echo-reply";
      const to: Flow = { proto: packet.proto, src, sport: asked ? sport : 0, dst, dport: told ? dport : 0 };
      assert.equal(flowOf(rewrite(packet, to)), to);
    }),
  );
});

test.run();
