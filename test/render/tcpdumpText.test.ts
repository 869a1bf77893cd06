import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr } from "../../lib/ip/addr.js";
import type { Captured } from "../../lib/net/lab.js";
import type { IcmpEcho, IcmpError, Packet, Tcp, TcpFlag, Udp } from "../../lib/packet/packet.js";
import { writePcap } from "../../lib/packet/pcap.js";
import { printTcpdump } from "../../lib/render/tcpdumpText.js";
import { hasTool } from "../tools.js";

const pod = addr("10.13.76.13");
const vm = addr("10.13.1.4");
const base = { src: pod, dst: vm, ttl: 64 };
const request: IcmpEcho = { ...base, proto: "icmp", type: "echo-request", id: 16, seq: 33, size: 56 };
const reply: IcmpEcho = { ...request, type: "echo-reply", src: vm, dst: pod };
const tcp = (flags: readonly TcpFlag[], seq: number, ack: number, payload = "", back = false): Tcp => ({
  proto: "tcp",
  ttl: 64,
  ...(back ? { src: vm, sport: 80, dst: pod, dport: 40000 } : { src: pod, sport: 40000, dst: vm, dport: 80 }),
  flags,
  seq,
  ack,
  payload,
});
const udp: Udp = { ...base, proto: "udp", sport: 40000, dport: 7, payload: "hello" };
const error = (type: IcmpError["type"], code: number, quoted: IcmpError["quoted"]): IcmpError => ({
  proto: "icmp",
  src: addr("10.13.76.4"),
  dst: pod,
  ttl: 64,
  type,
  code,
  quoted,
});
const start = Date.UTC(2018, 11, 5, 22, 11, 58) / 1000 + 0.729044;
const at = (packets: readonly Packet[]): readonly Captured[] =>
  packets.map((packet, index) => ({ time: start + index / 1000, direction: "in", interface: "eth0", packet }));
const lines = (packets: readonly Packet[]) =>
  printTcpdump(at(packets), { interface: "eth0", numeric: true, heading: false }).split("\n");

const conversation = [
  tcp(["SYN"], 1000, 0),
  tcp(["SYN", "ACK"], 5000, 1001, "", true),
  tcp(["ACK"], 1001, 5001),
  tcp(["ACK", "PSH"], 1001, 5001, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
  tcp(["ACK", "PSH"], 5001, 1028, "HTTP/1.1 200 OK\r\n\r\n10.13.76.13\n", true),
  tcp(["FIN", "ACK"], 1028, 5032),
  tcp(["FIN", "ACK"], 5032, 1029, "", true),
  tcp(["RST"], 1029, 0),
];

const tcpdump = suite("printTcpdump");

tcpdump("shows the host's own name, under the heading", () => {
  assert.is(
    printTcpdump(at([request, reply]), { interface: "eth0", own: { name: "testvm", addresses: [vm] } }),
    `tcpdump: verbose output suppressed, use -v or -vv for full protocol decode
listening on eth0, link-type EN10MB (Ethernet), capture size 262144 bytes
22:11:58.729044 IP 10.13.76.13 > testvm: ICMP echo request, id 16, seq 33, length 64
22:11:58.730044 IP testvm > 10.13.76.13: ICMP echo reply, id 16, seq 33, length 64`,
  );
});

tcpdump("shows numbers relative to where a TCP conversation began", () => {
  assert.equal(
    lines(conversation).map(line => line.slice(16)),
    [
      "IP 10.13.76.13.40000 > 10.13.1.4.80: Flags [S], seq 1000, win 64240, length 0",
      "IP 10.13.1.4.80 > 10.13.76.13.40000: Flags [S.], seq 5000, ack 1001, win 64240, length 0",
      "IP 10.13.76.13.40000 > 10.13.1.4.80: Flags [.], ack 1, win 64240, length 0",
      "IP 10.13.76.13.40000 > 10.13.1.4.80: Flags [P.], seq 1:28, ack 1, win 64240, length 27: HTTP: GET / HTTP/1.1",
      "IP 10.13.1.4.80 > 10.13.76.13.40000: Flags [P.], seq 1:32, ack 28, win 64240, length 31: HTTP: HTTP/1.1 200 OK",
      "IP 10.13.76.13.40000 > 10.13.1.4.80: Flags [F.], seq 28, ack 32, win 64240, length 0",
      "IP 10.13.1.4.80 > 10.13.76.13.40000: Flags [F.], seq 32, ack 29, win 64240, length 0",
      "IP 10.13.76.13.40000 > 10.13.1.4.80: Flags [R], seq 1029, win 0, length 0",
    ],
  );
});

tcpdump("names well-known ports unless asked not to", () => {
  assert.match(printTcpdump(at([conversation[0]!]), { interface: "eth0" }), /10\.13\.1\.4\.http: Flags/);
});

tcpdump("counts what it saw when it ends, if its ^C reaches it", () => {
  assert.match(
    printTcpdump(at([request]), { interface: "any", end: "full" }),
    /LINUX_SLL.*\n.*\n1 packet captured\n1 packet received by filter\n0 packets dropped by kernel$/,
  );
  assert.match(printTcpdump(at([request]), { interface: "eth0", end: "interrupted" }), /\n\^C\n1 packet captured/);
  assert.match(printTcpdump(at([request]), { interface: "eth0", end: "cut" }), /length 64\n\^C$/);
});

if (hasTool("tcpdump", "apt-get install tcpdump")) {
  const real = (packets: readonly Packet[]): readonly string[] => {
    const folder = mkdtempSync(join(tmpdir(), "render-tcpdump-"));
    try {
      const file = join(folder, "packets.pcap");
      writeFileSync(file, writePcap(at(packets)));
      const result = spawnSync("tcpdump", ["-nn", "-r", file], {
        encoding: "utf8",
        env: { ...process.env, TZ: "UTC" },
      });
      return result.stdout.trimEnd().split("\n");
    } finally {
      rmSync(folder, { recursive: true });
    }
  };
  const same = (packets: readonly Packet[]) => assert.equal(lines(packets), real(packets));

  tcpdump("prints each kind of packet as tcpdump itself does", () => {
    const errors = [request, conversation[0]!, udp].flatMap(quoted => [
      error("time-exceeded", 0, quoted),
      ...[0, 1, 2, 3, 9, 10, 13].map(code => error("unreachable", code, quoted)),
    ]);
    same([request, reply, udp, ...errors, ...conversation]);
  });

  tcpdump("agrees with tcpdump on any conversation", () => {
    const flags = fc.constantFrom<readonly TcpFlag[]>(
      ["SYN"],
      ["SYN", "ACK"],
      ["ACK"],
      ["ACK", "PSH"],
      ["FIN", "ACK"],
      ["RST"],
      ["RST", "ACK"],
      ["FIN"],
    );
    const number = fc.nat(0xffffffff);
    const segment = fc.record({
      flags,
      seq: number,
      ack: number,
      back: fc.boolean(),
      sport: fc.constantFrom(40000, 40001),
    });
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 60 }), segments =>
        same(
          segments.map(({ flags: bits, seq, ack, back, sport }) => ({
            ...tcp(bits, seq, ack, "", back),
            [back ? "dport" : "sport"]: sport,
          })),
        ),
      ),
      { numRuns: 30 },
    );
  });
}

tcpdump.run();
