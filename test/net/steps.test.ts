import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { cidr, formatCidr } from "../../lib/ip/cidr.js";
import { addressChanges, formatChangedBy } from "../../lib/net/addressChange.js";
import { bootModel } from "../../lib/net/model.js";
import type { Hop, Step, Trace } from "../../lib/net/trace.js";
import type { Network, UserRoute } from "../../lib/net/network.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { formatRule } from "../../lib/netfilter/print.js";
import { flowOf, isFlowPacket, type Flow } from "../../lib/packet/flow.js";
import type { Packet } from "../../lib/packet/packet.js";
import { bridgeLike, kubenetLike } from "./networks.js";
import { datagram, lans } from "./stack.js";

const flow = ({ src, sport, dst, dport }: Flow): string => `${formatAddr(src)}:${sport} > ${formatAddr(dst)}:${dport}`;
const packetText = (packet: Packet): string =>
  isFlowPacket(packet)
    ? flow(flowOf(packet))
    : `${formatAddr(packet.src)} > ${formatAddr(packet.dst)} ${packet.type} ${packet.code} about ${flow(flowOf(packet.quoted))}`;

const step = (of: Step): string => {
  switch (of.kind) {
    case "rule":
      return `${of.hook} ${of.table} ${of.chain} ${of.number}: ${formatRule(of.rule)}`;
    case "policy":
      return `${of.hook} ${of.table} policy ${of.policy}`;
    case "mark":
      return `mark ${of.before} to ${of.after}`;
    case "track":
      return `${of.state}${of.original === undefined ? "" : ` ${flow(of.original)}, answers ${flow(of.reply!)}`}`;
    case "nat":
      return `${of.hook} ${of.which} ${flow(of.before)} to ${flow(of.after)} by ${of.by}`;
    case "route":
      return `route ${formatCidr(of.route.to)} ${of.route.dev}${of.onLink ? " on link" : ` via ${formatAddr(of.route.via!)}`}`;
    case "local":
      return `for ${formatAddr(of.address)}`;
    case "bridge":
      return `${of.bridge} ${of.from} to ${of.to}${of.filtered ? ", rules" : ""}`;
    case "ttl":
      return `ttl ${of.before} to ${of.after}`;
    case "fabric-route":
      return `route ${typeof of.route === "string" ? of.route : of.route.name} to ${formatAddr(of.to)}`;
    case "translate":
      return `${of.translator} ${flow(of.before)} to ${flow(of.after)}, ${of.fresh ? "a new port, " : ""}${of.portsInUse} of ${of.portsAllotted}`;
    case "public-address":
      return `${flow(of.before)} to ${flow(of.after)}`;
    case "inbound":
      return `rule ${of.rule} to ${formatAddr(of.backend)}`;
  }
};
const hop = ({ kind, place, in: came, out, steps }: Hop): readonly string[] => [
  `${kind} ${place}${came === undefined ? "" : ` in ${came}`}${out === undefined ? "" : ` out ${out}`}`,
  ...steps.map(of => `  ${step(of)}`),
];
const end = ({ disposition }: Trace): string => {
  if (disposition.kind === "delivered") return `delivered to ${disposition.host}`;
  return disposition.kind === "dropped" ? `dropped: ${disposition.reason.kind}` : disposition.kind;
};
const text = (trace: Trace): readonly string[] => [
  packetText(trace.packet),
  ...trace.hops.flatMap(hop),
  end(trace),
  ...trace.replies.flatMap(text),
];

const test = suite("every step of a packet's way");

const conversation = (network: Network, from: string, to: string, sourcePort = 40000) =>
  text(bootModel(network).traceConnect(from, to, 80, { sourcePort }));

