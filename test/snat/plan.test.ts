import { suite } from "uvu";
import * as assert from "uvu/assert";
import { erlangB, loadFor, mappingsLost } from "../../lib/snat/erlang.js";
import { type Plan, type PlanName, type PlanQuestion, compare, planOutbound } from "../../lib/snat/plan.js";
import type { Stream } from "../../lib/snat/workload.js";

const api: Stream = {
  name: "api",
  rate: 0.1,
  to: { address: "203.0.113.7", port: 443, protocol: "tcp" },
  duration: { kind: "exponential", mean: 15 },
};
const question: PlanQuestion = { nodes: 50, maxNodes: 60, podsPerNode: 30, streams: [api], target: 0.001 };
const option = (change: Partial<PlanQuestion>, name: PlanName): Plan =>
  planOutbound({ ...question, ...change }).find(plan => plan.name === name)!;

/** A stream that needs exactly so many ports on a node of one pod. */
const needing = (ports: number): Partial<PlanQuestion> => {
  const load = loadFor(ports - 4, question.target);
  return { podsPerNode: 1, streams: [{ ...api, rate: load / 255 }] };
};

const vectors = suite("the published vectors");

// Nodes that fit so many ports each on so many addresses: azure-aks-docs configure-load-balancer-standard.md.
for (const { ports, ips, nodes } of [
  { ports: 1000, ips: 2, nodes: 128 },
  { ports: 1000, ips: 7, nodes: 448 },
  { ports: 4000, ips: 2, nodes: 32 },
  { ports: 4000, ips: 7, nodes: 112 },
])
  vectors(`${ports} ports on ${ips} addresses hold ${nodes} nodes, surge nodes counted`, () => {
    const at = (maxNodes: number) => option({ ...needing(ports), nodes: 1, maxNodes, surge: 1 }, "standard-allocated");
    const full = at(nodes - 1);
    assert.is(full.atMost!.ports, ports);
    assert.is(full.atMost!.ips, ips);
    assert.match(
      full.commands[0]!,
      new RegExp(`--load-balancer-managed-outbound-ip-count ${ips} --load-balancer-outbound-ports ${ports}$`),
    );
    assert.ok(
      full.breaks.some(text => text.includes(`hold ${nodes} nodes`)),
      `${full.breaks}`,
    );
    assert.is(at(nodes).atMost!.ips, ips + 1);
  });

vectors("9 nodes of 8,000 ports need a second address; so do 3 of 21,000, as a surge node is counted", () => {
  assert.is(option({ ...needing(8000), nodes: 9, maxNodes: 9, surge: 0 }, "standard-allocated").atMost!.ips, 2);
  assert.is(option({ ...needing(8000), nodes: 8, maxNodes: 8, surge: 0 }, "standard-allocated").atMost!.ips, 1);
  assert.is(option({ ...needing(21_000), nodes: 3, maxNodes: 3, surge: 0 }, "standard-allocated").atMost!.ips, 1);
  assert.is(option({ ...needing(21_000), nodes: 3, maxNodes: 3, surge: 1 }, "standard-allocated").atMost!.ips, 2);
});

vectors("7 nodes of 10,000 ports do not fit one address", () => {
  assert.is(option({ ...needing(10_000), nodes: 7, maxNodes: 7, surge: 0 }, "standard-allocated").atMost!.ips, 2);
});

vectors.run();

const options = suite("the options");

options("Basic never fits, and says why", () => {
  const plan = option({ nodes: 1, maxNodes: 1 }, "basic");
  assert.not(plan.fits);
  assert.match(plan.why, /retired on 2025-09-30/);
  assert.equal(plan.commands, []);
  assert.is(plan.now!.ports, 1024);
});

