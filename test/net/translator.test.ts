import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { TranslatorState } from "../../lib/net/translator.js";
import type { Translator } from "../../lib/net/network.js";
import type { TcpFlag } from "../../lib/packet/packet.js";
import { type Flow, flowKey, invert, type FlowPacket } from "../../lib/packet/flow.js";

const node = addr("10.13.77.4");
const frontend = addr("137.117.164.147");
const site = addr("203.0.113.10");

const translator = (ports: number, change: Partial<Translator> = {}): Translator => ({
  name: "kubernetes",
  protocols: ["tcp", "udp"],
  allocations: [{ source: node, ranges: [{ address: frontend, first: 1024, last: 1023 + ports }] }],
  udpPortPer: "flow",
  timeouts: { idle: 240, fin: 240, rst: 15 },
  inbound: [],
  ...change,
});
const flow = (sport: number, change: Partial<Flow> = {}): Flow => ({
  proto: "tcp",
  src: node,
  sport,
  dst: site,
  dport: 443,
  ...change,
});
const packet = (of: Flow, flags: readonly TcpFlag[] = ["SYN"]): FlowPacket => {
  const base = { src: of.src, sport: of.sport, dst: of.dst, dport: of.dport, ttl: 64 };
  if (of.proto === "tcp") return { proto: "tcp", ...base, flags, seq: 0, ack: 0, payload: "" };
  if (of.proto === "udp") return { proto: "udp", ...base, payload: "" };
  return { proto: "icmp", type: "echo-request", src: of.src, dst: of.dst, ttl: 64, id: of.sport, seq: 1, size: 56 };
};

const start = (data: Translator) => {
  const clock = { seconds: 0 };
  const state = new TranslatorState(data, () => clock.seconds * 1000);
  const port = (asked: Flow, flags?: readonly TcpFlag[]) => {
    const result = state.outbound(packet(asked, flags));
    return result.kind === "translated" ? result.flow.sport : result.kind;
  };
  return { clock, state, port };
};

const test = suite("translator");

test("gives the lowest free port of the backend's range, then none", () => {
  const { port } = start(translator(3));
  assert.equal(
    [40001, 40002, 40003, 40004].map(sport => port(flow(sport))),
    [1024, 1025, 1026, "exhausted"],
  );
  assert.is(port(flow(40002)), 1025, "a flow keeps its port");
});

test("one port serves every destination, as TCP tells flows apart by both ends", () => {
  const { port, state } = start(translator(2));
  const other = { dst: addr("203.0.113.11") };
  assert.equal(
    [flow(1), flow(2), flow(3, other), flow(4, other), flow(5, { dport: 80 }), flow(6, other)].map(asked =>
      port(asked),
    ),
    [1024, 1025, 1024, 1025, 1024, "exhausted"],
  );
  assert.equal(
    state.use().map(({ proto, inUse, ports }) => ({ proto, inUse, ports })),
    [
      { proto: "tcp", inUse: 2, ports: [1024, 1025] },
      { proto: "udp", inUse: 0, ports: [] },
    ],
  );
});

test("UDP takes a port a flow, or one a destination address", () => {
  const udp = (sport: number, dst: string, dport: number) => flow(sport, { proto: "udp", dst: addr(dst), dport });
  const flows = [udp(1, "203.0.113.10", 53), udp(2, "203.0.113.10", 54), udp(3, "203.0.113.11", 53)];
  const udpPort = (data: Translator) => {
    const { port } = start(data);
    return (asked: Flow) => port(asked);
  };
  assert.equal(flows.map(udpPort(translator(2))), [1024, 1025, "exhausted"]);
  assert.equal(flows.map(udpPort(translator(2, { udpPortPer: "destination" }))), [1024, 1025, 1024]);
});

test("takes the ports of a second frontend once those of the first are used", () => {
  const second = addr("104.214.236.151");
  const ranges = [
    { address: frontend, first: 1024, last: 1025 },
    { address: second, first: 2048, last: 2048 },
  ];
  const { state } = start(translator(0, { allocations: [{ source: node, ranges }] }));
  const seen = [1, 2, 3].map(sport => {
    const result = state.outbound(packet(flow(sport)));
    return result.kind === "translated" ? `${formatAddr(result.flow.src)}:${result.flow.sport}` : result.kind;
  });
  assert.equal(seen, ["137.117.164.147:1024", "137.117.164.147:1025", "104.214.236.151:2048"]);
});