test("a pod's connection to the Internet, and its answer", () => {
  assert.equal(conversation(kubenetLike(), "b", "ifconfig.co"), [
    "192.168.1.2:40000 > 203.0.113.10:80",
    "host b out eth0",
    "  route 0.0.0.0/0 eth0 via 192.168.1.1",
    "host node-1 in vethb out eth0",
    "  NEW 192.168.1.2:40000 > 203.0.113.10:80, answers 203.0.113.10:80 > 192.168.1.2:40000",
    "  PREROUTING nat policy ACCEPT",
    "  ttl 64 to 63",
    "  route 0.0.0.0/0 eth0 via 10.13.77.1",
    "  POSTROUTING nat POSTROUTING 1: ! -d 192.168.0.0/16 -m addrtype ! --dst-type LOCAL -j MASQUERADE",
    "  POSTROUTING source 192.168.1.2:40000 > 203.0.113.10:80 to 10.13.77.4:40000 > 203.0.113.10:80 by rule",
    "fabric fabric in node-1",
    "  route internet to 203.0.113.10",
    "translator kubernetes",
    "  kubernetes 10.13.77.4:40000 > 203.0.113.10:80 to 137.117.164.147:1028 > 203.0.113.10:80, a new port, 1 of 4",
    "host ifconfig.co in eth0",
    "  for 203.0.113.10",
    "delivered to ifconfig.co",
    "203.0.113.10:80 > 137.117.164.147:1028",
    "host ifconfig.co out eth0",
    "  route 0.0.0.0/0 eth0 on link",
    "translator kubernetes",
    "  kubernetes 203.0.113.10:80 > 137.117.164.147:1028 to 203.0.113.10:80 > 10.13.77.4:40000, 1 of 4",
    "fabric fabric out node-1",
    "host node-1 in eth0 out cbr0",
    "  ESTABLISHED 192.168.1.2:40000 > 203.0.113.10:80, answers 203.0.113.10:80 > 10.13.77.4:40000",
    "  PREROUTING destination 203.0.113.10:80 > 10.13.77.4:40000 to 203.0.113.10:80 > 192.168.1.2:40000 by connection",
    "  ttl 64 to 63",
    "  route 192.168.1.0/24 cbr0 on link",
    "host b in eth0",
    "  for 192.168.1.2",
    "delivered to b",
  ]);
});

test("a VM's own public address, there and back", () => {
  assert.equal(conversation(kubenetLike(), "testvm", "ifconfig.co"), [
    "10.13.1.4:40000 > 203.0.113.10:80",
    "host testvm out eth0",
    "  route 0.0.0.0/0 eth0 via 10.13.1.1",
    "fabric fabric in testvm",
    "  route internet to 203.0.113.10",
    "  10.13.1.4:40000 > 203.0.113.10:80 to 51.144.0.1:40000 > 203.0.113.10:80",
    "host ifconfig.co in eth0",
    "  for 203.0.113.10",
    "delivered to ifconfig.co",
    "203.0.113.10:80 > 51.144.0.1:40000",
    "host ifconfig.co out eth0",
    "  route 0.0.0.0/0 eth0 on link",
    "fabric fabric out testvm",
    "  203.0.113.10:80 > 51.144.0.1:40000 to 203.0.113.10:80 > 10.13.1.4:40000",
    "host testvm in eth0",
    "  for 10.13.1.4",
    "delivered to testvm",
  ]);
});

test("a connection from the Internet to a rule of the load balancer", () => {
  assert.equal(conversation(kubenetLike(), "ifconfig.co", "137.117.164.147").slice(0, 17), [
    "203.0.113.10:40000 > 137.117.164.147:80",
    "host ifconfig.co out eth0",
    "  route 0.0.0.0/0 eth0 on link",
    "translator kubernetes",
    "  rule whereami to 10.13.77.4",
    "fabric fabric out node-1",
    "host node-1 in eth0 out cbr0",
    "  NEW 203.0.113.10:40000 > 137.117.164.147:80, answers 137.117.164.147:80 > 203.0.113.10:40000",
    "  PREROUTING nat PREROUTING 1: -d 137.117.164.147/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.168.1.2:80",
    "  PREROUTING destination 203.0.113.10:40000 > 137.117.164.147:80 to 203.0.113.10:40000 > 192.168.1.2:80 by rule",
    "  ttl 64 to 63",
    "  route 192.168.1.0/24 cbr0 on link",
    "  POSTROUTING nat policy ACCEPT",
    "host b in eth0",
    "  for 192.168.1.2",
    "delivered to b",
    "192.168.1.2:80 > 203.0.113.10:40000",
  ]);
});

