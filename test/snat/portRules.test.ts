import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type PortRules,
  checkRules,
  groupOf,
  holdOf,
  loadBalancerRules,
  masqueradeRules,
  natGatewayRules,
} from "../../lib/snat/portRules.js";
import type { Hold } from "../../lib/snat/hold.js";
import type { Stream } from "../../lib/snat/workload.js";
import { message } from "../message.js";

const numbers = ({
  pool,
  ports,
  choice,
  udpPortPer,
  connectionsPerDestination,
  counted,
  connections,
  idle,
  after,
}: PortRules) => ({
  pool,
  ports,
  choice,
  udpPortPer,
  connectionsPerDestination,
  counted,
  connections,
  idle,
  after,
});
const assumed = (rules: PortRules, name: string) => {
  const found = rules.assumptions.find(assumption => assumption.name === name);
  return found === undefined ? undefined : `${found.value}: ${found.why}`;
};

const documented = suite("rules as documented");

documented("of a load balancer", () => {
  assert.equal(numbers(loadBalancerRules({ nodes: 51 })), {
    pool: "per-node",
    ports: 512,
    choice: "lowest",
    udpPortPer: "destination",
    connectionsPerDestination: 512,
    counted: "held",
    connections: Infinity,
    idle: { tcp: 1800, udp: 1800 },
    after: { fin: 240, rst: 15, udp: 0 },
  });
  const basic = loadBalancerRules({ sku: "Basic", nodes: 1, era: "2018" });
  assert.equal([basic.idle, basic.udpPortPer, basic.ports], [{ tcp: 240, udp: 240 }, "flow", 1024]);
  assert.is(loadBalancerRules({ nodes: 1, era: "2021" }).udpPortPer, "destination");
  assert.is(
    loadBalancerRules({ nodes: 1, era: "2018", udpPortPer: "destination-port" }).udpPortPer,
    "destination-port",
  );
  for (const minutes of [4, 120])
    assert.is(loadBalancerRules({ nodes: 1, idleTimeoutMinutes: minutes }).idle.tcp, minutes * 60);
  for (const minutes of [3, 121])
    assert.is(
      message(() => loadBalancerRules({ nodes: 1, idleTimeoutMinutes: minutes })),
      `idleTimeoutMinutes: ${minutes} is out of range; expected 4 to 120 minutes`,
    );
  for (const outboundIps of [0, 101])
    assert.is(
      message(() => loadBalancerRules({ nodes: 1, outboundIps })),
      `outboundIps: ${outboundIps} is out of range; expected 1 to 100 outbound addresses`,
    );
  assert.match(
    message(() => loadBalancerRules({ sku: "Basic", nodes: 301 })),
    /^nodes: 301 is refused.*expected at most 300 nodes, or sku Standard$/,
  );
  assert.match(
    message(() => loadBalancerRules({ nodes: 1001 })),
    /^nodes: 1001 is refused.*expected at most 1,000 nodes, or ports allocated by hand$/,
  );
  assert.match(
    message(() => loadBalancerRules({ nodes: 3, allocatedOutboundPorts: 21000 })),
    /^allocatedOutboundPorts: 21000 is refused.*expected fewer ports, fewer nodes or more outbound addresses$/,
  );
});

documented("of a NAT gateway", () => {
  assert.equal(numbers(natGatewayRules()), {
    pool: "shared",
    ports: 64_512,
    choice: "random",
    udpPortPer: "destination-port",
    connectionsPerDestination: 50_000,
    counted: "open",
    connections: 2_000_000,
    idle: { tcp: 240, udp: 240 },
    after: { fin: 65, rst: 16, udp: 65 },
  });
  const large = natGatewayRules({ ips: 16, idleTimeoutMinutes: 120, counted: "held" });
  assert.equal(
    [large.ports, large.connectionsPerDestination, large.idle, large.counted],
    [16 * 64_512, 800_000, { tcp: 7200, udp: 240 }, "held"],
  );
  assert.equal([natGatewayRules().title, large.title], ["NAT gateway, 1 address", "NAT gateway, 16 addresses"]);
  for (const ips of [0, 17])
    assert.is(
      message(() => natGatewayRules({ ips })),
      `ips: ${ips} is out of range; expected 1 to 16 public addresses`,
    );
});