options("from 50 to 51 nodes the default table halves the ports, already when an upgrade adds a node", () => {
  const step = /from 50 to 51 nodes.* every node falls from 1,024 to 512 ports/;
  assert.match(
    option({ maxNodes: 51, era: "2023", streams: [{ ...api, rate: 0.01 }] }, "standard-default").breaks.join(),
    step,
  );
  assert.match(
    option({ maxNodes: 50, streams: [{ ...api, rate: 0.01 }] }, "standard-default").breaks.join(),
    /which the surge nodes of an upgrade already pass/,
  );
  assert.equal(option({ maxNodes: 50, surge: 0 }, "standard-default").breaks, []);
  assert.match(
    option({ nodes: 990, maxNodes: 1000, streams: [{ ...api, rate: 0.0001 }] }, "standard-default").breaks.join(),
    /from 1,000 nodes on.* the default table has no ports/,
  );
});

options("more addresses make up for the table, as far as the era lets them", () => {
  const newest = option({}, "standard-default");
  assert.equal([newest.fits, newest.now!.ips, newest.atMost!.ports], [true, 2, 1024]);
  assert.equal(newest.breaks, [], "two addresses hold the ports at 1,024");
  const busy = { streams: [{ ...api, rate: 0.2 }] };
  assert.not(option(busy, "standard-default").fits, "1,024 is the ceiling");
  assert.ok(option({ ...busy, era: "2021" }, "standard-default").fits, "which there was not in 2021");
});

options("allocated ports are the fewest multiple of 8 that meets the target", () => {
  const { atMost, fits } = option({}, "standard-allocated");
  const load = 30 * 0.1 * 255;
  assert.ok(fits && atMost!.ports % 8 === 0);
  assert.is(atMost!.failure, erlangB(load, atMost!.ports));
  assert.ok(atMost!.failure <= question.target && erlangB(load, atMost!.ports - 8) > question.target);
  assert.ok(atMost!.headroom >= 1 && atMost!.headroom < 1.02);
});

options("more than a node or a cluster can have is refused", () => {
  assert.match(
    option({ streams: [{ ...api, rate: 10 }] }, "standard-allocated").why,
    /each node needs [\d,]+ ports, and can have 64,000/,
  );
  assert.match(
    option({ streams: [{ ...api, rate: 5 }], maxNodes: 400 }, "standard-allocated").why,
    /need [\d,]+ outbound addresses, and a cluster can have 100/,
  );
  assert.not(option({ streams: [{ ...api, rate: 100 }] }, "nat-gateway").fits);
});

options("a NAT gateway takes as many addresses as all nodes together need", () => {
  const plan = option({ maxNodes: 1000, nodes: 1000 }, "nat-gateway");
  const load = 1001 * 30 * 0.1 * (15 + 65);
  const ips = plan.atMost!.ips;
  assert.ok(plan.fits);
  assert.ok(erlangB(load, ips * 50_000) <= question.target && erlangB(load, (ips - 1) * 50_000) > question.target);
  assert.match(
    plan.commands[0]!,
    new RegExp(`--outbound-type managedNATGateway --nat-gateway-managed-outbound-ip-count ${ips}$`),
  );
});

options("fewer connections: what would fit meets the target exactly", () => {
  const plan = option({}, "fewer-connections");
  assert.not(plan.fits);
  const [advice] = plan.advice!;
  const failure = erlangB(30 * advice!.fittingRate * 255, 512);
  assert.ok(Math.abs(failure / question.target - 1) < 1e-6, `${failure}`);
  assert.is(advice!.fittingDuration, undefined, "the 240 s after FIN alone are too long");
  const long = option(
    { streams: [{ ...api, rate: 0.02, duration: { kind: "constant", seconds: 1000 } }] },
    "fewer-connections",
  ).advice![0]!;
  assert.ok(Math.abs(erlangB(30 * 0.02 * (long.fittingDuration! + 240), 512) / question.target - 1) < 1e-6);
});

options("destinations share ports: sixteen of them carry sixteen times as much", () => {
  const spread: Stream = { ...api, rate: 1.6, to: { name: "shard", count: 16, port: 443, protocol: "tcp" } };
  const one = option({}, "standard-default").now!;
  const sixteen = option({ streams: [spread] }, "standard-default").now!;
  assert.ok(Math.abs(sixteen.failure - one.failure) < 1e-12);
  assert.ok(Math.abs(sixteen.headroom - one.headroom) < 1e-9);
});

options("commands name the group and the cluster", () => {
  assert.match(
    option({ resourceGroup: "akstest", cluster: "kubenetcluster" }, "nat-gateway").commands[0]!,
    /^az aks update --resource-group akstest --name kubenetcluster /,
  );
});