test("a pod of another node, by a user's route through its node", () => {
  assert.equal(conversation(kubenetLike(), "a", "192.168.1.2").slice(7, 17), [
    "  route 0.0.0.0/0 eth0 via 10.13.77.1",
    "  POSTROUTING nat policy ACCEPT",
    "fabric fabric in node-0 out node-1",
    "  route node-1 to 192.168.1.2",
    "host node-1 in eth0 out cbr0",
    "  NEW 192.168.0.9:40000 > 192.168.1.2:80, answers 192.168.1.2:80 > 192.168.0.9:40000",
    "  PREROUTING nat policy ACCEPT",
    "  ttl 63 to 62",
    "  route 192.168.1.0/24 cbr0 on link",
    "  POSTROUTING nat policy ACCEPT",
  ]);
});

test("a service's address on a bridge whose rules translate", () => {
  assert.equal(conversation(bridgeLike(), "a", "10.0.134.154").slice(0, 13), [
    "10.13.76.13:40000 > 10.0.134.154:80",
    "host a out eth0",
    "  route 0.0.0.0/0 eth0 via 10.13.76.1",
    "host node-0 in vetha out eth0",
    "  NEW 10.13.76.13:40000 > 10.0.134.154:80, answers 10.0.134.154:80 > 10.13.76.13:40000",
    "  PREROUTING nat PREROUTING 1: -d 10.0.134.154/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.13.76.40:80",
    "  PREROUTING destination 10.13.76.13:40000 > 10.0.134.154:80 to 10.13.76.13:40000 > 10.13.76.40:80 by rule",
    "  route 10.13.76.0/24 azure0 on link",
    "  azure0 vetha to eth0, rules",
    "  POSTROUTING nat policy ACCEPT",
    "fabric fabric in node-0 out node-1",
    "  route vnet to 10.13.76.40",
    "host node-1 in eth0 out vethb",
  ]);
});

test("an error from the Internet comes back inside out, to who sent the packet", () => {
  const closed = (from: string) =>
    text(bootModel(kubenetLike()).traceConnect(from, "ifconfig.co", 9, { proto: "udp", sourcePort: 40000 }));
  const error = closed("b").findIndex(line => line.includes("about"));
  assert.equal(closed("b").slice(error), [
    "203.0.113.10 > 137.117.164.147 unreachable 3 about 137.117.164.147:1028 > 203.0.113.10:9",
    "host ifconfig.co out eth0",
    "  route 0.0.0.0/0 eth0 on link",
    "translator kubernetes",
    "fabric fabric out node-1",
    "host node-1 in eth0 out cbr0",
    "  RELATED 192.168.1.2:40000 > 203.0.113.10:9, answers 203.0.113.10:9 > 10.13.77.4:40000",
    "  PREROUTING destination 203.0.113.10:0 > 10.13.77.4:0 to 203.0.113.10:0 > 192.168.1.2:0 by connection",
    "  ttl 64 to 63",
    "  route 192.168.1.0/24 cbr0 on link",
    "host b in eth0",
    "  for 192.168.1.2",
    "delivered to b",
  ]);
  const own = closed("testvm");
  assert.equal(own.slice(own.findIndex(line => line.includes("about"))), [
    "203.0.113.10 > 51.144.0.1 unreachable 3 about 51.144.0.1:40000 > 203.0.113.10:9",
    "host ifconfig.co out eth0",
    "  route 0.0.0.0/0 eth0 on link",
    "fabric fabric out testvm",
    "host testvm in eth0",
    "  for 10.13.1.4",
    "delivered to testvm",
  ]);
});

