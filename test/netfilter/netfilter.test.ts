import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Addr, addr, formatAddr } from "../../lib/ip/addr.js";
import type { Netfilter, NetfilterStep, Skb, Verdict } from "../../lib/netfilter/netfilter.js";
import { parseSave } from "../../lib/netfilter/parseSave.js";
import { printSave } from "../../lib/netfilter/print.js";
import { relate, startNetfilter } from "../../lib/netfilter/start.js";
import { noRules } from "../../lib/netfilter/ruleset.js";
import { type FlowPacket, flowKey, flowOf, invert, rewrite } from "../../lib/packet/flow.js";
import type { IcmpEcho, IcmpError, Packet, Tcp, TcpFlag, Udp } from "../../lib/packet/packet.js";
import { seeded } from "../../lib/random.js";
import { anyRuleset } from "./rulesets.js";

/** A router between pods (10.1.0.0/16 on cbr0) and the world (eth0), with a clock of its own. */
const own = ["10.1.0.1", "203.0.113.1"].map(text => addr(text));
interface Router {
  readonly netfilter: Netfilter;
  clock: number;
}
const router = (rules: string, seed = 1): Router => {
  const state = { clock: 0 };
  const netfilter = startNetfilter(rules === "" ? noRules : parseSave(rules), {
    isLocal: address => own.includes(address),
    sourceFor: name => (name === "eth0" ? own[1] : name === "cbr0" ? own[0] : undefined),
    now: () => state.clock,
    random: seeded(seed),
  });
  return Object.assign(state, { netfilter });
};

const inside = (address: Addr): boolean => formatAddr(address).startsWith("10.");
const device = (address: Addr): string => (inside(address) ? "cbr0" : "eth0");

interface Passed {
  readonly verdict: Verdict;
  readonly packet: Packet;
  readonly steps: readonly NetfilterStep[];
  readonly skb: Skb;
}

const pass = ({ netfilter }: Router, packet: Packet): Passed => {
  const skb: Skb = { packet, mark: 0, in: device(packet.src) };
  const steps: NetfilterStep[] = [];
  let verdict = netfilter.run("PREROUTING", skb, steps);
  const local = own.includes(skb.packet.dst);
  if (!local) skb.out = device(skb.packet.dst);
  for (const hook of local ? (["INPUT"] as const) : (["FORWARD", "POSTROUTING"] as const))
    if (verdict.kind === "accept") verdict = netfilter.run(hook, skb, steps);
  return { verdict, packet: skb.packet, steps, skb };
};

const tcp = (from: string, to: string, flags: readonly TcpFlag[], seq = 0, ack = 0, payload = ""): Tcp => {
  const [src = "", sport] = from.split(":");
  const [dst = "", dport] = to.split(":");
  return {
    proto: "tcp",
    src: addr(src),
    sport: Number(sport),
    dst: addr(dst),
    dport: Number(dport),
    ttl: 64,
    flags,
    seq,
    ack,
    payload,
  };
};
const udp = (from: string, to: string): Udp => {
  const { flags: _, seq: __, ack: ___, ...rest } = tcp(from, to, []);
  return { ...rest, proto: "udp" };
};
const ping = (src: string, dst: string, id: number): IcmpEcho => ({
  proto: "icmp",
  type: "echo-request",
  src: addr(src),
  dst: addr(dst),
  id,
  seq: 1,
  size: 56,
  ttl: 64,
});
const answer = (packet: Packet): FlowPacket => {
  const asked = packet as FlowPacket;
  return asked.proto === "icmp"
    ? { ...asked, type: "echo-reply", src: asked.dst, dst: asked.src }
    : rewrite(asked, invert(flowOf(asked)));
};
const flow = (packet: Packet): string => {
  const { src, sport, dst, dport } = flowOf(packet as FlowPacket);
  return `${formatAddr(src)}:${sport} > ${formatAddr(dst)}:${dport}`;
};
const nat = (...rules: string[]): string => ["*nat", ...rules, "COMMIT", ""].join("\n");
const masquerade = nat("-A POSTROUTING -o eth0 -j MASQUERADE");
const counters = (at: Router): string[] =>
  printSave(at.netfilter.counters(), { counters: true })
    .split("\n")
    .filter(line => /^:|-A/.test(line) && !/\[0:0\]/.test(line));

