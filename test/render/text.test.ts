import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InputError } from "../../lib/errors.js";
import { addr } from "../../lib/ip/addr.js";
import { cidr, everywhere } from "../../lib/ip/cidr.js";
import type { PingReply, PingResult } from "../../lib/net/lab.js";
import { failureOf } from "../../lib/net/socketError.js";
import { type Host } from "../../lib/net/network.js";
import { noRules } from "../../lib/netfilter/ruleset.js";
import { printAddresses, printRoutes } from "../../lib/render/ipText.js";
import { azFormat, printAz } from "../../lib/render/azText.js";
import { printConntrack } from "../../lib/render/conntrack.js";
import { curlFailure, printCurl } from "../../lib/render/curl.js";
import { printPing } from "../../lib/render/ping.js";
import { printKubeletStatus } from "../../lib/render/systemctl.js";
import { cluster, now } from "./cluster.js";

const ping = suite("printPing");

const echo = (seq: number, milliseconds: number): PingReply => ({
  seq,
  from: "10.13.1.4",
  kind: "echo-reply",
  bytes: 64,
  ttl: 63,
  milliseconds,
});
const result = (sent: number, replies: readonly PingReply[]): PingResult => ({
  from: "pod",
  to: "10.13.1.4",
  size: 56,
  sent,
  received: replies.filter(({ kind }) => kind === "echo-reply").length,
  replies,
});

ping("prints times with three digits, and statistics", () => {
  assert.is(
    printPing(result(4, [echo(1, 0.676), echo(2, 1.494), echo(3, 12.34), echo(4, 123.456)])),
    `PING 10.13.1.4 (10.13.1.4) 56(84) bytes of data.
64 bytes from 10.13.1.4: icmp_seq=1 ttl=63 time=0.676 ms
64 bytes from 10.13.1.4: icmp_seq=2 ttl=63 time=1.49 ms
64 bytes from 10.13.1.4: icmp_seq=3 ttl=63 time=12.3 ms
64 bytes from 10.13.1.4: icmp_seq=4 ttl=63 time=123 ms

--- 10.13.1.4 ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 3123ms
rtt min/avg/max/mdev = 0.676/34.491/123.456/51.569 ms`,
  );
});

ping("counts errors and losses", () => {
  const error = (seq: number, kind: "time-exceeded" | "unreachable", code: number): PingReply => ({
    ...echo(seq, 1),
    from: "10.13.77.5",
    kind,
    code,
  });
  assert.is(
    printPing(
      result(6, [
        error(1, "time-exceeded", 0),
        error(2, "unreachable", 0),
        error(3, "unreachable", 1),
        error(4, "unreachable", 3),
        error(5, "unreachable", 13),
      ]),
      { name: "testvm" },
    ),
    `PING testvm (10.13.1.4) 56(84) bytes of data.
From 10.13.77.5 icmp_seq=1 Time to live exceeded
From 10.13.77.5 icmp_seq=2 Destination Net Unreachable
From 10.13.77.5 icmp_seq=3 Destination Host Unreachable
From 10.13.77.5 icmp_seq=4 Destination Port Unreachable
From 10.13.77.5 icmp_seq=5 Packet filtered

--- testvm ping statistics ---
6 packets transmitted, 0 received, +5 errors, 100% packet loss, time 5000ms`,
  );
});

ping("ends as it was ended", () => {
  const one = result(1, [echo(1, 0.5)]);
  assert.match(printPing(one, { end: "interrupted" }), /0\.500 ms\n\^C\n--- 10/);
  assert.match(printPing(one, { end: "cut" }), /0\.500 ms\n\^C$/);
});

ping.run();

const others = suite("other programs");

others("curl prints the body, or why there is none", () => {
  const at = { to: "10.0.0.1", port: 81, sourcePort: 40000 };
  const refused = curlFailure({ kind: "refused", error: "ECONNREFUSED", ...at }, 0)!;
  const timeout = curlFailure({ kind: "timeout", ...at }, 127.25)!;
  assert.is(printCurl({ body: "104.45.15.171\n" }, { silent: true }), "104.45.15.171");
  assert.is(printCurl(refused), "curl: (7) Failed to connect to 10.0.0.1 port 81: Connection refused");
  const failed = (error: "ENETUNREACH" | "EPERM") => printCurl(curlFailure({ ...failureOf(error), ...at }, 0)!);
  assert.match(failed("ENETUNREACH"), /: Network is unreachable$/);
  assert.match(failed("EPERM"), /: Operation not permitted$/);
  assert.is(printCurl(timeout), "curl: (28) Connection timed out after 127250 milliseconds");
  assert.is(printCurl(timeout, { silent: true }), "");
});

