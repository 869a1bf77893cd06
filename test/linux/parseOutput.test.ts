import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { parseConntrack, parseCounted, parsePing, pingErrors } from "../../lib/linux/parseOutput.js";
import { emitPacket } from "../../lib/packet/emit.js";
import { flowKey } from "../../lib/packet/flow.js";
import { message } from "../message.js";
import { anyPacket } from "../packet/packets.js";

const test = suite("what Linux's programs print");

test("conntrack: a connection that lacks a number, or has one beyond 16 bits, is refused", () => {
  const line = (ports: string): string =>
    `tcp 6 9 src=10.0.0.1 dst=10.0.0.2 ${ports} src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1`;
  assert.is(parseConntrack(line("sport=1 dport=80")).length, 1);
  for (const ports of ["sport=1", "sport=1 dport=.", "sport=1 dport=65536", "sport=1 dport=8.0", "dport=80"])
    assert.match(
      message(() => parseConntrack(line(ports))),
      /^conntrack: .* is no number of 16 bits/,
      ports,
    );
  assert.match(
    message(() => parseConntrack("tcp 6 many src=10.0.0.1 dst=10.0.0.2")),
    /is no connection/,
  );
  assert.equal(parseConntrack("sctp 132 many"), []);
});

test("conntrack: both tuples, the state, what has been seen", () => {
  const text = `tcp      6 431999 ESTABLISHED src=192.168.0.9 dst=203.0.113.10 sport=40000 dport=80 src=203.0.113.10 dst=10.13.77.5 sport=80 dport=40000 [ASSURED] mark=0 use=1
udp      17 29 src=192.168.0.9 dst=10.0.0.10 sport=5000 dport=53 [UNREPLIED] src=192.168.0.20 dst=192.168.0.9 sport=53 dport=5000 mark=16384 use=1
icmp     1 28 src=192.168.0.9 dst=10.13.1.4 type=8 code=0 id=27 src=10.13.1.4 dst=10.13.77.5 type=0 code=0 id=27 mark=0 use=1
unknown  2 599 src=192.168.0.9 dst=224.0.0.1 [UNREPLIED] src=224.0.0.1 dst=192.168.0.9 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 4 flow entries have been shown.
`;
  const entries = parseConntrack(text).map(({ original, reply, tcpState, unreplied, assured, timeout }) => [
    flowKey(original),
    flowKey(reply),
    tcpState,
    unreplied,
    assured,
    timeout,
  ]);
  const a = (text: string) => addr(text);
  assert.equal(entries, [
    [
      `tcp ${a("192.168.0.9")}:40000 ${a("203.0.113.10")}:80`,
      `tcp ${a("203.0.113.10")}:80 ${a("10.13.77.5")}:40000`,
      "ESTABLISHED",
      false,
      true,
      431999,
    ],
    [
      `udp ${a("192.168.0.9")}:5000 ${a("10.0.0.10")}:53`,
      `udp ${a("192.168.0.20")}:53 ${a("192.168.0.9")}:5000`,
      undefined,
      true,
      false,
      29,
    ],
    [
      `icmp ${a("192.168.0.9")}:27 ${a("10.13.1.4")}:0`,
      `icmp ${a("10.13.1.4")}:0 ${a("10.13.77.5")}:27`,
      undefined,
      false,
      false,
      28,
    ],
  ]);
});

test("iptables-save -c: counters of policies and rules, table by table", () => {
  const { tables } = parseCounted(
    `*nat
:PREROUTING ACCEPT [7:420]
:POSTROUTING ACCEPT [0:0]
:KUBE-X - [0:0]
[3:180] -A POSTROUTING -j KUBE-X
[2:120] -A KUBE-X -p tcp -j MASQUERADE
COMMIT
*filter
:FORWARD DROP [1:60]
[4:240] -A FORWARD -j ACCEPT
COMMIT
`,
    "rules",
  );
  const lines = tables.flatMap(({ name, chains }) =>
    chains.flatMap(chain => [
      `${name} ${chain.name} ${chain.counters.packets}:${chain.counters.bytes}`,
      ...chain.rules.map(rule => `${rule.counters.packets}:${rule.counters.bytes}`),
    ]),
  );
  assert.equal(
    lines.filter(line => !line.endsWith(" 0:0")),
    ["nat PREROUTING 7:420", "3:180", "2:120", "filter FORWARD 1:60", "4:240"],
  );
  assert.throws(
    () => parseCounted("*nat\n[1:2] -A POSTROUTING -m owner --uid-owner 0\nCOMMIT\n", "rules of x"),
    (error: unknown) => error instanceof InputError && error.message.startsWith("rules of x, line 2"),
  );
});

test("ping: answers with TTL and time; errors by the ICMP message itself", () => {
  const text = `PING 10.13.1.4 (10.13.1.4) 56(84) bytes of data.
64 bytes from 10.13.1.4: icmp_seq=1 ttl=63 time=0.617 ms
64 bytes from 10.13.1.4: icmp_seq=2 ttl=63 time=1.75 ms

--- 10.13.1.4 ping statistics ---
`;
  assert.equal(
    parsePing(text).map(({ seq, ttl, from, bytes, milliseconds }) => [seq, ttl, from, bytes, milliseconds]),
    [
      [1, 63, "10.13.1.4", 64, 0.617],
      [2, 63, "10.13.1.4", 64, 1.75],
    ],
  );
  const to = addr("10.13.1.4");
  const about = {
    proto: "icmp",
    type: "echo-request",
    src: addr("192.168.0.9"),
    dst: to,
    ttl: 1,
    id: 3,
    seq: 5,
    size: 56,
  } as const;
  const message = emitPacket({
    proto: "icmp",
    type: "time-exceeded",
    code: 0,
    src: addr("192.168.0.1"),
    dst: about.src,
    ttl: 64,
    quoted: about,
  });
  assert.equal(pingErrors([message], to), [
    { seq: 5, from: "192.168.0.1", kind: "time-exceeded", code: 0, bytes: 92, ttl: 64, milliseconds: 0 },
  ]);
  assert.equal(pingErrors([message], addr("10.13.1.5")), []);
});

test("nothing that these programs could print makes a parser throw what is no InputError", () => {
  fc.assert(fc.property(fc.string(), text => void [parsePing(text)]));
  fc.assert(
    fc.property(
      fc.array(anyPacket),
      packets =>
        void pingErrors(
          packets.map(packet => emitPacket(packet)),
          addr(formatAddr(addr("10.0.0.1"))),
        ),
    ),
  );
  const line =
    "tcp      6 431999 ESTABLISHED src=192.168.0.9 dst=203.0.113.10 sport=40000 dport=80 src=203.0.113.10 dst=10.13.77.5 sport=80 dport=40000 [ASSURED] mark=0";
  fc.assert(
    fc.property(fc.nat(line.length), fc.nat(line.length), (from, to) => {
      try {
        parseConntrack(line.slice(0, from) + line.slice(to));
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }),
  );
});

test.run();
