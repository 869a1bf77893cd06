import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { Engine } from "../../lib/net/engine.js";
import type { ConnectResult, PingResult } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Trace } from "../../lib/net/trace.js";
import type { Network } from "../../lib/net/network.js";
import type { Packet, TcpFlag } from "../../lib/packet/packet.js";
import { bridgeLike, kubenetLike } from "./networks.js";
import { datagram, lans } from "./stack.js";

const wire = (packet: Packet) => `${formatAddr(packet.src)} > ${formatAddr(packet.dst)} ttl ${packet.ttl}`;
const seenAt = async (
  network: Network,
  host: string,
  action: (lab: ReturnType<typeof bootModel>) => Promise<unknown>,
) => {
  const lab = bootModel(network);
  const capture = await lab.capture(host, "eth0");
  await action(lab);
  return (await capture.stop()).map(({ direction, packet }) => `${direction} ${wire(packet)}`);
};
const ttl = ({ replies }: PingResult) => replies.map(reply => reply.ttl);
const seen = (result: ConnectResult) =>
  result.kind === "connected" ? `${result.server} sees ${result.seenAs.address}:${result.seenAs.port}` : result.kind;
const places = (trace: Trace) => trace.hops.map(({ place }) => place);
const reason = ({ disposition }: Trace) =>
  disposition.kind === "dropped" ? disposition.reason.kind : disposition.kind;

const routed = suite("kubenet-like");

routed("a pod reaches a VM as its node, one hop away", async () => {
  assert.equal(await seenAt(kubenetLike(), "testvm", lab => lab.ping("b", "10.13.1.4")), [
    "in 10.13.77.4 > 10.13.1.4 ttl 63",
    "out 10.13.1.4 > 10.13.77.4 ttl 64",
  ]);
  assert.equal(ttl(await bootModel(kubenetLike()).ping("b", "10.13.1.4", { count: 3 })), [63, 63, 63]);
});

routed("a pod reaches a pod of another node as itself, two hops away", async () => {
  assert.equal(await seenAt(kubenetLike(), "b", lab => lab.ping("a", "192.168.1.2")), [
    "in 192.168.0.9 > 192.168.1.2 ttl 62",
    "out 192.168.1.2 > 192.168.0.9 ttl 64",
  ]);
  assert.equal(ttl(await bootModel(kubenetLike()).ping("a", "192.168.0.10")), [64], "on one bridge nobody forwards");
});

routed("without the fabric's routes the pods of two nodes do not meet", () => {
  const trace = bootModel(kubenetLike({ udr: false })).tracePing("a", "192.168.1.2");
  assert.is(reason(trace), "no-translation");
});

routed("a trace names each place, and why a packet went on as it did", () => {
  const trace = bootModel(kubenetLike()).traceConnect("b", "ifconfig.co", 80);
  assert.equal(places(trace), ["b", "node-1", "fabric", "kubernetes", "ifconfig.co"]);
  assert.equal(trace.disposition, { kind: "delivered", host: "ifconfig.co" });
  assert.equal(
    trace.hops.map(({ after }) => wire(after)),
    [
      "192.168.1.2 > 203.0.113.10 ttl 64",
      "10.13.77.4 > 203.0.113.10 ttl 63",
      "10.13.77.4 > 203.0.113.10 ttl 63",
      "137.117.164.147 > 203.0.113.10 ttl 63",
      "137.117.164.147 > 203.0.113.10 ttl 63",
    ],
  );
  assert.equal(
    trace.hops[1]!.steps.map(({ kind }) => kind),
    ["track", "policy", "ttl", "route", "rule", "nat"],
  );
  const [answer] = trace.replies;
  assert.equal(places(answer!), ["ifconfig.co", "kubernetes", "fabric", "node-1", "b"]);
  assert.is(wire(answer!.hops.at(-1)!.after), "203.0.113.10 > 192.168.1.2 ttl 63");
});

