import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Era, eras } from "../../lib/azure/era.js";
import { type SnatQuestion, checkAllocatedPorts, maxNodes, snatPorts, snatTier } from "../../lib/azure/snat.js";
import { message } from "../message.js";

const tiers = suite("snatTier");

tiers("steps down at the published sizes", () => {
  const rows: readonly (readonly [nodes: number, ports: number | undefined])[] = [
    [1, 1024],
    [50, 1024],
    [51, 512],
    [100, 512],
    [101, 256],
    [200, 256],
    [201, 128],
    [400, 128],
    [401, 64],
    [800, 64],
    [801, 32],
    [1000, 32],
    [1001, undefined],
  ];
  for (const [nodes, ports] of rows) assert.is(snatTier(nodes)?.ports, ports, `${nodes} nodes`);
});

tiers.run();

const ports = suite("snatPorts");

ports("gives by default what the era's documentation says", () => {
  const rows: readonly (readonly [
    sku: "Basic" | "Standard",
    nodes: number,
    frontends: number,
    era: Era,
    perNode: number,
  ])[] = [
    ["Basic", 50, 1, "2018", 1024],
    ["Basic", 50, 2, "2018", 1024],
    ["Basic", 51, 2, "2023", 512],
    ["Standard", 50, 2, "2018", 2048],
    ["Standard", 50, 2, "2021", 2048],
    ["Standard", 50, 2, "2023", 1024],
    ["Standard", 100, 1, "2023", 512],
    ["Standard", 100, 2, "2023", 1024],
    ["Standard", 100, 3, "2023", 1024],
    ["Standard", 1000, 3, "2023", 96],
  ];
  for (const [sku, nodes, frontends, era, perNode] of rows) {
    const answer = snatPorts({ sku, nodes, frontends, era });
    assert.is(answer.kind === "default" && answer.perNode, perNode, `${sku} ${nodes} x ${frontends} in ${era}`);
  }
});

ports("checks a number set by hand with the published arithmetic", () => {
  const ask = (question: Omit<SnatQuestion, "sku">) => snatPorts({ sku: "Standard", ...question });
  const nine = ask({ nodes: 9, surge: 0, frontends: 1, allocated: 8000 });
  assert.is(nine.kind === "rejected" && nine.because, "over-capacity");
  assert.is(
    nine.kind === "rejected" && nine.reason,
    "Total node count 9 requires 72000 ports but only 64000 ports are available given 1 outbound public IPs (9 nodes and 0 surge nodes, maxSurge 0)",
  );
  assert.is(ask({ nodes: 7, surge: 0, frontends: 1, allocated: 10000 }).kind, "rejected");
  assert.is(ask({ nodes: 7, surge: 0, frontends: 2, allocated: 10000 }).kind, "allocated");
  assert.is(ask({ nodes: 3, surge: 0, frontends: 1, allocated: 21000 }).kind, "allocated");
});

ports("counts surge nodes by pool as Azure did", () => {
  const rows: readonly (readonly [
    question: Omit<SnatQuestion, "sku">,
    counted: number,
    kind: "allocated" | "rejected",
    source: string,
  ])[] = [
    [{ nodes: 3, frontends: 1, allocated: 21000 }, 4, "rejected", "Azure/azure-cli#22374"],
    [{ nodes: 3, frontends: 2, allocated: 42664 }, 4, "rejected", "Azure/azure-cli#16480"],
    [{ nodes: [10, 10, 2], frontends: 1, allocated: 3200 }, 25, "rejected", "jenkins-infra/azure#580"],
    [{ nodes: [10, 10, 2], frontends: 1, allocated: 2560 }, 25, "allocated", "25 x 2,560 are 64,000"],
    [
      { nodes: 8, frontends: 1, allocated: 8000 },
      9,
      "rejected",
      "MicrosoftDocs/SupportArticles-docs#2101: 8 count as 9",
    ],
    [{ nodes: 8, frontends: 1, allocated: 7104 }, 9, "allocated", "the same"],
    [{ nodes: 100, frontends: 10, allocated: 5816 }, 110, "allocated", "a tenth of 100"],
    [{ nodes: 100, era: "2021", frontends: 10, allocated: 6336 }, 101, "allocated", "one node before"],
    [{ nodes: [100, 1], surge: "33%", frontends: 10, allocated: 8 }, 135, "allocated", "each pool rounds up"],
  ];
  for (const [question, counted, kind, source] of rows) {
    const answer = snatPorts({ sku: "Standard", ...question });
    assert.is(answer.kind, kind, source);
    assert.is("counted" in answer && answer.counted.total, counted, source);
  }
  const refusal = snatPorts({ sku: "Standard", nodes: 3, frontends: 1, allocated: 21000 });
  assert.is(
    refusal.kind === "rejected" && refusal.reason,
    "Total node count 4 requires 84000 ports but only 64000 ports are available given 1 outbound public IPs (3 nodes and 1 surge node, maxSurge 10%)",
  );
});

