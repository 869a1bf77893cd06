import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import { addr } from "../../lib/ip/addr.js";
import { errorOfMany, errorTold, failureOf } from "../../lib/net/socketError.js";
import type { Packet } from "../../lib/packet/packet.js";
import { ask, tellings } from "./stack.js";

const test = suite("what a program is told");

for (const { what, network, to = "10.1.1.2", port, tcp, udp } of tellings)
  test(what, async () => {
    assert.is(await ask(bootModel(network), "a", to, port ?? 80), tcp, "TCP");
    assert.is(await ask(bootModel(network), "a", to, port ?? 53, { proto: "udp" }), udp, "UDP");
  });

/** icmp_err_convert in net/ipv4/icmp.c of Linux: what "destination unreachable" becomes, and whether UDP is told. */
const converted = [
  ["ENETUNREACH", false],
  ["EHOSTUNREACH", false],
  ["ENOPROTOOPT", true],
  ["ECONNREFUSED", true],
  ["EMSGSIZE", false],
  ["EOPNOTSUPP", false],
  ["ENETUNREACH", true],
  ["EHOSTDOWN", true],
  ["ENONET", true],
  ["ENETUNREACH", true],
  ["EHOSTUNREACH", true],
  ["ENETUNREACH", false],
  ["EHOSTUNREACH", false],
  ["EHOSTUNREACH", true],
  ["EHOSTUNREACH", true],
  ["EHOSTUNREACH", true],
] as const;

test("each code of an ICMP error is told as Linux tells it, TCP all of them and UDP the hard ones", () => {
  const quoted: Packet = {
    proto: "udp",
    src: addr("10.1.0.2"),
    sport: 1,
    dst: addr("10.1.1.2"),
    dport: 2,
    ttl: 63,
    payload: "",
  };
  const about = (type: "unreachable" | "time-exceeded", code: number): Packet => ({
    proto: "icmp",
    type,
    code,
    src: addr("10.1.0.1"),
    dst: addr("10.1.0.2"),
    ttl: 64,
    quoted,
  });
  const answer: Packet = { ...quoted, proto: "tcp", flags: ["SYN", "ACK"], seq: 1, ack: 1 };
  for (const [code, [error, hard]] of converted.entries()) {
    assert.is(errorTold("tcp", [answer, about("unreachable", code)]), error, `TCP ${code}`);
    assert.is(errorTold("udp", [quoted, about("unreachable", code)]), hard ? error : undefined, `UDP ${code}`);
  }
  assert.is(errorTold("tcp", [about("time-exceeded", 0)]), "EHOSTUNREACH");
  assert.is(errorTold("udp", [about("time-exceeded", 0)]), undefined);
  assert.is(errorTold("udp", [about("time-exceeded", 0), about("unreachable", 3)]), "ECONNREFUSED");
  assert.is(errorTold("tcp", [about("unreachable", 1), about("unreachable", 3)]), "EHOSTUNREACH");
  assert.is(errorTold("tcp", [{ ...answer, flags: ["RST", "ACK"] }]), "ECONNREFUSED");
  assert.is(errorTold("tcp", []), undefined);
});

test("an error says whether the program was refused, denied, or told that there is no way", () => {
  assert.equal(failureOf("ECONNREFUSED"), { kind: "refused", error: "ECONNREFUSED" });
  assert.equal(failureOf("ETIMEDOUT"), { kind: "timeout" });
  for (const error of ["EPERM", "EACCES", "EINVAL"] as const) assert.equal(failureOf(error), { kind: "denied", error });
  for (const error of ["ENETUNREACH", "EHOSTUNREACH", "EHOSTDOWN", "ENONET", "ENOPROTOOPT"] as const)
    assert.equal(failureOf(error), { kind: "unreachable", error });
  assert.is(errorOfMany("tcp", true), "ENETUNREACH");
  assert.is(errorOfMany("tcp", false), "ENETUNREACH");
  assert.is(errorOfMany("udp", true), "EACCES");
  assert.is(errorOfMany("udp", false), undefined);
});

test.run();