routed("a node's ports run out at the load balancer, towards one destination only", async () => {
  const lab = bootModel(kubenetLike());
  const open = (to: string) => lab.connect("a", to, 80, { close: "open" });
  const results = [];
  for (let i = 0; i < 5; i++) results.push(seen(await open("203.0.113.10")));
  assert.equal(
    results,
    [1024, 1025, 1026, 1027].map(port => `ifconfig.co sees 137.117.164.147:${port}`).concat("timeout"),
  );
  assert.is(seen(await lab.connect("b", "203.0.113.10", 80)), "ifconfig.co sees 137.117.164.147:1028");
  assert.equal(
    lab
      .portUse()
      .filter(({ inUse }) => inUse > 0)
      .map(({ source, proto, inUse, allotted, ports }) => ({ source, proto, inUse, allotted, ports })),
    [
      { source: "10.13.77.5", proto: "tcp", inUse: 4, allotted: 4, ports: [1024, 1025, 1026, 1027] },
      { source: "10.13.77.4", proto: "tcp", inUse: 1, allotted: 4, ports: [1028] },
    ],
  );
  await lab.wait(240);
  assert.is(seen(await open("203.0.113.10")), "ifconfig.co sees 137.117.164.147:1024");
});

routed("the load balancer translates no ping", () => {
  assert.is(reason(bootModel(kubenetLike()).tracePing("a", "ifconfig.co")), "untranslatable");
});

routed("what comes from the Internet keeps its destination until a node's rules change it", async () => {
  const result = await bootModel(kubenetLike()).connect("ifconfig.co", "137.117.164.147", 80);
  assert.is(result.kind === "connected" && result.server, "b");
});

routed("a VM's own public address is translated one to one", async () => {
  const result = await bootModel(kubenetLike()).connect("testvm", "ifconfig.co", 80, { sourcePort: 40000 });
  assert.is(seen(result), "ifconfig.co sees 51.144.0.1:40000");
});

routed("TTL ends a packet, and its sender is told by whom", async () => {
  const { replies } = await bootModel(kubenetLike()).ping("a", "192.168.1.2", { ttl: 1 });
  assert.equal(
    replies.map(({ from, kind }) => ({ from, kind })),
    [{ from: "192.168.0.1", kind: "time-exceeded" }],
  );
});

routed("a closed port refuses, so does a closed datagram port, a missing host is silent", async () => {
  const lab = bootModel(kubenetLike());
  const kinds = [
    await lab.connect("a", "10.13.1.4", 81),
    await lab.connect("a", "10.13.1.4", 81, { proto: "udp" }),
    await lab.connect("a", "10.13.1.99", 80),
  ];
  assert.equal(
    kinds.map(({ kind }) => kind),
    ["refused", "refused", "timeout"],
  );
});

routed("a ping to a broadcast address has to be meant", async () => {
  const lab = bootModel(kubenetLike());
  for (const [from, to] of [
    ["a", "255.255.255.255"],
    ["a", "192.168.0.255"],
    ["testvm", "10.13.1.255"],
  ] as const) {
    try {
      await lab.ping(from, to);
      assert.unreachable(to);
    } catch (error) {
      assert.instance(error, InputError);
      assert.match((error as Error).message, /is a broadcast address; expected broadcast: true \(ping -b\)/);
    }
    assert.is((await lab.ping(from, to, { broadcast: true })).received, 0);
  }
});

routed("a host speaks to an address of its own from the first of that address's block", async () => {
  const addresses = ["10.5.0.1", "10.1.0.1", "10.1.0.9"].map(text => ({ address: addr(text), prefix: 24 }));
  const network = lans({}, host => ({
    ...host,
    interfaces: host.interfaces.map(entry => (entry.name === "br0" ? { ...entry, addresses } : entry)),
  }));
  const sourceTo = (to: string) => formatAddr(bootModel(network).tracePing("r", to).packet.src);
  assert.equal(["10.1.0.9", "10.1.0.1", "10.5.0.1", "10.1.1.1", "127.0.0.1"].map(sourceTo), [
    "10.1.0.1",
    "10.1.0.1",
    "10.5.0.1",
    "10.1.1.1",
    "127.0.0.1",
  ]);
});

routed("the fabric carries neither broadcast nor multicast", () => {
  const lab = bootModel(kubenetLike());
  for (const to of ["255.255.255.255", "10.13.1.255", "224.0.0.1", "239.1.2.3"]) {
    const { disposition } = lab.tracePing("testvm", to);
    assert.is(disposition.kind, "copied");
    if (disposition.kind !== "copied") return;
    assert.is(reason(disposition.copies.at(-1)!), "unicast-only");
  }
});