test("knows neither strangers nor ICMP", () => {
  const { port } = start(translator(8));
  assert.is(port(flow(1, { src: addr("10.13.77.99") })), "unknown-source");
  assert.is(port(flow(1, { proto: "icmp", dport: 0 })), "unknown-protocol");
});

test("holds a port for 4 minutes of silence, 240 s after FIN, 15 s after RST", () => {
  const { clock, port } = start(translator(1));
  const probe = (after: number) => {
    clock.seconds += after;
    return port(flow(9));
  };
  port(flow(1));
  clock.seconds += 200;
  port(flow(1), ["ACK"]);
  assert.is(probe(239), "exhausted", "a packet keeps it alive");
  assert.is(probe(1), 1024);

  port(flow(9), ["FIN", "ACK"]);
  port(flow(9), ["ACK"]);
  assert.is(port(flow(2)), "exhausted");
  clock.seconds += 240;
  assert.is(port(flow(2)), 1024);

  port(flow(2), ["RST"]);
  clock.seconds += 14;
  assert.is(port(flow(3)), "exhausted");
  clock.seconds += 1;
  assert.is(port(flow(3)), 1024);
});

test("lets only a SYN begin a TCP flow; a segment of one that was idle for too long is of none", () => {
  const { clock, state, port } = start(translator(2));
  assert.is(port(flow(1), ["ACK", "PSH"]), "unknown-flow");
  assert.is(port(flow(1), ["SYN", "ACK"]), "unknown-flow");
  assert.is(port(flow(1)), 1024);
  clock.seconds += 239;
  assert.is(port(flow(1), ["ACK"]), 1024);
  clock.seconds += 240;
  assert.is(port(flow(1), ["ACK"]), "unknown-flow");
  assert.is(state.inbound(packet(invert({ ...flow(1), src: frontend, sport: 1024 }), ["ACK"])), undefined);
  assert.is(port(flow(2, { proto: "udp" })), 1024, "any datagram begins one");
});

test("keeps a flow that a rule let in for the rule's own time, and tells who is idle where TCP reset is on", () => {
  const idle: string[] = [];
  const clock = { seconds: 0 };
  const state = new TranslatorState(
    translator(1, { tcpReset: true }),
    () => clock.seconds * 1000,
    ({ inside, awaited }) => idle.push(`${formatAddr(inside.src)}:${inside.sport} ${awaited.outside}`),
  );
  const rule = {
    name: "web",
    address: frontend,
    port: 80,
    proto: "tcp",
    backends: [node],
    backendPort: 8080,
    idle: 60,
  } as const;
  const came: Flow = { proto: "tcp", src: site, sport: 5000, dst: frontend, dport: 80 };
  const goesOn: Flow = { ...came, dst: node, dport: 8080 };
  assert.is(state.admit(packet(came, ["ACK"]), rule, node), undefined);
  assert.equal(state.admit(packet(came), rule, node), { flow: goesOn });
  assert.equal(state.answered(packet(invert(goesOn), ["SYN", "ACK"])), invert(came));
  state.outbound(packet(flow(1)));
  clock.seconds += 59;
  assert.equal(state.inbound(packet(came, ["ACK"]))?.flow, goesOn);
  assert.equal([state.nextExpiry, idle], [119_000, []]);
  clock.seconds += 60;
  assert.is(state.answered(packet(invert(goesOn), ["ACK"])), undefined);
  assert.equal(idle, ["10.13.77.4:8080 0"]);
  clock.seconds += 121;
  state.expire();
  assert.equal(idle, ["10.13.77.4:8080 0", "10.13.77.4:1 0"]);
});

test("an error about a flow that was idle for too long is about none", () => {
  const { clock, state } = start(translator(3));
  const result = state.outbound(packet(flow(40001)));
  assert.ok(result.kind === "translated");
  clock.seconds = 239;
  assert.equal(state.quoted(result.flow), flow(40001));
  clock.seconds = 241;
  assert.is(state.quoted(result.flow), undefined);
});