ports("says in a line what decided them", () => {
  const basis = (question: Partial<SnatQuestion>) =>
    snatPorts({ sku: "Standard", nodes: 3, frontends: 1, ...question }).basis;
  assert.is(basis({}), "default table, 1 to 50 nodes; documents of 2023");
  assert.is(
    basis({ frontends: 2 }),
    "default table, 1 to 50 nodes, 2 addresses, 1024 ports at most; documents of 2023",
  );
  assert.is(basis({ frontends: 2, era: "2018" }), "default table, 1 to 50 nodes, 2 addresses; documents of 2018");
  assert.is(
    basis({ sku: "Basic", frontends: 2, era: "2018" }),
    "default table, 1 to 50 nodes, one of 2 addresses in use; documents of 2018",
  );
  assert.is(
    basis({ allocated: 8000 }),
    "8000 ports allocated to each of 4 nodes (3 nodes and 1 surge node, maxSurge 10%)",
  );
});

ports("ends a Basic load balancer's pool at 300 nodes, one availability set", () => {
  assert.is(snatPorts({ sku: "Basic", nodes: 300, frontends: 1 }).kind, "default");
  const answer = snatPorts({ sku: "Basic", nodes: 301, frontends: 1 });
  assert.is(
    answer.kind === "rejected" && answer.reason,
    "a Basic load balancer's pool is one availability set of 300 nodes at most and this one has 301",
  );
});

ports("has no default beyond 1,000 nodes", () => {
  const answer = snatPorts({ sku: "Standard", nodes: 1001, frontends: 1 });
  assert.is(
    answer.kind === "rejected" && answer.reason,
    "the default table of ports ends at 1000 nodes and the pool has 1001",
  );
  assert.is(snatPorts({ sku: "Standard", nodes: 1001, frontends: 2, allocated: 64 }).kind, "allocated");
});

ports("never promises more than the frontends have", () => {
  const question = fc.record({
    sku: fc.constantFrom("Basic" as const, "Standard" as const),
    nodes: fc.integer({ min: 1, max: 1200 }),
    frontends: fc.integer({ min: 1, max: 20 }),
    era: fc.constantFrom(...eras),
  });
  fc.assert(
    fc.property(question, asked => {
      const answer = snatPorts(asked);
      if (answer.kind === "rejected") assert.ok(asked.nodes > (asked.sku === "Basic" ? 300 : 1000));
      else {
        assert.is(answer.perNode % 8, 0);
        assert.ok(answer.perNode * asked.nodes <= answer.capacity);
      }
    }),
  );
});

ports("names a bad figure and what would be right", () => {
  const rows: readonly (readonly [question: Partial<SnatQuestion>, text: string])[] = [
    [{ nodes: 0 }, "nodes: 0 is out of range; expected 1 or more nodes"],
    [{ nodes: 1.5 }, "nodes: 1.5 is not a whole number; expected 1 or more nodes"],
    [{ nodes: [] }, "nodes: [] has no node pool; expected the nodes of each pool: [10, 10, 2]"],
    [{ nodes: [3, 0] }, "nodes[1]: 0 is out of range; expected 1 or more nodes"],
    [{ surge: -1 }, "surge: -1 is out of range; expected 0 to 5000 nodes"],
    [{ surge: "0%" }, 'surge: "0%" is no surge; expected a number of nodes, or a percentage of each pool: 1% to 100%'],
    [{ sku: "basic" as "Basic" }, 'sku: "basic" is no load balancer SKU; expected Basic or Standard'],
    [{ frontends: 0 }, "frontends: 0 is out of range; expected 1 or more frontends"],
    [
      { allocated: 12 },
      "allocated: 12 is not a multiple of 8, the block that ports are given out in; expected 8 or 16",
    ],
    [{ allocated: 64008 }, "allocated: 64008 is out of range; expected 0 to 64000 ports"],
    [
      { sku: "Basic", allocated: 8 },
      "allocated: 8 needs an outbound rule, which a Basic load balancer does not have; expected 0 with Basic, or sku Standard",
    ],
  ];
  for (const [question, text] of rows)
    assert.is(
      message(() => snatPorts({ sku: "Standard", nodes: 1, frontends: 1, ...question })),
      text,
    );
  assert.is(checkAllocatedPorts(64000), 64000);
});

ports.run();

const nodes = suite("maxNodes");

nodes("follows the published rows", () => {
  const rows: readonly (readonly [ports: number, ips: number, nodes: number])[] = [
    [1000, 2, 128],
    [1000, 7, 448],
    [4000, 2, 32],
    [4000, 7, 112],
  ];
  for (const [perNode, ips, expected] of rows) assert.is(maxNodes(perNode, ips), expected);
});

nodes("is the last count that is not refused", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8000 }), fc.integer({ min: 1, max: 100 }), (blocks, frontends) => {
      const allocated = blocks * 8;
      const most = maxNodes(allocated, frontends);
      const kind = (count: number) => snatPorts({ sku: "Standard", nodes: count, surge: 0, frontends, allocated }).kind;
      assert.is(kind(most), "allocated");
      assert.is(kind(most + 1), "rejected");
    }),
  );
  assert.match(
    message(() => maxNodes(1000, 0)),
    /ips: 0 is out of range; expected 1 to 100 outbound addresses/,
  );
  for (const perNode of [0, 64008])
    assert.is(
      message(() => maxNodes(perNode, 1)),
      `ports: ${perNode} is out of range; expected 8 to 64000 ports`,
    );
  assert.is(maxNodes(8, 100), 800_000);
  assert.is(maxNodes(64000, 1), 1);
});

nodes.run();