routed("answers over UDP come back to the pod", async () => {
  const result = await bootModel(kubenetLike()).connect("a", "ifconfig.co", 53, { proto: "udp" });
  assert.is(result.kind === "connected" && result.body, "137.117.164.147\n");
});

routed("a ping is sent each second, and takes the time of every place that it passes, twice that at most", async () => {
  const lab = bootModel(kubenetLike(), 1_500_000_000);
  const { replies } = await lab.ping("b", "10.13.1.4", { count: 4 });
  assert.is(lab.now(), 1_500_000_004);
  // b, a pair, the node, the fabric, the VM, and all of it again but for who sends first.
  const least = 2 * (3 * 0.01 + 0.02 + 0.2);
  for (const { milliseconds } of replies)
    assert.ok(milliseconds > least && milliseconds < 2 * least, `${milliseconds}`);
  const before = lab.now();
  const internet = await lab.connect("testvm", "ifconfig.co", 53, { proto: "udp" });
  const took = (lab.now() - before) * 1000;
  const once = 2 * (2 * 0.01 + 0.2 + 4);
  assert.is(internet.kind, "connected");
  assert.ok(took > once && took < 2 * once, `${took}`);
});

routed("a trace takes no time, and leaves a capture's times as they are", () => {
  const lab = bootModel(kubenetLike(), 7);
  lab.tracePing("b", "10.13.1.4");
  lab.traceConnect("b", "ifconfig.co", 80);
  assert.is(lab.now(), 7);
});

routed("clients take the ports from 32768 to 60999 one after the other, then the first again", () => {
  const lab = bootModel(kubenetLike());
  const next = () => {
    const { packet } = lab.traceConnect("testvm", "10.13.1.4", 80);
    return packet.proto === "tcp" ? packet.sport : 0;
  };
  const count = 60999 - 32768 + 1;
  const ports = Array.from({ length: count + 1 }, next);
  assert.is(new Set(ports).size, count);
  assert.is(Math.min(...ports), 32768);
  assert.is(Math.max(...ports), 60999);
  assert.is(ports.at(-1), ports[0]);
  assert.ok(
    ports.every((port, i) => i === 0 || port === ports[i - 1]! + 1 || (port === 32768 && ports[i - 1] === 60999)),
  );
});

routed("every segment of a conversation goes on where the ones before ended", async () => {
  for (const close of ["fin", "rst", "open"] as const) {
    const lab = bootModel(kubenetLike());
    const capture = await lab.capture("testvm", "eth0");
    const result = await lab.connect("testvm", "ifconfig.co", 80, { close });
    assert.is(result.kind === "connected" && result.body, "51.144.0.1\n");
    const segments = (await capture.stop()).flatMap(({ direction, packet }) =>
      packet.proto === "tcp" ? [{ direction, ...packet }] : [],
    );
    const asked = segments.find(({ direction, payload }) => direction === "out" && payload !== "")!;
    assert.is(asked.payload, "GET / HTTP/1.1\r\nHost: ifconfig.co\r\nUser-Agent: egress-lab\r\nAccept: */*\r\n\r\n");
    const ending = { fin: ["out FIN ACK", "in FIN ACK", "out ACK"], rst: ["out RST ACK"], open: [] }[close];
    assert.equal(
      segments.map(
        ({ direction, flags }) =>
          `${direction} ${[...flags].sort((a, b) => (a === "ACK" ? 1 : b === "ACK" ? -1 : 0)).join(" ")}`,
      ),
      [
        "out SYN",
        "in SYN ACK",
        "out ACK",
        "out PSH ACK",
        "in ACK",
        "in PSH ACK",
        ...(close === "rst" ? [] : ["out ACK"]),
        ...ending,
      ],
    );
    // RFC 9293: a segment begins where the end's last one stopped, and acknowledges all that came.
    const next: { in: number | undefined; out: number | undefined } = { in: undefined, out: undefined };
    for (const { direction, flags, seq, ack, payload } of segments) {
      const other = direction === "in" ? "out" : "in";
      assert.is(seq, next[direction] ?? seq);
      if (flags.includes("ACK")) assert.is(ack, next[other]);
      next[direction] = (seq + payload.length + (flags.includes("SYN") || flags.includes("FIN") ? 1 : 0)) >>> 0;
    }
  }
});