const traverse = suite("traverse");

traverse("asks the nat table for the first packet of a connection only, and everything else for each", () => {
  const at = router(
    `${masquerade}*filter\n-A FORWARD -m conntrack --ctstate NEW\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\nCOMMIT\n`,
  );
  const first = pass(at, tcp("10.1.0.5:40000", "198.51.100.7:80", ["SYN"]));
  const back = pass(at, { ...answer(first.packet), flags: ["SYN", "ACK"], ack: 1 } as Tcp);
  assert.is(flow(back.packet), "198.51.100.7:80 > 10.1.0.5:40000");
  pass(at, tcp("10.1.0.5:40000", "198.51.100.7:80", ["ACK"], 1, 1));
  assert.equal(counters(at), [
    ":PREROUTING ACCEPT [1:40]",
    "[1:40] -A POSTROUTING -o eth0 -j MASQUERADE",
    ":FORWARD ACCEPT [1:40]",
    "[1:40] -A FORWARD -m conntrack --ctstate NEW",
    "[2:80] -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
  ]);
  assert.equal(
    back.steps.filter(step => step.kind === "nat").map(step => [step.hook, step.which, step.by]),
    [["PREROUTING", "destination", "connection"]],
  );
});

traverse("follows jumps back and gotos away, and returns to the policy", () => {
  const at = router(
    [
      "*filter",
      ":A - [0:0]",
      ":B - [0:0]",
      ":FORWARD DROP",
      "-A FORWARD -p icmp -j A",
      "-A FORWARD -p udp -g A",
      "-A FORWARD -p icmp -j ACCEPT",
      "-A A -j B",
      "-A A -m comment --comment after",
      "-A B -j RETURN",
      "-A B -m comment --comment never",
      "COMMIT",
      "",
    ].join("\n"),
  );
  assert.equal(pass(at, ping("10.1.0.5", "198.51.100.7", 1)).verdict, { kind: "accept" });
  assert.equal(pass(at, udp("10.1.0.5:1", "198.51.100.7:2")).verdict, {
    kind: "drop",
    reason: { kind: "policy", table: "filter", chain: "FORWARD" },
  });
  assert.equal(counters(at), [
    ":FORWARD DROP [1:28]",
    "[1:84] -A FORWARD -p icmp -j A",
    "[1:28] -A FORWARD -p udp -g A",
    "[1:84] -A FORWARD -p icmp -j ACCEPT",
    "[2:112] -A A -j B",
    "[2:112] -A A -m comment --comment after",
    "[2:112] -A B -j RETURN",
  ]);
});

traverse("says which rule dropped or rejected a packet", () => {
  const at = router(
    "*filter\n-A FORWARD -p tcp\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\n-A FORWARD -d 198.51.100.9 -j DROP\nCOMMIT\n",
  );
  assert.equal(pass(at, tcp("10.1.0.5:1", "198.51.100.9:80", ["SYN"])).verdict, { kind: "reject", with: "tcp-reset" });
  assert.equal(pass(at, ping("10.1.0.5", "198.51.100.9", 1)).verdict, {
    kind: "drop",
    reason: { kind: "rule", table: "filter", chain: "FORWARD", number: 3 },
  });
});