test("a rule with a port of the backend's own is undone in the answer", () => {
  const network = kubenetLike();
  const [balancer] = network.fabric.translators;
  const rule = { name: "ssh", address: addr("137.117.164.147"), port: 2222, proto: "tcp", backendPort: 80 } as const;
  const withRule: Network = {
    ...network,
    fabric: {
      ...network.fabric,
      translators: [
        {
          ...balancer!,
          allocations: [...balancer!.allocations, { source: addr("10.13.1.4"), ranges: [] }],
          inbound: [{ ...rule, backends: [addr("10.13.1.4")] }],
        },
      ],
    },
  };
  assert.equal(text(bootModel(withRule).traceConnect("ifconfig.co", "137.117.164.147", 2222, { sourcePort: 40000 })), [
    "203.0.113.10:40000 > 137.117.164.147:2222",
    "host ifconfig.co out eth0",
    "  route 0.0.0.0/0 eth0 on link",
    "translator kubernetes",
    "  rule ssh to 10.13.1.4",
    "fabric fabric out testvm",
    "host testvm in eth0",
    "  for 10.13.1.4",
    "delivered to testvm",
    "10.13.1.4:80 > 203.0.113.10:40000",
    "host testvm out eth0",
    "  route 0.0.0.0/0 eth0 via 10.13.1.1",
    "fabric fabric in testvm",
    "  route internet to 203.0.113.10",
    "translator kubernetes",
    "  rule kubernetes to 10.13.1.4",
    "host ifconfig.co in eth0",
    "  for 203.0.113.10",
    "delivered to ifconfig.co",
  ]);
});

test("a datagram to all on a link goes out once, and comes back to its own host", () => {
  const trace = bootModel(lans()).trace("a", datagram("10.1.0.2", "10.1.0.255"));
  const ways = trace.disposition.kind === "copied" ? trace.disposition.copies : [];
  assert.equal(trace.hops.flatMap(hop), ["host a", "  route 10.1.0.255/32 eth0 on link"]);
  assert.equal(
    ways.map(copy => copy.hops.flatMap(hop)[0]),
    ["host a in eth0", "host a out eth0"],
  );
  // RFC 1122, 3.2.2: nobody is told of an error about it.
  assert.equal(
    [trace, ...ways].flatMap(({ replies }) => replies),
    [],
  );
});

test("nobody is told that a datagram for all was rejected", () => {
  const rejecting = lans({ r: "*filter\n-A INPUT -p udp -j REJECT\nCOMMIT\n" });
  const all = (trace: Trace): readonly Trace[] => [
    trace,
    ...trace.replies.flatMap(all),
    ...(trace.disposition.kind === "copied" ? trace.disposition.copies.flatMap(all) : []),
  ];
  const errors = (to: string) =>
    all(bootModel(rejecting).trace("a", datagram("10.1.0.2", to))).filter(({ packet }) => !isFlowPacket(packet)).length;
  assert.equal([errors("10.1.0.1"), errors("10.1.0.255"), errors("255.255.255.255")], [1, 0, 0]);
});

test("a router says that nobody answers for an address, on a bridge as on a wire", () => {
  for (const [from, source, to, gateway] of [
    ["b", "10.1.1.2", "10.1.0.77", "10.1.1.1"],
    ["a", "10.1.0.2", "10.1.1.77", "10.1.0.1"],
  ] as const) {
    const { disposition, replies } = bootModel(lans()).trace(from, datagram(source, to));
    assert.equal(disposition.kind === "dropped" && disposition.reason, {
      kind: "no-neighbour",
      address: addr(to),
      dev: from === "b" ? "br0" : "lan1",
    });
    assert.equal(
      replies.map(({ packet }) => packetText(packet)),
      [`${gateway} > ${source} unreachable 1 about ${source}:7 > ${to}:9`],
    );
  }
});

test("a packet's last hop is told where it was taken off", () => {
  const trace = bootModel(lans()).trace("a", { ...datagram("10.1.0.2", "10.1.1.2"), ttl: 1 });
  assert.equal(trace.disposition, { kind: "ttl-exceeded", place: "r" });
  assert.equal(
    trace.replies.map(({ packet }) => packetText(packet)),
    ["10.1.0.1 > 10.1.0.2 time-exceeded 0 about 10.1.0.2:7 > 10.1.1.2:9"],
  );
});

test("packets that answer one go in the order in which they were made", () => {
  const { replies } = bootModel(lans()).trace("a", {
    ...{ proto: "tcp", src: addr("10.1.0.2"), sport: 7, dst: addr("10.1.1.2"), dport: 80, ttl: 64 },
    ...{ flags: ["ACK", "PSH"], seq: 5, ack: 9, payload: "x" },
  });
  assert.equal(
    replies.map(({ packet }) =>
      packet.proto === "tcp" ? `${packet.flags.join(" ")} ${packet.seq} ${packet.ack}` : "",
    ),
    ["ACK 9 6", "ACK PSH 9 6"],
  );
});