test("never gives the same reply tuple to two live flows, and an answer finds its flow", () => {
  const step = fc.record({
    sport: fc.nat(30),
    dst: fc.nat(2),
    proto: fc.constantFrom("tcp" as const, "udp" as const),
    wait: fc.nat(120),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 6 }), (steps, ports) => {
      const { clock, state } = start(translator(ports));
      const live = new Map<string, { readonly outside: string; until: number }>();
      for (const { sport, dst, proto, wait } of steps) {
        clock.seconds += wait;
        for (const [key, { until }] of live) if (until <= clock.seconds) live.delete(key);
        const asked = flow(sport, { proto, dst: addr(`203.0.113.${dst}`) });
        const result = state.outbound(packet(asked));
        if (result.kind !== "translated") continue;
        const outside = flowKey(result.flow);
        for (const [key, other] of live)
          assert.ok(other.outside !== outside || key === flowKey(asked), `${outside} twice`);
        live.set(flowKey(asked), { outside, until: clock.seconds + 240 });
        assert.equal(state.inbound(packet(invert(result.flow)))?.flow, invert(asked));
      }
    }),
  );
});

test("gives a port back after its hold, and the next flow takes that one again", () => {
  const { clock, state, port } = start(translator(96));
  const all = Array.from({ length: 96 }, (_, i) => 1024 + i);
  const flows = all.map(at => flow(at - 1023));
  const inUse = () => state.use().find(({ proto }) => proto === "tcp")!;
  assert.equal(
    flows.map(asked => port(asked)),
    all,
  );
  assert.is(port(flow(97)), "exhausted");
  assert.equal(inUse(), { source: node, proto: "tcp", inUse: 96, allotted: 96, ports: all });
  for (const [end, hold] of [
    ["RST", 15],
    ["FIN", 240],
  ] as const) {
    // One of the first word of ports, the first and the last of the second, the very last.
    for (const given of [1024 + 30, 1024 + 32, 1024 + 63, 1024 + 95]) {
      const owner = flow(given - 1023);
      for (const other of flows) port(other, ["ACK"]);
      port(owner, [end, "ACK"]);
      clock.seconds += hold - 1;
      for (const other of flows) if (other.sport !== owner.sport) port(other, ["ACK"]);
      assert.is(port(flow(5000)), "exhausted");
      assert.is(inUse().inUse, 96);
      clock.seconds += 1;
      assert.is(inUse().inUse, 95);
      assert.not.ok(inUse().ports.includes(given));
      assert.equal([port(owner), port(flow(5000))], [given, "exhausted"]);
    }
  }
});

test("a port is free for one destination while it serves another, and in use as long as it serves any", () => {
  const { clock, state, port } = start(translator(2));
  const other = { dst: addr("203.0.113.11") };
  assert.equal(
    [flow(1), flow(2), flow(1, other)].map(asked => port(asked)),
    [1024, 1025, 1024],
  );
  port(flow(1), ["RST"]);
  clock.seconds += 15;
  assert.equal(
    state.use().map(({ inUse, ports }) => ({ inUse, ports })),
    [
      { inUse: 2, ports: [1024, 1025] },
      { inUse: 0, ports: [] },
    ],
  );
  assert.equal(state.poolUse(node, "tcp"), { portsInUse: 2, portsAllotted: 2 });
  assert.equal(state.poolUse(node, "udp"), { portsInUse: 0, portsAllotted: 2 });
  assert.equal(state.poolUse(node, "icmp"), { portsInUse: 0, portsAllotted: 0 });
  assert.equal(state.poolUse(site, "tcp"), { portsInUse: 0, portsAllotted: 0 });
  assert.is(port(flow(3)), 1024);
});

test("says how many ports are in use as a flow takes one, and as it goes on", () => {
  const { state } = start(translator(2));
  const shown = (asked: Flow) => {
    const { flow: _, ...rest } = state.outbound(packet(asked)) as { readonly flow: Flow };
    return rest;
  };
  const first = { kind: "translated", inUse: 1, allotted: 2 };
  assert.equal(shown(flow(1)), { ...first, fresh: true });
  assert.equal(shown(flow(1)), { ...first, fresh: false });
  assert.equal(shown(flow(2)), { ...first, fresh: true, inUse: 2 });
  assert.equal(state.outbound(packet(flow(3))), { kind: "exhausted", allotted: 2 });
});

