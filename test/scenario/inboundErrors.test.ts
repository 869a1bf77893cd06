import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addr, formatAddr } from "../../lib/ip/addr.js";
import { flowOf } from "../../lib/packet/flow.js";
import { bootModel } from "../../lib/net/model.js";
import type { Trace } from "../../lib/net/trace.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";

/** As netfilter translates an error that belongs to a connection: the outer source and the packet inside it alike. */
const errors = suite("ICMP errors about packets from the Internet");

const built = build(smallCluster({ nodeCount: 2 }));
const site = addr("203.0.113.10");
const frontend = addr(built.clusters[0]!.loadBalancer.frontends[0]!.address);

const told = (trace: Trace): string => {
  const [reply] = trace.replies;
  const { packet, disposition, hops } = reply!;
  const last = hops.at(-1)!.before;
  assert.is(disposition.kind, "delivered");
  assert.is(packet.proto === "icmp" && "quoted" in packet, true);
  if (last.proto !== "icmp" || !("quoted" in last)) throw new Error("not an error");
  const { src, dst, dport } = flowOf(last.quoted);
  return `${formatAddr(last.src)} ${last.type} about ${formatAddr(src)} > ${formatAddr(dst)}:${dport}`;
};

errors("leave as the load balancer, about what was sent to it", () => {
  const lab = bootModel(built.network);
  const packet = { src: site, sport: 5001, dst: frontend, dport: 80, ttl: 1, seq: 1, ack: 0, payload: "" } as const;
  assert.is(
    told(lab.trace("site-1.example", { proto: "tcp", ...packet, flags: ["SYN"] })),
    `${formatAddr(frontend)} time-exceeded about 203.0.113.10 > ${formatAddr(frontend)}:80`,
  );
});

errors("about an answer too, on the port that the load balancer gave the flow", () => {
  const lab = bootModel(built.network);
  const pod = built.network.hosts.find(({ role, id }) => role === "pod" && id.includes("/app-"))!.id;
  const out = lab.traceConnect(pod, "site-1.example", 53, { proto: "udp" });
  const { src, sport } = flowOf(out.hops.at(-1)!.before as never);
  const answer = { proto: "udp", src: site, sport: 53, dst: src, dport: sport, ttl: 1, payload: "late" } as const;
  assert.is(
    told(lab.trace("site-1.example", answer)),
    `${formatAddr(src)} time-exceeded about 203.0.113.10 > ${formatAddr(src)}:${sport}`,
  );
});

errors("go nowhere when nobody knows their connection", () => {
  const lab = bootModel(built.network);
  const node = built.clusters[0]!.cluster.nodes[0]!;
  const quoted = { proto: "udp", src: site, sport: 9, dst: node.internalIp, dport: 9, ttl: 1, payload: "" } as const;
  const trace = lab.trace(node.name, {
    proto: "icmp",
    type: "unreachable",
    code: 3,
    src: node.internalIp,
    dst: site,
    ttl: 64,
    quoted,
  });
  assert.is(trace.disposition.kind === "dropped" && trace.disposition.reason.kind, "no-translation");
});

errors.run();
