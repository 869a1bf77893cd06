import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr } from "../../lib/ip/addr.js";
import { cidr } from "../../lib/ip/cidr.js";
import { bootModel } from "../../lib/net/model.js";
import type { Disposition, Reason, Step, Trace } from "../../lib/net/trace.js";
import type { Packet } from "../../lib/packet/packet.js";
import { articleScenario } from "../../lib/scenario/article.js";
import { build } from "../../lib/scenario/build.js";
import { formatDisposition, formatReason, formatTrace } from "../../lib/render/traceText.js";

const trace = suite("formatTrace");

const built = build(articleScenario);
const pod = "kubenetcluster/default/whereami-564765b89-d8rdb";

trace("tells every hop of a ping and of its answer, with reasons", () => {
  const text = formatTrace(bootModel(built.network).tracePing(pod, "10.13.1.4"));
  assert.match(
    text,
    /^icmp 192\.168\.1\.2 > 10\.13\.1\.4 echo-request id 1 seq 1, ttl 64\n 1 {2}host kubenetcluster\/default\//,
  );
  assert.match(
    text,
    /\n {6}rule {4}POSTROUTING nat POSTROUTING 3: ! -d 192\.168\.0\.0\/16 -m comment --comment "kubenet: SNAT\n {16}for outbound traffic from cluster"/,
  );
  assert.match(
    text,
    /\n {6}snat {4}icmp 192\.168\.1\.2 > 10\.13\.1\.4 id 1 becomes icmp 10\.13\.77\.4 > 10\.13\.1\.4 id 1 \(by the\n {16}rule\)\n/,
  );
  assert.match(text, /\n {6}ttl {5}64 becomes 63\n/);
  assert.match(text, /\n=> {2}delivered to testvm\n\nreply: icmp 10\.13\.1\.4 > 10\.13\.77\.4 echo-reply/);
  assert.match(text, new RegExp(`\n=> {2}delivered to ${pod}$`));
});

trace("tells the load balancer's port, and why a ping to the Internet ends there", () => {
  const lab = bootModel(built.network);
  assert.match(
    formatTrace(lab.traceConnect(pod, "ifconfig.co", 80)),
    /snat {4}tcp 10\.13\.77\.4:\d+ > 203\.0\.113\.10:80 becomes tcp 137\.117\.164\.147:\d+ >\n {16}203\.0\.113\.10:80 \(a port taken, 1 of 1024 in use\)/,
  );
  assert.match(
    formatTrace(lab.tracePing(pod, "ifconfig.co")),
    /\n=> {2}dropped at [^\n]*: [^\n]*\n? *[^\n]*does not translate icmp$/,
  );
});

trace("keeps within 100 columns", () => {
  const lab = bootModel(built.network);
  for (const to of ["10.13.1.4", "ifconfig.co", "192.168.0.9", "10.0.58.118"])
    for (const line of formatTrace(lab.traceConnect(pod, to, 80)).split("\n")) assert.ok(line.length <= 100, line);
});

const packet: Packet = {
  proto: "udp",
  src: addr("10.0.0.1"),
  dst: addr("10.0.0.2"),
  ttl: 64,
  sport: 1000,
  dport: 53,
  payload: "",
};
const flow = { proto: "udp" as const, src: packet.src, sport: 1000, dst: packet.dst, dport: 53 };
const userRoute = { name: "to-fw", to: cidr("0.0.0.0/0"), nextHop: { kind: "none" as const } };

trace("breaks a word that is longer than a line", () => {
  const long: Trace = {
    packet,
    hops: [{ kind: "host", place: "x".repeat(250), before: packet, after: packet, steps: [] }],
    disposition: { kind: "delivered", host: "x" },
    replies: [],
  };
  const lines = formatTrace(long).split("\n");
  assert.ok(lines.every(line => line.length <= 100));
  assert.is(lines.join("").match(/x/g)!.length, 251);
});