routed(
  "a server that has gone resets what comes without a connection, a pod's own port answers as itself",
  async () => {
    const lab = bootModel(kubenetLike());
    const reply = (flags: readonly TcpFlag[], seq: number, ack: number, payload = "") => {
      const { replies } = lab.trace("testvm", {
        proto: "tcp",
        src: addr("10.13.1.4"),
        sport: 4000,
        dst: addr("203.0.113.10"),
        dport: 81,
        ttl: 64,
        flags,
        seq,
        ack,
        payload,
      });
      return replies.map(({ packet }) =>
        packet.proto === "tcp" ? `${packet.flags.join(" ")} ${packet.seq} ${packet.ack}` : "",
      );
    };
    // RFC 9293, 3.10.7.1.
    assert.equal(reply(["SYN"], 100, 0), ["RST ACK 0 101"]);
    assert.equal(reply(["ACK"], 100, 700), ["RST 700 0"]);
    assert.equal(reply(["ACK", "PSH"], 100, 700, "data"), ["RST 700 0"]);
    assert.equal(reply(["FIN"], 100, 0, "data"), ["RST ACK 0 105"]);
    assert.equal(reply(["RST"], 100, 0), []);
  },
);

routed("two answers to one ping are both told, with size and TTL", async () => {
  const { replies, sent, received, size, to } = await bootModel(kubenetLike()).ping("a", "192.168.0.10", {
    count: 2,
    size: 100,
    ttl: 9,
  });
  assert.equal({ sent, received, size, to }, { sent: 2, received: 2, size: 100, to: "192.168.0.10" });
  assert.equal(
    replies.map(({ seq, from, kind, bytes, ttl: left }) => ({ seq, from, kind, bytes, left })),
    [1, 2].map(seq => ({ seq, from: "192.168.0.10", kind: "echo-reply", bytes: 108, left: 64 })),
  );
});

routed("a connection that is silent for 4 minutes is forgotten, and told so where TCP reset is on", async () => {
  const after = async (silence: number, tcpReset: boolean) => {
    const network = kubenetLike();
    const translators = network.fabric.translators.map(translator => ({ ...translator, tcpReset }));
    const lab = bootModel({ ...network, fabric: { ...network.fabric, translators } });
    const capture = await lab.capture("b", "eth0");
    const result = await lab.connect("b", "ifconfig.co", 80, { silence });
    const resets = (await capture.stop()).filter(
      ({ direction, packet }) => direction === "in" && packet.proto === "tcp" && packet.flags.includes("RST"),
    );
    return `${"error" in result ? result.error : result.kind} ${resets.map(({ time }) => Math.round(time)).join(" ")}`;
  };
  assert.is(await after(239.9, true), "connected ");
  assert.is(await after(239.9, false), "connected ");
  assert.is(await after(300, true), "ECONNRESET 240");
  assert.is(await after(300, false), "timeout ");
  const lab = bootModel(kubenetLike());
  await lab.wait(2.5);
  assert.is(lab.now(), 2.5);
  await lab.connect("b", "ifconfig.co", 80, { silence: 0.5 });
  assert.ok(lab.now() >= 3 && lab.now() < 3.1, `${lab.now()}`);
});

routed("a host without a route says so of what it cannot send", () => {
  const { disposition } = bootModel(lans()).trace("r", datagram("10.1.0.1", "203.0.113.9"));
  const reason = { kind: "no-route", destination: addr("203.0.113.9") };
  assert.equal(disposition, { kind: "dropped", place: "r", reason });
});

routed("a packet can be followed without its answer, hop by hop", () => {
  const packet = { ...datagram("10.1.0.2", "10.1.1.2"), dport: 53 };
  const trace = new Engine(lans(), 0).sendUnanswered("a", packet);
  const answered = bootModel(lans()).trace("a", packet);
  assert.equal(
    trace.hops.map(({ place }) => place),
    ["a", "r", "b"],
  );
  assert.equal(trace.hops, answered.hops);
  assert.equal(trace.disposition, answered.disposition);
  assert.ok(answered.replies.length === 1, "somebody listens there");
});

