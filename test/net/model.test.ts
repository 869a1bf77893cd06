import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { formatAddr } from "../../lib/ip/addr.js";
import type { ConnectResult, PingResult } from "../../lib/net/lab.js";
import { bootModel } from "../../lib/net/model.js";
import type { Trace } from "../../lib/net/trace.js";
import type { Network } from "../../lib/net/types.js";
import type { Packet } from "../../lib/packet/packet.js";
import { bridgeLike, kubenetLike } from "./networks.js";

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