trace("has words for every step", () => {
  const steps: readonly Step[] = [
    { kind: "policy", hook: "FORWARD", table: "filter", policy: "ACCEPT" },
    { kind: "mark", before: 0, after: 0x4000 },
    { kind: "local", address: packet.dst },
    { kind: "bridge", bridge: "cbr0", from: "veth1", to: "veth2", filtered: true },
    { kind: "fabric-route", route: userRoute, to: packet.dst },
    { kind: "fabric-route", route: "vnet", to: packet.dst },
    { kind: "public-address", before: flow, after: { ...flow, src: addr("198.51.100.4") } },
    { kind: "inbound", rule: "web", backend: packet.dst },
  ];
  const text = formatTrace({
    packet,
    hops: [{ kind: "host", place: "node", in: "eth0", out: "cbr0", before: packet, after: packet, steps }],
    disposition: { kind: "loop", place: "node" },
    replies: [],
  });
  assert.is(
    text,
    `udp 10.0.0.1:1000 > 10.0.0.2:53, ttl 64
 1  host node in eth0 out cbr0
      policy  FORWARD filter: ACCEPT
      mark    0x0 becomes 0x4000
      local   10.0.0.2 is an address of this host
      bridge  cbr0: veth1 to veth2, seen by iptables
      route   user-defined route to-fw, 0.0.0.0/0 to none, for 10.0.0.2
      route   system route, vnet, for 10.0.0.2
      nat     udp 10.0.0.1:1000 > 10.0.0.2:53 becomes udp 198.51.100.4:1000 > 10.0.0.2:53 (the
                card's own public address)
      inbound rule web to 10.0.0.2
      unchanged
=>  caught in a loop at node`,
  );
});

trace("has words for every reason and end", () => {
  const reasons: readonly (readonly [Reason, RegExp])[] = [
    [{ kind: "netfilter", drop: { kind: "rule", table: "nat", chain: "X", number: 2 } }, /^rule 2 of nat X$/],
    [{ kind: "netfilter", drop: { kind: "policy", table: "filter", chain: "FORWARD" } }, /^policy of filter FORWARD$/],
    [{ kind: "netfilter", drop: { kind: "ports-exhausted", wanted: flow } }, /no free port for udp 10\.0\.0\.1:1000/],
    [{ kind: "netfilter", drop: { kind: "no-source", interface: "eth1" } }, /eth1, which has no address/],
    [{ kind: "no-route", destination: packet.dst }, /^no route to 10\.0\.0\.2$/],
    [{ kind: "hairpin", bridge: "cbr0", port: "veth1" }, /back out of veth1/],
    [{ kind: "no-neighbour", address: packet.dst, dev: "eth0" }, /nobody on eth0/],
    [{ kind: "not-forwarding" }, /does not forward/],
    [{ kind: "no-nic", address: packet.dst }, /no card/],
    [{ kind: "spoofed", source: packet.src }, /IP forwarding is off/],
    [{ kind: "user-route-none", route: userRoute }, /to-fw, 0\.0\.0\.0\/0 to none/],
    [{ kind: "no-translation", source: packet.src }, /nothing translates/],
    [{ kind: "untranslatable", translator: "lb", proto: "icmp" }, /lb does not translate icmp/],
    [{ kind: "ports-exhausted", translator: "lb", source: packet.src, ports: 1024 }, /none of the 1024 ports/],
    [{ kind: "no-inbound", address: packet.dst, port: 80 }, /nothing waits/],
    [{ kind: "no-site", address: packet.dst }, /no Internet site/],
  ];
  for (const [reason, expected] of reasons) assert.match(formatReason(reason), expected);
  const ends: readonly (readonly [Disposition, string])[] = [
    [{ kind: "delivered", host: "a" }, "delivered to a"],
    [
      { kind: "dropped", place: "a", reason: { kind: "not-forwarding" } },
      "dropped at a: it is for another host, and this one does not forward",
    ],
    [{ kind: "rejected", place: "a", with: "tcp-reset" }, "rejected at a with tcp-reset"],
    [{ kind: "ttl-exceeded", place: "a" }, "TTL exceeded at a"],
    [{ kind: "loop", place: "a" }, "caught in a loop at a"],
  ];
  for (const [end, expected] of ends) assert.is(formatDisposition(end), expected);
});

trace.run();
