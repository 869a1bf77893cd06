import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { TranslatorState } from "../../lib/net/translator.js";
import type { Translator } from "../../lib/net/types.js";
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

test.run();
