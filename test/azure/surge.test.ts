import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { eras } from "../../lib/azure/era.js";
import { snatPorts } from "../../lib/azure/snat.js";
import { type Surge, countNodes, defaultSurge } from "../../lib/azure/surge.js";
import { build } from "../../lib/scenario/build.js";
import { smallCluster } from "../../lib/scenario/small.js";
import { portsFor } from "../../lib/snat/erlang.js";
import { planOutbound } from "../../lib/snat/planOutbound.js";
import { loadBalancerRules } from "../../lib/snat/portRules.js";

const counting = suite("countNodes");

counting("adds a percentage of each pool, rounded up, or a number to each", () => {
  const rows: readonly (readonly [nodes: number | readonly number[], surge: Surge, added: number])[] = [
    [3, "10%", 1],
    [10, "10%", 1],
    [11, "10%", 2],
    [[10, 10, 2], "10%", 3],
    [[10, 10, 2], 1, 3],
    [[10, 10, 2], 2, 6],
    [7, "100%", 7],
    [101, "100%", 101],
    [200, "1%", 2],
    [201, "1%", 3],
    [7, 0, 0],
  ];
  for (const [nodes, surge, added] of rows) assert.is(countNodes(nodes, surge).surge, added, `${nodes} ${surge}`);
  assert.is(countNodes([10, 10, 2], "10%").says, "22 nodes in 3 pools and 3 surge nodes, maxSurge 10%");
});

counting("takes a whole number of nodes, or 1 % to 100 %", () => {
  for (const surge of ["0%", "101%", "1.5%", "10", "%"] as readonly string[] as readonly Surge[])
    assert.throws(() => countNodes(3, surge), /surge: .* is no surge; expected a number of nodes, or a percentage/);
  for (const surge of [-1, 0.5, 5001]) assert.throws(() => countNodes(3, surge), /surge: .* expected 0 to 5000 nodes/);
  for (const surge of [0, 5000, "1%", "100%"] as const) assert.is(countNodes(1, surge).maxSurge, surge);
});

counting("goes by the era when nobody says", () => {
  assert.equal(eras.map(defaultSurge), [1, 1, "10%"]);
});

counting.run();

const agreement = suite("the same question");

/** Whether each of the three takes so many ports on so many nodes. */
const accepted = {
  rules: (question: Asked): string =>
    refusal(() => loadBalancerRules({ ...question, allocatedOutboundPorts: question.ports })),
  scenario: (question: Asked): string =>
    refusal(() => {
      const { nodes, outboundIps, ports, surge, era } = question;
      build(
        smallCluster({
          nodeCount: nodes,
          podsPerNode: 0,
          maxPods: 30,
          sku: "Standard",
          frontends: outboundIps,
          allocatedOutboundPorts: ports,
          ...(surge === undefined ? {} : { maxSurge: surge }),
          ...(era === undefined ? {} : { era }),
        }),
      );
    }),
};

interface Asked {
  readonly nodes: number;
  readonly outboundIps: number;
  readonly ports: number;
  readonly surge?: Surge;
  readonly era?: (typeof eras)[number];
}

/** Azure's own words, if it refuses. */
const refusal = (ask: () => unknown): string => {
  try {
    ask();
    return "";
  } catch (error) {
    return /is refused: (.*); expected/.exec(String(error))?.[1] ?? String(error);
  }
};

const asked: fc.Arbitrary<Asked> = fc
  .record(
    {
      nodes: fc.integer({ min: 1, max: 40 }),
      outboundIps: fc.integer({ min: 1, max: 4 }),
      surge: fc.oneof(
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 100 }).map((share): Surge => `${share}%`),
      ),
      era: fc.constantFrom(...eras),
      // Close to where it ends.
      more: fc.integer({ min: -3, max: 3 }),
    },
    { requiredKeys: ["nodes", "outboundIps", "more"] },
  )
  .map(({ more, ...question }) => {
    const { nodes, outboundIps, era, surge = defaultSurge(era) } = question;
    const blocks = Math.floor((outboundIps * 64_000) / countNodes(nodes, surge).total / 8) + more;
    return { ...question, ports: 8 * Math.min(8000, Math.max(1, blocks)) };
  });

agreement("gets the same answer, in the same words, from snatPorts, the rules and a scenario", () => {
  fc.assert(
    fc.property(asked, question => {
      const { nodes, outboundIps: frontends, ports: allocated, surge, era } = question;
      const answer = snatPorts({
        sku: "Standard",
        nodes,
        frontends,
        allocated,
        ...(surge === undefined ? {} : { surge }),
        ...(era === undefined ? {} : { era }),
      });
      const expected = answer.kind === "rejected" ? answer.reason : "";
      assert.is(accepted.rules(question), expected);
      assert.is(accepted.scenario(question), expected);
    }),
    { numRuns: 60 },
  );
});

agreement("and the planner asks for the fewest addresses that the others take", () => {
  fc.assert(
    fc.property(asked, fc.integer({ min: 20, max: 2000 }), (question, load) => {
      const { nodes, surge, era } = question;
      const rest = { ...(surge === undefined ? {} : { surge }), ...(era === undefined ? {} : { era }) };
      const plan = planOutbound({
        nodes,
        maxNodes: nodes,
        podsPerNode: 1,
        target: 0.001,
        streams: [
          {
            name: "api",
            rate: load / 255,
            to: { address: "203.0.113.7", port: 443, protocol: "tcp" },
            duration: { kind: "exponential", mean: 15 },
          },
        ],
        ...rest,
      }).find(({ name }) => name === "standard-allocated")!;
      const { ports, ips } = plan.atMost!;
      assert.is(ports, 8 * Math.ceil(portsFor(load, 0.001)! / 8));
      const kind = (frontends: number) =>
        snatPorts({ sku: "Standard", nodes, frontends, allocated: ports, ...rest }).kind;
      assert.is(kind(ips), "allocated");
      if (ips > 1) assert.is(kind(ips - 1), "rejected");
      assert.is(accepted.scenario({ ...question, outboundIps: ips, ports }), "");
    }),
    { numRuns: 30 },
  );
});

agreement.run();