routed("a capture tells when it saw a packet, to the microsecond", async () => {
  const lab = bootModel(kubenetLike(), 1_500_000_000);
  const capture = await lab.capture("b", "eth0");
  await lab.ping("b", "10.13.1.4");
  for (const { time } of await capture.stop()) {
    assert.ok(time > 1_500_000_000 && time < 1_500_000_000.01, `${time}`);
    assert.is(Math.round(time * 1e6) / 1e6, time);
  }
});

routed("a client's first port is one of its range, whatever the seed", () => {
  const network = kubenetLike();
  for (let seed = 1; seed <= 300; seed++) {
    const { packet } = bootModel({ ...network, seed }).traceConnect("testvm", "10.13.1.5", 80);
    assert.ok(packet.proto === "tcp" && packet.sport >= 32768 && packet.sport <= 60999);
  }
});

routed("what a client asks, and how long at least and most", async () => {
  const lab = bootModel(kubenetLike());
  const capture = await lab.capture("b", "eth0");
  await lab.connect("b", "10.13.1.4", 80, { request: "x" });
  const [syn, question] = (await capture.stop()).flatMap(({ direction, packet }) =>
    direction === "out" && packet.proto === "tcp" && (packet.flags.includes("SYN") || packet.payload !== "")
      ? [packet]
      : [],
  );
  assert.equal([syn!.ack, question!.payload], [0, "x"]);
  assert.is((await lab.ping("b", "10.13.1.4", { size: 0 })).replies[0]!.bytes, 8);
  assert.is((await lab.connect("b", "10.13.1.4", 65535)).kind, "refused");
  const message = (action: () => Promise<unknown>) => action().then(String, (error: Error) => error.message);
  assert.match(
    await message(() => lab.connect("b", "10.13.1.4", 65536)),
    /^port: 65536 is out of range; expected 1 to 65535/,
  );
  assert.match(await message(() => lab.connect("b", "10.13.1.4", 0)), /^port: 0 is out of range/);
  assert.match(await message(() => lab.ping("b", "10.13.1.4", { size: -1 })), /^size: -1 is out of range/);
});

routed("traced pings have numbers of their own, and errors are traced like any packet", () => {
  const lab = bootModel(kubenetLike());
  const first = lab.tracePing("b", "10.13.1.4").packet;
  const second = lab.tracePing("b", "10.13.1.4").packet;
  assert.equal(
    [first, second].map(packet =>
      packet.proto === "icmp" && packet.type === "echo-request" ? `${packet.id} ${packet.seq}` : "",
    ),
    ["1 1", "2 1"],
  );
  const error = lab.trace("testvm", {
    ...{ proto: "icmp", type: "unreachable", code: 1, src: addr("10.13.1.4"), dst: addr("10.13.77.4"), ttl: 64 },
    quoted: { proto: "udp", src: addr("10.13.77.4"), sport: 1, dst: addr("10.13.1.4"), dport: 2, ttl: 64, payload: "" },
  });
  assert.equal(places(error), ["testvm", "fabric", "node-1"]);
  assert.is(lab.sendRaw("testvm", error.packet).hops.length, 3);
});

routed("pings of one host have numbers of their own, from 1", async () => {
  const lab = bootModel(kubenetLike());
  const capture = await lab.capture("testvm", "eth0");
  await lab.ping("testvm", "10.13.77.4", { count: 2 });
  await lab.ping("testvm", "10.13.77.4");
  const asked = (await capture.stop()).flatMap(({ packet }) =>
    packet.proto === "icmp" && packet.type === "echo-request" ? [`${packet.id} ${packet.seq}`] : [],
  );
  assert.equal(asked, ["1 1", "1 2", "2 1"]);
});

routed("the same seed gives the same packets at the same times", async () => {
  const run = async () => {
    const lab = bootModel(kubenetLike());
    const capture = await lab.capture("testvm", "eth0");
    await lab.ping("a", "10.13.1.4", { count: 5 });
    return capture.stop();
  };
  assert.equal(await run(), await run());
});