test("serves only the protocols that it has, and ports given in advance are taken", () => {
  const { state, port } = start(translator(3, { protocols: ["tcp"] }));
  assert.is(port(flow(1, { proto: "udp" })), "unknown-protocol");
  assert.equal(
    state.use().map(({ proto }) => proto),
    ["tcp"],
  );
  assert.is(state.ports(addr("10.13.77.99"), "tcp", site, 443).take(), undefined);
  const ports = state.ports(node, "tcp", site, 443);
  const next = () => {
    const place = ports.take();
    return place === undefined ? undefined : ports.at(place);
  };
  assert.equal(
    [next(), next()],
    [
      { address: frontend, port: 1024 },
      { address: frontend, port: 1025 },
    ],
  );
  assert.equal(
    [flow(1), flow(2), flow(3, { dport: 80 })].map(asked => port(asked)),
    [1026, "exhausted", 1024],
  );
  assert.is(next(), undefined);
});

/** The documents' rules, flow by flow: the lowest free port, held until silence, FIN or RST have lasted long enough. */
class Plain {
  #held: { readonly key: string; readonly target: string; readonly port: number; until: number; phase: string }[] = [];

  constructor(readonly ports: number) {}

  /** @param flag the strongest of the packet */
  send(asked: Flow, flag: string, now: number): number | string {
    this.#held = this.#held.filter(({ until }) => until > now);
    const key = flowKey(asked);
    let held = this.#held.find(other => other.key === key);
    if (held === undefined) {
      if (asked.proto === "tcp" && flag !== "SYN") return "unknown-flow";
      const target = asked.proto === "udp" ? "udp" : `tcp ${asked.dst}:${asked.dport}`;
      const taken = this.#held.filter(other => other.target === target).map(({ port }) => port);
      const port = Array.from({ length: this.ports }, (_, i) => 1024 + i).find(free => !taken.includes(free));
      if (port === undefined) return "exhausted";
      held = { key, target, port, until: now + 240, phase: "idle" };
      this.#held.push(held);
    } else if (flag === "RST") Object.assign(held, { phase: "rst", until: now + 7 });
    else if (held.phase !== "idle" && flag === "SYN") Object.assign(held, { phase: "idle", until: now + 240 });
    else if (held.phase === "idle")
      Object.assign(held, flag === "FIN" ? { phase: "fin", until: now + 60 } : { until: now + 240 });
    return held.port;
  }

  use(proto: "tcp" | "udp", now: number): number[] {
    const own = this.#held.filter(({ target, until }) => target.startsWith(proto) && until > now);
    return [...new Set(own.map(({ port }) => port))].sort((a, b) => a - b);
  }
}

test("agrees with the documents' rules played flow by flow", () => {
  const step = fc.record({
    sport: fc.integer({ min: 1, max: 90 }),
    dst: fc.nat(1),
    proto: fc.constantFrom("tcp" as const, "tcp" as const, "udp" as const),
    flags: fc.constantFrom<readonly TcpFlag[]>(
      ["SYN"],
      ["SYN"],
      ["SYN"],
      ["ACK"],
      ["FIN", "ACK"],
      ["RST"],
      ["SYN", "ACK"],
    ),
    wait: fc.oneof(
      { weight: 20, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.constantFrom(1, 7, 8, 59, 60, 239, 240) },
    ),
  });
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 40, maxLength: 400, size: "max" }),
      fc.constantFrom(1, 2, 5, 31, 32, 33, 63, 64, 65),
      (steps, ports) => {
        const { clock, state, port } = start(translator(ports, { timeouts: { idle: 240, fin: 60, rst: 7 } }));
        const plain = new Plain(ports);
        for (const { sport, dst, proto, flags, wait } of steps) {
          clock.seconds += wait;
          const asked = flow(sport, { proto, dst: addr(`203.0.113.${dst}`) });
          const flag = proto === "udp" || (flags.includes("ACK") && flags[0] === "SYN") ? "ACK" : flags[0]!;
          assert.is(port(asked, flags), plain.send(asked, flag, clock.seconds));
          if (wait > 0)
            for (const row of state.use()) {
              assert.equal(row.ports, plain.use(row.proto, clock.seconds));
              assert.is(row.inUse, row.ports.length);
            }
        }
      },
    ),
    { numRuns: 60 },
  );
});

test.run();