options("a question without sense is refused", () => {
  const refuses = (change: Partial<PlanQuestion>, message: RegExp) =>
    assert.throws(() => planOutbound({ ...question, ...change }), message);
  refuses({ nodes: 0 }, /nodes: 0 is out of range/);
  refuses({ maxNodes: 49 }, /maxNodes: 49 is out of range; expected 50 to 5000/);
  refuses({ podsPerNode: 251 }, /podsPerNode: 251/);
  refuses({ target: 0 }, /target: 0 is no probability/);
  refuses({ streams: [] }, /expected a stream with a rate above 0/);
  refuses({ streams: [{ ...api, rate: -1 }] }, /streams\[0\].rate: -1 is negative/);
});

options.run();

const changes = suite("compare");

changes("names what changes for which nodes", () => {
  const { now, atMost } = option({ maxNodes: 51, era: "2021", streams: [{ ...api, rate: 0.01 }] }, "standard-default");
  const rows = compare(now!, atMost!);
  assert.equal(
    rows.slice(0, 2).map(({ what, before, after, nodes, consequence }) => [what, before, after, nodes, consequence]),
    [
      ["nodes", "50", "51", "1 new", "the new ones start with 512 ports"],
      ["ports", "1,024", "512", "the 50 that there are", "0-77 of a node's 77 mappings are lost"],
    ],
  );
});

changes("tells how many mappings are lost with the ports, over all destinations", () => {
  const streams = [{ ...api, rate: 0.15, to: { name: "api", count: 2, port: 443, protocol: "tcp" } as const }];
  const { now, atMost } = option({ maxNodes: 51, era: "2021", streams }, "fewer-connections");
  const { least, most } = mappingsLost(now!.loads[0]!.load, 1024, 512);
  const { consequence } = compare(now!, atMost!).find(({ what }) => what === "ports")!;
  const [from, to, of] = consequence.match(/\d[\d,]*/g)!.map(text => Number(text.replace(",", "")));
  assert.is(from, Math.round(2 * least));
  assert.is(to, Math.round(2 * most));
  assert.is(of, Math.round(now!.loads[0]!.load * 2));
  assert.is(compare(atMost!, now!).find(({ what }) => what === "ports")!.consequence, "nothing breaks");
});

changes("a gateway that loses an address loses its share of the mappings, whatever one destination may hold", () => {
  const large = { nodes: 1000, maxNodes: 1000, podsPerNode: 100, streams: [{ ...api, rate: 0.005 }] };
  const { now } = option(large, "nat-gateway");
  assert.ok(now!.ports > now!.rules.connectionsPerDestination);
  const half = { ...now!, ports: now!.ports / 2, rules: { ...now!.rules, ports: now!.ports / 2 } };
  const { consequence } = compare(now!, half).find(({ what }) => what === "ports")!;
  const [lost, of] = consequence.match(/\d[\d,]*/g)!.map(text => Number(text.replace(",", "")));
  assert.ok(of! > 1000 && Math.abs(lost! - of! / 2) <= 1, consequence);
});

changes("from load balancer to NAT gateway: another pool, other timeouts", () => {
  const rows = compare(option({}, "standard-allocated").now!, option({}, "nat-gateway").now!);
  assert.equal(
    rows.map(row => row.what),
    ["pool", "idle timeout", "hold after FIN", "failures"],
  );
  assert.equal([rows[0]!.before, rows[0]!.after], ["832 for each node", "64,512 for all nodes"]);
});

changes("takes whole plans too, at their largest size", () => {
  const [a, b] = [option({}, "standard-default"), option({}, "standard-allocated")];
  assert.equal(compare(a, b), compare(a.atMost!, b.atMost!));
  assert.throws(
    () => compare(a, option({ streams: [{ ...api, rate: 10 }] }, "standard-allocated")),
    /planB: "standard-allocated" has no setup to compare/,
  );
});

changes("nothing between equals", () => {
  const { now } = option({}, "nat-gateway");
  assert.equal(compare(now!, now!), []);
});

changes.run();