routed("a capture on any tells where a packet came in and by which interface it left", async () => {
  const lab = bootModel(kubenetLike());
  const capture = await lab.capture("node-1", "any");
  await lab.ping("b", "10.13.1.4");
  assert.equal(
    (await capture.stop()).map(({ interface: name, direction, packet }) => `${name} ${direction} ${wire(packet)}`),
    [
      "vethb in 192.168.1.2 > 10.13.1.4 ttl 64",
      "cbr0 in 192.168.1.2 > 10.13.1.4 ttl 64",
      "eth0 out 10.13.77.4 > 10.13.1.4 ttl 63",
      "eth0 in 10.13.1.4 > 10.13.77.4 ttl 64",
      "cbr0 out 10.13.1.4 > 192.168.1.2 ttl 63",
      "vethb out 10.13.1.4 > 192.168.1.2 ttl 63",
    ],
  );
  await lab.ping("b", "10.13.1.4");
  assert.is((await capture.stop()).length, 6);
});

routed("a mistyped host, interface or address is said in one line", async () => {
  const lab = bootModel(kubenetLike());
  const message = (action: () => Promise<unknown>) =>
    action().then(
      () => "no error",
      error => (error instanceof InputError ? error.message : `not an InputError: ${error}`),
    );
  assert.match(
    await message(() => lab.ping("c", "10.13.1.4")),
    /^host: "c" is not in this network; expected one of node-0, a, a2, node-1, b, testvm, ifconfig.co$/,
  );
  assert.match(await message(() => lab.ping("a", "10.13.1")), /is not an IPv4 address/);
  for (const seconds of [Infinity, NaN, -1, 1e10])
    assert.match(
      await message(() => lab.wait(seconds)),
      /^wait: \S+ is out of range; expected seconds, 0 to 3155760000$/,
    );
  assert.match(
    await message(() => lab.ping("a", "example.org")),
    /is no known name; expected an IPv4 address or one of ifconfig.co/,
  );
  assert.match(await message(() => lab.capture("a", "eth9")), /"eth9" does not exist; expected one of lo, eth0/);
  assert.match(
    await message(() => lab.ping("a", "10.13.1.4", { ttl: 0 })),
    /ttl: 0 is out of range; expected 1 to 255 for a TTL/,
  );
});

routed.run();

const bridged = suite("azure-cni-like");

bridged("a pod reaches a VM as itself, with no hop between", async () => {
  assert.equal(await seenAt(bridgeLike(), "testvm", lab => lab.ping("a", "10.13.1.4")), [
    "in 10.13.76.13 > 10.13.1.4 ttl 64",
    "out 10.13.1.4 > 10.13.76.13 ttl 64",
  ]);
});

bridged("a pod reaches pods of its own and of another node as itself", async () => {
  const lab = bootModel(bridgeLike());
  assert.equal([ttl(await lab.ping("a", "10.13.76.28")), ttl(await lab.ping("a", "10.13.76.40"))], [[64], [64]]);
});

bridged("the node's rules translate on the bridge what leaves for the Internet", async () => {
  const lab = bootModel(bridgeLike());
  const trace = lab.traceConnect("a", "ifconfig.co", 80);
  assert.equal(
    trace.hops.map(({ place, after }) => `${place}: ${wire(after)}`),
    [
      "a: 10.13.76.13 > 203.0.113.10 ttl 64",
      "node-0: 10.13.76.4 > 203.0.113.10 ttl 64",
      "fabric: 10.13.76.4 > 203.0.113.10 ttl 64",
      "kubernetes: 137.117.164.147 > 203.0.113.10 ttl 64",
      "ifconfig.co: 137.117.164.147 > 203.0.113.10 ttl 64",
    ],
  );
  assert.is(wire(trace.replies[0]!.hops.at(-1)!.after), "203.0.113.10 > 10.13.76.13 ttl 64");
});

bridged(
  "a service address is translated on the bridge: along it to a pod, up to the host for another subnet",
  async () => {
    const lab = bootModel(bridgeLike());
    const toPod = lab.traceConnect("a", "10.0.134.154", 80);
    assert.equal(places(toPod), ["a", "node-0", "fabric", "node-1", "b"]);
    assert.is(wire(toPod.hops.at(-1)!.after), "10.13.76.13 > 10.13.76.40 ttl 64");
    const result = await lab.connect("a", "10.0.134.155", 80);
    assert.is(result.kind === "connected" && result.server, "testvm");
  },
);

bridged.run();