test("an error about no flow that the load balancer knows goes no further", () => {
  const quoted = datagram("137.117.164.147", "203.0.113.10");
  const { disposition } = bootModel(kubenetLike()).trace("ifconfig.co", {
    ...{
      proto: "icmp",
      type: "unreachable",
      code: 3,
      src: addr("203.0.113.10"),
      dst: addr("137.117.164.147"),
      ttl: 64,
    },
    quoted,
  });
  assert.equal(disposition.kind === "dropped" && disposition.reason, {
    kind: "no-inbound",
    address: addr("137.117.164.147"),
    port: 0,
  });
});

test("a segment of no flow is dropped, and answered where TCP reset is on", () => {
  const sent: Packet = {
    ...{ proto: "tcp", src: addr("10.13.77.4"), sport: 5, dst: addr("203.0.113.10"), dport: 80, ttl: 64 },
    ...{ flags: ["ACK"], seq: 5, ack: 9, payload: "" },
  };
  for (const tcpReset of [false, true]) {
    const network = kubenetLike();
    const translators = network.fabric.translators.map(translator => ({ ...translator, tcpReset }));
    const lab = bootModel({ ...network, fabric: { ...network.fabric, translators } });
    const unknown = { kind: "unknown-flow", translator: "kubernetes", reset: tcpReset };
    const left = lab.sendRaw("node-1", sent);
    assert.equal(left.disposition.kind === "dropped" && left.disposition.reason, unknown);
    assert.equal(
      left.replies.map(({ packet, hops }) => `${packetText(packet)} by ${hops.map(({ place }) => place).join(" ")}`),
      tcpReset ? ["203.0.113.10:80 > 10.13.77.4:5 by kubernetes fabric node-1"] : [],
    );
    const came = lab.sendRaw("ifconfig.co", {
      ...sent,
      ...{ src: addr("203.0.113.10"), sport: 80, dst: addr("137.117.164.147"), dport: 1028 },
    });
    assert.equal(came.disposition.kind === "dropped" && came.disposition.reason, unknown);
    assert.equal(
      came.replies.map(({ packet, hops }) => `${packetText(packet)} by ${hops.map(({ place }) => place).join(" ")}`),
      tcpReset ? ["137.117.164.147:1028 > 203.0.113.10:80 by kubernetes ifconfig.co"] : [],
    );
  }
});

test("the fabric tells what it does not carry", () => {
  const lab = bootModel(kubenetLike());
  const reason = (trace: Trace) => (trace.disposition.kind === "dropped" ? trace.disposition.reason : undefined);
  assert.equal(reason(lab.traceConnect("testvm", "198.51.100.1", 80)), {
    kind: "no-site",
    address: addr("198.51.100.1"),
  });
  assert.equal(reason(lab.traceConnect("testvm", "10.13.200.1", 80)), { kind: "no-nic", address: addr("10.13.200.1") });
  assert.equal(reason(lab.traceConnect("ifconfig.co", "137.117.164.147", 81)), {
    kind: "no-inbound",
    address: addr("137.117.164.147"),
    port: 81,
  });
  const forged: Packet = {
    proto: "udp",
    src: addr("10.13.1.5"),
    sport: 1,
    dst: addr("10.13.77.4"),
    dport: 9,
    ttl: 64,
    payload: "",
  };
  assert.equal(reason(lab.inject("testvm", "eth0", forged)), { kind: "spoofed", source: forged.src });
  assert.is(
    end(lab.inject("node-0", "eth0", { ...forged, src: addr("192.168.0.9"), dst: addr("10.13.1.4") })),
    "delivered to testvm",
  );
  assert.equal(reason(lab.inject("testvm", "eth0", { ...forged, src: addr("127.0.0.1") })), {
    kind: "martian-source",
    source: addr("127.0.0.1"),
  });
  assert.equal(
    reason(lab.inject("node-0", "eth0", { ...forged, src: addr("192.168.0.9"), dst: addr("203.0.113.10") })),
    {
      kind: "no-translation",
      source: addr("192.168.0.9"),
    },
  );
});