documented("of a node's own MASQUERADE", () => {
  assert.equal(numbers(masqueradeRules()), {
    pool: "per-node",
    ports: 64_512,
    choice: "random",
    udpPortPer: "destination-port",
    connectionsPerDestination: 64_512,
    counted: "held",
    connections: Infinity,
    idle: { tcp: 86_400, udp: 120 },
    after: { fin: 120, rst: 10, udp: 0 },
  });
  assert.is(masqueradeRules({ first: 1, last: 65_535 }).ports, 65_535);
  assert.is(masqueradeRules({ first: 7, last: 7 }).ports, 1);
  for (const [options, text] of [
    [{ first: 0 }, "first: 0 is out of range; expected 1 to 65535 as a port"],
    [{ first: 65_536 }, "first: 65536 is out of range; expected 1 to 65535 as a port"],
    [{ first: 9, last: 8 }, "last: 8 is out of range; expected 9 to 65535 as a port"],
    [{ last: 65_536 }, "last: 65536 is out of range; expected 1024 to 65535 as a port"],
  ] as const)
    assert.is(
      message(() => masqueradeRules(options)),
      text,
    );
});

documented("say what was given and what was not", () => {
  const plain = loadBalancerRules({ nodes: 3 });
  const given = loadBalancerRules({
    nodes: 3,
    outboundIps: 2,
    allocatedOutboundPorts: 8000,
    surge: 1,
    idleTimeoutMinutes: 5,
    holdAfterFin: 60,
    holdAfterRst: 15,
    udpPortPer: "flow",
  });
  assert.equal(given.after, { fin: 60, rst: 15, udp: 0 });
  for (const [name, byDefault, byHand] of [
    ["surge", undefined, "1: 3 nodes and 1 surge node, maxSurge 1, given"],
    ["udpPortPer", "destination: follows from the era", "flow: given"],
    ["idleTimeout", "30 minutes: default", "5 minutes: given"],
    ["holdAfterFin", "240 seconds: today's value is not published", "60 seconds: given; documented is 240"],
    ["holdAfterRst", "15 seconds: today's value is not published", "15 seconds: today's value is not published"],
  ] as const) {
    assert.is(assumed(plain, name), byDefault, name);
    assert.is(assumed(given, name), byHand, name);
  }
  assert.match(assumed(plain, "portsPerNode")!, /; 1 outbound address$/);
  assert.match(assumed(given, "portsPerNode")!, /; 2 outbound addresses$/);
  assert.match(
    assumed(loadBalancerRules({ nodes: 3, allocatedOutboundPorts: 8000 }), "surge")!,
    /^10%: .*, the era's default$/,
  );
  const gateway = natGatewayRules({ holdUdp: 9, holdAfterFin: 8, holdAfterRst: 7, counted: "open" });
  assert.equal(gateway.after, { fin: 8, rst: 7, udp: 9 });
  assert.match(assumed(gateway, "counted")!, /, given$/);
  assert.match(assumed(natGatewayRules(), "counted")!, /, assumed as no document decides$/);
  assert.match(natGatewayRules({ counted: "held" }).basis, /those that hold a port count/);
});

documented.run();

const holds = suite("holdOf");

const duration = { kind: "exponential", mean: 10 } as const;
const tcp: Stream = { name: "a", rate: 1, to: { address: "203.0.113.7", port: 443, protocol: "tcp" }, duration };
const udp: Stream = { ...tcp, to: { ...tcp.to, protocol: "udp" } };
const rules: PortRules = { ...natGatewayRules(), idle: { tcp: 240, udp: 100 }, after: { fin: 65, rst: 16, udp: 60 } };