others("conntrack lists both tuples", () => {
  const [pod, node, site] = [addr("192.168.1.2"), addr("10.13.77.4"), addr("1.2.3.4")];
  const tcp = {
    original: { proto: "tcp" as const, src: pod, sport: 40000, dst: site, dport: 80 },
    reply: { proto: "tcp" as const, src: site, sport: 80, dst: node, dport: 40000 },
  };
  const icmp = {
    original: { proto: "icmp" as const, src: pod, sport: 11, dst: site, dport: 0 },
    reply: { proto: "icmp" as const, src: site, sport: 0, dst: node, dport: 11 },
  };
  assert.is(
    printConntrack([
      { ...tcp, tcpState: "ESTABLISHED", unreplied: false, assured: true, timeout: 86399.5 },
      { ...icmp, unreplied: true, assured: false, timeout: 29 },
    ]),
    `tcp      6 86399 ESTABLISHED src=192.168.1.2 dst=1.2.3.4 sport=40000 dport=80 src=1.2.3.4 dst=10.13.77.4 sport=80 dport=40000 [ASSURED] mark=0 use=1
icmp     1 29 src=192.168.1.2 dst=1.2.3.4 type=8 code=0 id=11 [UNREPLIED] src=1.2.3.4 dst=10.13.77.4 type=0 code=0 id=11 mark=0 use=1
conntrack v1.4.4 (conntrack-tools): 2 flow entries have been shown.`,
  );
});

others("ip lists addresses and routes", () => {
  const host: Host = {
    id: "node",
    hostname: "node",
    role: "node",
    interfaces: [
      { kind: "nic", name: "eth0", addresses: [{ address: addr("10.13.77.4"), prefix: 24 }] },
      { kind: "veth", name: "veth1", addresses: [], master: "cbr0", peer: { host: "pod", interface: "eth0" } },
    ],
    routes: [
      { to: cidr("192.168.0.0/24"), via: addr("10.13.77.5"), dev: "eth0" },
      { to: everywhere, via: addr("10.13.77.1"), dev: "eth0" },
    ],
    forwarding: true,
    bridgeNfCallIptables: true,
    rules: noRules,
    listeners: [],
  };
  assert.is(
    printAddresses(host),
    `1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 state UNKNOWN
    inet 127.0.0.1/8 scope host lo
2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP
    inet 10.13.77.4/24 brd 10.13.77.255 scope global eth0
3: veth1@eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 master cbr0 state UP`,
  );
  assert.is(
    printRoutes(host),
    `default via 10.13.77.1 dev eth0
10.13.77.0/24 dev eth0 proto kernel scope link src 10.13.77.4
192.168.0.0/24 via 10.13.77.5 dev eth0`,
  );
});

others("systemctl shows the kubelet's whole command line", () => {
  assert.is(
    printKubeletStatus(cluster.nodes[0]!, now),
    `● kubelet.service - Kubelet
   Loaded: loaded (/etc/systemd/system/kubelet.service; enabled; vendor preset: enabled)
   Active: active (running) since Wed 2018-12-05 21:08:00 UTC; 52min ago
 Main PID: 3668 (kubelet)
   CGroup: /system.slice/kubelet.service
           └─3668 /usr/local/bin/kubelet --max-pods=110 --network-plugin=kubenet`,
  );
});

others.run();

const az = suite("printAz");

const balancers = [
  { name: "kubernetes", id: "/x", count: 5, sku: { name: "Basic" } },
  { name: "other", id: "/y", count: 12, sku: { name: "Standard" } },
];

az("prints each format", () => {
  assert.is(
    printAz(
      [
        ["kubernetes", "Basic"],
        ["other", null],
      ],
      "tsv",
    ),
    "kubernetes\tBasic\nother\tNone",
  );
  assert.is(printAz("MC_group", "tsv"), "MC_group");
  assert.is(printAz([{ b: [1, 2], a: true, c: {} }], "tsv"), "true\t2\t");
  assert.is(printAz(balancers, "table"), "  Count  Name\n-------  ----------\n      5  kubernetes\n     12  other");
  assert.is(
    printAz([["kubernetes", "Basic"]], "table"),
    "Column1     Column2\n----------  ---------\nkubernetes  Basic",
  );
  assert.is(printAz({ b: 1, a: ["x"] }, "yaml"), "a:\n- x\nb: 1");
  assert.is(printAz({ b: 1, a: [] }, "json"), '{\n  "a": [],\n  "b": 1\n}');
  assert.is(printAz(balancers, "none"), "");
});

az("knows its formats", () => {
  assert.throws(
    () => azFormat("xml"),
    (error: unknown) => error instanceof InputError && /expected json, tsv, table, yaml, none/.test(error.message),
  );
});

az.run();