test("the fabric's routes: the longest block wins, a user's goes before the network's own", () => {
  const network = kubenetLike();
  const route = (to: string, nextHop: UserRoute["nextHop"]): UserRoute => ({ name: to, to: cidr(to), nextHop });
  const routed = (...routes: readonly UserRoute[]): Network => ({
    ...network,
    fabric: {
      ...network.fabric,
      subnets: network.fabric.subnets.map(subnet => (subnet.name === "vms" ? { ...subnet, routes } : subnet)),
    },
  });
  const way = (to: string, ...routes: readonly UserRoute[]) => {
    const trace = bootModel(routed(...routes)).traceConnect("testvm", to, 80);
    return [...trace.hops.flatMap(({ kind, steps }) => (kind === "fabric" ? steps.map(step) : [])), end(trace)];
  };
  assert.equal(way("10.13.77.4"), ["route vnet to 10.13.77.4", "delivered to node-1"]);
  assert.equal(way("10.13.77.4", route("10.13.77.0/24", { kind: "none" })), [
    "route 10.13.77.0/24 to 10.13.77.4",
    "dropped: user-route-none",
  ]);
  assert.equal(way("10.13.77.4", route("10.0.0.0/8", { kind: "none" })), [
    "route vnet to 10.13.77.4",
    "delivered to node-1",
  ]);
  assert.equal(way("203.0.113.10", route("0.0.0.0/0", { kind: "none" })), [
    "route 0.0.0.0/0 to 203.0.113.10",
    "dropped: user-route-none",
  ]);
  assert.equal(way("203.0.113.10", route("0.0.0.0/0", { kind: "internet" })).at(-1), "delivered to ifconfig.co");
  assert.equal(
    way("10.99.0.1", route("10.99.0.0/16", { kind: "appliance", address: addr("10.13.1.4") })).at(-1),
    "dropped: not-forwarding",
  );
});

test("what changed an address, and by which rule", () => {
  const lab = bootModel(
    kubenetLike({
      rules: masquerade =>
        parseSave(masquerade.replace("-j MASQUERADE", '-m comment --comment "to the world" -j MASQUERADE')),
    }),
  );
  const changes = (trace: Trace) =>
    addressChanges(trace).map(
      ({ place, which, before, after, by }) =>
        `${place} ${which} ${flow(before)} to ${flow(after)}: ${formatChangedBy(by)}`,
    );
  const trace = lab.traceConnect("b", "ifconfig.co", 80, { sourcePort: 40000 });
  assert.equal(changes(trace), [
    "node-1 source 192.168.1.2:40000 > 203.0.113.10:80 to 10.13.77.4:40000 > 203.0.113.10:80: POSTROUTING rule 1, MASQUERADE",
    "kubernetes source 10.13.77.4:40000 > 203.0.113.10:80 to 137.117.164.147:1028 > 203.0.113.10:80: load balancer kubernetes",
  ]);
  assert.equal(addressChanges(trace)[0]!.by, {
    kind: "rule",
    hook: "POSTROUTING",
    table: "nat",
    chain: "POSTROUTING",
    number: 1,
    target: "MASQUERADE",
    comment: "to the world",
  });
  assert.equal(addressChanges(trace)[1]!.by, {
    kind: "translator",
    translator: "kubernetes",
    portsInUse: 1,
    portsAllotted: 4,
    fresh: true,
  });
  assert.equal(changes(trace.replies[0]!), [
    "kubernetes destination 203.0.113.10:80 > 137.117.164.147:1028 to 203.0.113.10:80 > 10.13.77.4:40000: load balancer kubernetes",
    "node-1 destination 203.0.113.10:80 > 10.13.77.4:40000 to 203.0.113.10:80 > 192.168.1.2:40000: as its connection began",
  ]);
  const own = lab.traceConnect("testvm", "ifconfig.co", 80, { sourcePort: 40000 });
  assert.equal(changes(own), [
    "fabric source 10.13.1.4:40000 > 203.0.113.10:80 to 51.144.0.1:40000 > 203.0.113.10:80: the card's public address",
  ]);
  assert.equal(changes(own.replies[0]!), [
    "fabric destination 203.0.113.10:80 > 51.144.0.1:40000 to 203.0.113.10:80 > 10.13.1.4:40000: the card's public address",
  ]);
  assert.equal(changes(lab.traceConnect("a", "192.168.0.10", 80)), []);
});

test.run();