holds("go on after FIN, RST and silence as the rules say, and end when a silent connection is forgotten", () => {
  const rows: readonly (readonly [name: string, stream: Stream, hold: Hold])[] = [
    ["FIN", tcp, { duration, after: 65, closed: 65 }],
    ["FIN, said", { ...tcp, ends: "fin" }, { duration, after: 65, closed: 65 }],
    ["RST", { ...tcp, ends: "rst" }, { duration, after: 16, closed: 16 }],
    ["no word", { ...tcp, ends: "idle" }, { duration, after: 240, closed: 0 }],
    ["UDP", udp, { duration, after: 160, closed: 60 }],
    ["silent, then FIN", { ...tcp, traffic: "once" }, { duration, after: 65, closed: 65, cut: 240 }],
    ["silent but for probes", { ...tcp, traffic: "once", keepAlive: 239 }, { duration, after: 65, closed: 65 }],
    ["probes too late", { ...tcp, traffic: "once", keepAlive: 240 }, { duration, after: 65, closed: 65, cut: 240 }],
    ["steady with probes", { ...tcp, traffic: "steady", keepAlive: 999 }, { duration, after: 65, closed: 65 }],
    [
      "silent, then no word",
      { ...tcp, traffic: "once", ends: "idle" },
      { duration: { kind: "constant", seconds: 240 }, after: 0, closed: 0 },
    ],
    ["UDP, once", { ...udp, traffic: "once" }, { duration: { kind: "constant", seconds: 160 }, after: 0, closed: 60 }],
  ];
  for (const [name, stream, hold] of rows) assert.equal(holdOf(stream, rules), hold, name);
});

holds.run();

const groups = suite("groupOf");

groups("is a destination for TCP, and for UDP what one port serves", () => {
  const to = { name: "site", count: 3, port: 53, protocol: "udp" } as const;
  const of = (udpPortPer: PortRules["udpPortPer"], where: Stream["to"] = to) =>
    groupOf(where, 1, { ...rules, udpPortPer });
  assert.equal([of("flow"), of("destination"), of("destination-port")], ["any/udp", "site 2/udp", "site 2:53/udp"]);
  for (const per of ["flow", "destination", "destination-port"] as const)
    assert.is(of(per, { ...to, protocol: "tcp" }), "site 2:53/tcp");
});

groups.run();

const byHand = suite("rules made by hand");

byHand("are taken as far as the largest pool, and refused beyond", () => {
  const most = 16 * 64_512;
  for (const change of [
    { ports: 1, connectionsPerDestination: 1, connections: 1 },
    { ports: most, connectionsPerDestination: most, connections: Infinity },
    { idle: { tcp: 0, udp: 0 }, after: { fin: 0, rst: 0, udp: 0 } },
  ] as readonly Partial<PortRules>[])
    checkRules({ ...rules, ...change });
  const rows: readonly (readonly [change: Partial<PortRules>, text: string])[] = [
    [{ ports: 0 }, `rules.ports: 0 is out of range; expected 1 to ${most} ports`],
    [{ ports: most + 1 }, `rules.ports: ${most + 1} is out of range; expected 1 to ${most} ports`],
    [
      { connectionsPerDestination: 0 },
      `rules.connectionsPerDestination: 0 is out of range; expected 1 to ${most} connections`,
    ],
    [{ connections: 0.5 }, "rules.connections: 0.5 is out of range; expected a number of connections, or Infinity"],
    ...(["tcp", "udp"] as const).map(
      protocol =>
        [
          { idle: { ...rules.idle, [protocol]: -1 } },
          `rules.idle.${protocol}: -1 is not a length of time; expected seconds, 0 or more`,
        ] as const,
    ),
    ...(["fin", "rst", "udp"] as const).map(
      end =>
        [
          { after: { ...rules.after, [end]: -1 } },
          `rules.after.${end}: -1 is not a length of time; expected seconds, 0 or more`,
        ] as const,
    ),
  ];
  for (const [change, text] of rows)
    assert.is(
      message(() => checkRules({ ...rules, ...change })),
      text,
    );
  for (const field of ["kind", "pool", "choice", "udpPortPer", "counted"] as const)
    assert.match(
      message(() => checkRules({ ...rules, [field]: "other" })),
      new RegExp(`^rules\\.${field}: "other" is no `),
    );
});

byHand.run();