traverse("counts nth packets per rule, and draws random ones", () => {
  const at = router(
    "*filter\n-A FORWARD -m statistic --mode nth --every 3 --packet 1\n-A FORWARD -m statistic --mode random --probability 0.25\nCOMMIT\n",
  );
  for (let i = 0; i < 3000; i++) pass(at, udp("10.1.0.5:1", "198.51.100.9:2"));
  const [, nth, random] = counters(at).map(line => Number(/\[(\d+):/.exec(line)?.[1]));
  assert.is(nth, 1000);
  assert.ok(random! > 650 && random! < 850, `${random}`);
});

traverse("changes marks as MARK's four forms say", () => {
  const marks = (...rules: string[]) => {
    const at = router(["*mangle", ...rules.map(rule => `-A PREROUTING -j MARK ${rule}`), "COMMIT", ""].join("\n"));
    return pass(at, ping("10.1.0.5", "198.51.100.7", 1)).steps.flatMap(step =>
      step.kind === "mark" ? [step.after] : [],
    );
  };
  assert.equal(
    marks("--set-mark 0xf0f0f0f0", "--or-mark 0x4000", "--and-mark 0xff00", "--xor-mark 0xff", "--set-xmark 0x1/0xff"),
    [0xf0f0f0f0, 0xf0f0f0f0 | 0x4000, 0xf000, 0xf0ff, 0xf001].map(mark => mark >>> 0),
  );
});

traverse("does not track where no rule needs it", () => {
  const at = router("*nat\n-A PREROUTING -j ACCEPT\nCOMMIT\n*filter\n-A FORWARD -j ACCEPT\nCOMMIT\n");
  assert.equal(
    pass(at, ping("10.1.0.5", "198.51.100.7", 1)).steps.map(step => step.kind),
    ["rule"],
  );
  assert.equal(at.netfilter.conntrack(), []);
  assert.equal(pass(router(""), ping("10.1.0.5", "198.51.100.7", 1)).steps, []);
});

traverse("tells own addresses, all, and groups apart where the host says no more than which are its own", () => {
  const typed = ["LOCAL", "BROADCAST", "MULTICAST", "UNICAST"]
    .map(type => `-A PREROUTING -m addrtype --dst-type ${type} -m comment --comment ${type}`)
    .join("\n");
  const typeOf = (address: string): string => {
    const at = router(`*raw\n${typed}\nCOMMIT\n`);
    pass(at, ping("10.1.0.5", address, 1));
    return counters(at)
      .filter(line => line.includes("comment"))
      .map(line => /--comment (\w+)/.exec(line)![1]!)
      .join();
  };
  for (const [address, type] of [
    ["10.1.0.1", "LOCAL"],
    ["203.0.113.1", "LOCAL"],
    ["127.0.0.1", "LOCAL"],
    ["127.255.255.255", "LOCAL"],
    ["0.0.0.0", "BROADCAST"],
    ["255.255.255.255", "BROADCAST"],
    ["255.255.255.254", "UNICAST"],
    ["223.255.255.255", "UNICAST"],
    ["224.0.0.0", "MULTICAST"],
    ["239.255.255.255", "MULTICAST"],
    ["240.0.0.0", "UNICAST"],
    ["10.1.0.5", "UNICAST"],
  ] as const)
    assert.is(typeOf(address), type, address);
});

traverse("tracks connections only where a rule needs to know them", () => {
  const tracked = (rules: string) => {
    const at = router(rules);
    pass(at, udp("10.1.0.5:53", "198.51.100.7:53"));
    return at.netfilter.conntrack().length;
  };
  assert.is(tracked("*filter\n-A FORWARD -p udp -j ACCEPT\nCOMMIT\n"), 0);
  assert.is(tracked("*filter\n-A FORWARD -m conntrack --ctstate NEW\nCOMMIT\n"), 1);
  assert.is(tracked("*filter\n-A FORWARD -m state --state NEW\nCOMMIT\n"), 1);
  assert.is(tracked(nat("-A PREROUTING -p tcp -j ACCEPT")), 0);
  assert.is(tracked(nat("-A POSTROUTING -p tcp -j MASQUERADE")), 1);
});

traverse.run();

const translate = suite("translate");

translate("keeps the port while the whole tuple is free, else takes one of its class", () => {
  const at = router(masquerade);
  assert.is(
    flow(pass(at, tcp("10.1.0.5:40000", "198.51.100.7:80", ["SYN"])).packet),
    "203.0.113.1:40000 > 198.51.100.7:80",
  );
  assert.is(
    flow(pass(at, tcp("10.1.0.6:40000", "198.51.100.8:80", ["SYN"])).packet),
    "203.0.113.1:40000 > 198.51.100.8:80",
  );
  for (const [port, low, high] of [
    [40000, 1024, 65535],
    [400, 1, 511],
    [800, 600, 1023],
  ] as const) {
    pass(at, tcp(`10.1.0.5:${port}`, "198.51.100.7:80", ["SYN"]));
    const { packet } = pass(at, tcp(`10.1.0.6:${port}`, "198.51.100.7:80", ["SYN"]));
    const { sport } = packet as Tcp;
    assert.ok(sport !== port && sport >= low && sport <= high, `${sport}`);
  }
});

translate("chooses every port of a class and none beside it", () => {
  for (const [port, low, high] of [
    [400, 1, 511],
    [800, 600, 1023],
  ] as const) {
    const given = new Set<number>();
    const at = router(masquerade);
    for (let source = 0; source < 6000; source++) {
      const to = `198.51.100.7:${source + 1}`;
      pass(at, udp(`10.1.0.5:${port}`, to));
      given.add((pass(at, udp(`10.1.${1 + (source >> 8)}.${source & 255}:${port}`, to)).packet as Udp).sport);
    }
    const sorted = [...given].sort((a, b) => a - b);
    assert.is(sorted[0], low);
    assert.is(sorted.at(-1), high);
    assert.is(given.size, high - low); // all but the one that is taken
  }
});

translate("gives a port again to the same source of the same protocol only", () => {
  const at = router(
    nat(...["tcp", "udp"].map(proto => `-A POSTROUTING -p ${proto} -j SNAT --to-source 203.0.113.1:2000-2999`)),
  );
  const sport = ({ packet }: Passed) => (packet as Udp).sport;
  const given: number[] = [];
  for (let port = 1; port <= 60; port++) {
    given.push(sport(pass(at, udp(`10.1.0.5:${port}`, "198.51.100.7:80"))));
    given.push(sport(pass(at, tcp(`10.1.0.5:${port + 352}`, "198.51.100.7:80", ["SYN"]))));
  }
  // All draw for themselves: a thousand ports come up at most a few times each.
  assert.ok(new Set(given).size > 100, `${new Set(given).size}`);
});

translate("gives a source the same port again where that stays unique", () => {
  const at = router(nat("-A POSTROUTING -p udp -j SNAT --to-source 203.0.113.1:2000-2999"));
  const sport = (to: string) => (pass(at, udp("10.1.0.5:53", to)).packet as Udp).sport;
  const first = sport("198.51.100.7:80");
  assert.is(sport("198.51.100.8:80"), first);
  assert.ok(first >= 2000 && first <= 2999);
});

translate("keeps a port that the rule's range holds", () => {
  const at = router(nat("-A POSTROUTING -p tcp -j SNAT --to-source 203.0.113.9:1024-2047"));
  assert.is(
    flow(pass(at, tcp("10.1.0.5:1500", "198.51.100.7:80", ["SYN"])).packet),
    "203.0.113.9:1500 > 198.51.100.7:80",
  );
});

translate("runs out of ports per destination, and says so", () => {
  const at = router(nat("-A POSTROUTING -p tcp -j SNAT --to-source 137.117.164.147:1024-1123"));
  const ports = new Set<number>();
  for (let i = 0; i < 100; i++)
    ports.add((pass(at, tcp(`10.1.0.5:${30000 + i}`, "198.51.100.7:80", ["SYN"])).packet as Tcp).sport);
  assert.is(ports.size, 100);
  const { verdict } = pass(at, tcp("10.1.0.5:31000", "198.51.100.7:80", ["SYN"]));
  assert.is(verdict.kind === "drop" && verdict.reason.kind, "ports-exhausted");
  assert.is(at.netfilter.conntrack().length, 100);
  assert.is(pass(at, tcp("10.1.0.5:31000", "198.51.100.8:80", ["SYN"])).verdict.kind, "accept");
});

translate("lets a new TCP connection have the port of one that waits out its end, if its numbers have moved on", () => {
  const one = nat("-A POSTROUTING -p tcp -j SNAT --to-source 203.0.113.9:2000");
  const attempt = (seq: number) => {
    const at = router(one);
    pass(at, tcp("10.1.0.5:1000", "198.51.100.7:80", ["SYN"], 5000));
    pass(at, tcp("198.51.100.7:80", "203.0.113.9:2000", ["SYN", "ACK"], 0, 5001));
    pass(at, tcp("10.1.0.5:1000", "198.51.100.7:80", ["ACK"], 5001, 1));
    pass(at, tcp("10.1.0.5:1000", "198.51.100.7:80", ["RST"], 5001));
    return pass(at, tcp("10.1.0.6:1000", "198.51.100.7:80", ["SYN"], seq)).verdict.kind;
  };
  assert.equal([attempt(9000), attempt(100)], ["accept", "drop"]);
});

translate("resolves a clash of connections that no rule translates", () => {
  const at = router(nat("-A PREROUTING -d 203.0.113.50 -j DNAT --to-destination 198.51.100.7"));
  assert.is(flow(pass(at, udp("10.1.0.5:1000", "198.51.100.7:80")).packet), "10.1.0.5:1000 > 198.51.100.7:80");
  const clash = pass(at, udp("10.1.0.5:1000", "203.0.113.50:80")).packet as Udp;
  assert.is(formatAddr(clash.dst), "198.51.100.7");
  assert.is.not(clash.sport, 1000);
  assert.is(flow(pass(at, answer(clash)).packet), "203.0.113.50:80 > 10.1.0.5:1000");
});

translate("translates a ping's identifier where a port would be", () => {
  const at = router(masquerade);
  const first = pass(at, ping("10.1.0.5", "198.51.100.7", 11)).packet as IcmpEcho;
  const second = pass(at, ping("10.1.0.6", "198.51.100.7", 11)).packet as IcmpEcho;
  assert.is(first.id, 11);
  assert.is.not(second.id, 11);
  assert.equal(pass(at, answer(second)).packet, { ...answer(ping("10.1.0.6", "198.51.100.7", 11)) });
});

translate("translates an ICMP error and the packet that it quotes", () => {
  const at = router(masquerade);
  const sent = tcp("10.1.0.5:40000", "198.51.100.7:80", ["SYN"]);
  const quoted = pass(at, sent).packet as Tcp;
  const error: IcmpError = {
    proto: "icmp",
    type: "time-exceeded",
    code: 0,
    src: addr("192.0.2.9"),
    dst: quoted.src,
    ttl: 60,
    quoted,
  };
  const back = pass(at, error);
  assert.equal(back.packet, { ...error, dst: sent.src, quoted: sent });
  assert.is(back.steps.find(step => step.kind === "track")?.state, "RELATED");
  const stray = pass(at, { ...error, quoted: { ...quoted, dport: 81 } });
  assert.is(stray.steps.find(step => step.kind === "track")?.state, "INVALID");
});

translate("answers a rejected packet within its connection, though that was never confirmed", () => {
  const at = router(
    `${nat("-A PREROUTING -d 203.0.113.1 -p udp -j DNAT --to-destination 10.1.0.9")}*filter\n-A FORWARD -d 10.1.0.9 -j REJECT\nCOMMIT\n`,
  );
  const cause = pass(at, udp("198.51.100.7:1000", "203.0.113.1:53"));
  assert.is(cause.verdict.kind, "reject");
  const skb: Skb = {
    packet: {
      proto: "icmp",
      type: "unreachable",
      code: 3,
      src: own[1]!,
      dst: addr("198.51.100.7"),
      ttl: 64,
      quoted: cause.packet as Udp,
    },
    mark: 0,
    out: "eth0",
  };
  relate(skb, cause.skb);
  for (const hook of ["OUTPUT", "POSTROUTING"] as const) assert.is(at.netfilter.run(hook, skb).kind, "accept");
  assert.is(flow((skb.packet as IcmpError).quoted), "198.51.100.7:1000 > 203.0.113.1:53");
});

translate("drops what MASQUERADE finds no address for", () => {
  const at = router(nat("-A POSTROUTING -j MASQUERADE"));
  const skb: Skb = { packet: ping("10.1.0.5", "198.51.100.7", 1), mark: 0, in: "cbr0" };
  at.netfilter.run("PREROUTING", skb);
  skb.out = "eth9";
  assert.equal(at.netfilter.run("POSTROUTING", skb), {
    kind: "drop",
    reason: { kind: "no-source", interface: "eth9" },
  });
  assert.equal(at.netfilter.conntrack(), []);
});

translate("takes the address of a range by the hash that the kernel takes", () => {
  // Seen on Linux 6.18: --to-destination 203.0.113.60-203.0.113.67 sends 10.1.0.10 -> 198.51.100.7 to .61.
  const at = router(nat("-A PREROUTING -j DNAT --to-destination 203.0.113.60-203.0.113.67"));
  assert.is(formatAddr(pass(at, ping("10.1.0.10", "198.51.100.7", 1)).packet.dst), "203.0.113.61");
});

const addresses = fc.constantFrom("10.1.0.5", "10.1.0.6", "10.1.0.7");
const anyPacket: fc.Arbitrary<FlowPacket> = fc
  .tuple(
    fc.constantFrom("tcp", "udp", "icmp"),
    addresses,
    fc.constantFrom(400, 1000, 1001, 40000),
    fc.constantFrom("198.51.100.7", "203.0.113.50", "203.0.113.1"),
    fc.constantFrom(80, 53),
  )
  .map(([proto, from, port, to, toPort]) => {
    if (proto === "icmp") return ping(from, to, port);
    return proto === "tcp"
      ? tcp(`${from}:${port}`, `${to}:${toPort}`, ["SYN"])
      : udp(`${from}:${port}`, `${to}:${toPort}`);
  });
const anyNat = fc.constantFrom(
  masquerade,
  nat("-A POSTROUTING -j MASQUERADE --random-fully"),
  nat("-A POSTROUTING -p tcp -j SNAT --to-source 203.0.113.20-203.0.113.23:1000-1005", "-A POSTROUTING -j MASQUERADE"),
  nat(
    "-A PREROUTING -d 203.0.113.50 -j DNAT --to-destination 198.51.100.7",
    "-A POSTROUTING -p udp -j SNAT --to-source 203.0.113.1:2000-2003",
  ),
  nat("-A PREROUTING -p tcp -j DNAT --to-destination 198.51.100.7-198.51.100.8:8080-8081"),
);

translate("is undone by the answer, and no two connections ever share a tuple", () => {
  fc.assert(
    fc.property(anyNat, fc.array(anyPacket, { maxLength: 40 }), fc.nat(1000), (rules, packets, seed) => {
      const at = router(rules, seed);
      for (const packet of packets) {
        const there = pass(at, packet);
        if (there.verdict.kind !== "accept" || own.includes(there.packet.dst)) continue;
        const reply = answer(there.packet);
        const back = pass(at, reply.proto === "tcp" ? { ...reply, flags: ["SYN", "ACK"], seq: 7, ack: 1 } : reply);
        assert.equal(flowOf(back.packet as FlowPacket), flowOf(answer(packet)));
      }
      const tuples = at.netfilter.conntrack().flatMap(({ original, reply }) => [flowKey(original), flowKey(reply)]);
      assert.is(new Set(tuples).size, tuples.length);
    }),
  );
});

translate("survives any rules and any packets", () => {
  fc.assert(
    fc.property(anyRuleset, fc.array(anyPacket, { maxLength: 8 }), (rules, packets) => {
      const at = router(printSave(rules));
      for (const packet of packets) assert.ok(["accept", "drop", "reject"].includes(pass(at, packet).verdict.kind));
    }),
    { numRuns: 40 },
  );
});

translate.run();

const track = suite("track");

const client = "10.1.0.5:40000";
const server = "198.51.100.7:80";
const tracking = "*filter\n-A FORWARD -m conntrack --ctstate INVALID\nCOMMIT\n";
/** Runs segments past a tracker and gives the connection after each, as Linux 6.18 showed it for the same segments. */
const states = (
  ...segments: readonly (readonly ["c" | "s", readonly TcpFlag[], number, number, string?])[]
): string[] => {
  const at = router(tracking);
  return segments.map(([from, flags, seq, ack, data]) => {
    pass(at, from === "c" ? tcp(client, server, flags, seq, ack, data) : tcp(server, client, flags, seq, ack, data));
    const [entry] = at.netfilter.conntrack();
    return entry === undefined
      ? "none"
      : `${entry.tcpState} ${entry.timeout}${entry.unreplied ? " UNREPLIED" : ""}${entry.assured ? " ASSURED" : ""}`;
  });
};

track("follows a TCP connection from SYN to TIME_WAIT and its reopening", () => {
  assert.equal(
    states(
      ["c", ["SYN"], 999, 0],
      ["s", ["SYN", "ACK"], 4999, 1000],
      ["c", ["ACK"], 1000, 5000],
      ["c", ["PSH", "ACK"], 1000, 5000, "hello"],
      ["s", ["ACK"], 5000, 1005],
      ["c", ["FIN", "ACK"], 1005, 5000],
      ["s", ["ACK"], 5000, 1006],
      ["s", ["FIN", "ACK"], 5000, 1006],
      ["c", ["ACK"], 1006, 5001],
      ["c", ["SYN"], 8999, 0],
    ),
    [
      "SYN_SENT 120 UNREPLIED",
      "SYN_RECV 60",
      "ESTABLISHED 432000 ASSURED",
      "ESTABLISHED 300 ASSURED",
      "ESTABLISHED 432000 ASSURED",
      "FIN_WAIT 120 ASSURED",
      "CLOSE_WAIT 60 ASSURED",
      "LAST_ACK 30 ASSURED",
      "TIME_WAIT 120 ASSURED",
      "SYN_SENT 120 UNREPLIED",
    ],
  );
});

track("forgets a refused connection at once, and closes a reset one in ten seconds", () => {
  assert.equal(states(["c", ["SYN"], 999, 0], ["s", ["RST", "ACK"], 0, 1000]), ["SYN_SENT 120 UNREPLIED", "none"]);
  assert.equal(
    states(
      ["c", ["SYN"], 999, 0],
      ["s", ["SYN", "ACK"], 4999, 1000],
      ["s", ["RST", "ACK"], 5000, 1000],
      ["c", ["SYN"], 1999, 0],
      ["s", ["SYN", "ACK"], 7999, 2000],
    ).slice(2),
    ["CLOSE 10", "CLOSE 10", "SYN_RECV 60"],
  );
});

track("believes a reset only with the right number", () => {
  const open = [
    ["c", ["SYN"], 999, 0],
    ["s", ["SYN", "ACK"], 4999, 1000],
    ["c", ["ACK"], 1000, 5000],
  ] as const;
  assert.equal(states(...open, ["c", ["RST"], 500, 0], ["c", ["RST"], 1001, 0], ["s", ["RST"], 5000, 0]).slice(3), [
    "ESTABLISHED 432000 ASSURED",
    "ESTABLISHED 10 ASSURED",
    "CLOSE 10 ASSURED",
  ]);
});

track("picks up a connection in its middle", () => {
  assert.equal(
    states(["c", ["ACK"], 1000, 5000], ["s", ["ACK"], 5000, 1000], ["c", ["PSH", "ACK"], 1000, 5000, "xx"]),
    ["ESTABLISHED 300 UNREPLIED", "ESTABLISHED 300", "ESTABLISHED 300 ASSURED"],
  );
  assert.equal(states(["s", ["SYN", "ACK"], 1, 1]), ["none"]);
});

track("keeps UDP 30 seconds, and 120 once it has gone on both ways for two", () => {
  const at = router(tracking);
  const seen = () => at.netfilter.conntrack().map(({ unreplied, assured, timeout }) => [unreplied, assured, timeout]);
  const there = udp(client, server);
  pass(at, there);
  assert.equal(seen(), [[true, false, 30]]);
  at.clock = 1000;
  pass(at, answer(there));
  pass(at, there);
  assert.equal(seen(), [[false, false, 30]]);
  at.clock = 2001;
  pass(at, there);
  assert.equal(seen(), [[false, true, 120]]);
  at.clock += 120_000;
  assert.equal(seen(), []);
});

track("forgets in time, and starts afresh", () => {
  const at = router(masquerade);
  pass(at, ping("10.1.0.5", "198.51.100.7", 5));
  at.clock = 29_999;
  assert.is(at.netfilter.conntrack().length, 1);
  at.clock = 30_000;
  assert.is(at.netfilter.conntrack().length, 0);
  assert.is(
    pass(at, answer(ping("203.0.113.1", "198.51.100.7", 5))).steps.find(step => step.kind === "track")?.state,
    "INVALID",
  );
});

track("buries the dead as it goes", () => {
  const at = router(masquerade);
  for (let i = 0; i < 100_000; i++) {
    at.clock += 1;
    const packet: Udp = {
      proto: "udp",
      src: (addr("10.1.0.2") + (i % 5000)) as Addr,
      dst: addr("198.51.100.7"),
      sport: 1024 + (i % 60000),
      dport: 53,
      ttl: 64,
      payload: "",
    };
    assert.is(at.netfilter.run("PREROUTING", { packet, mark: 0, in: "cbr0" }).kind, "accept");
    pass(at, packet);
  }
  assert.is(at.netfilter.conntrack().length, 30_000);
});

track.run();
