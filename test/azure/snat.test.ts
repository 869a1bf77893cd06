import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Era,
  type SnatQuestion,
  checkAllocatedPorts,
  eras,
  maxNodes,
  snatPorts,
  snatTier,
} from "../../lib/azure/snat.js";
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
  assert.equal(ask({ nodes: 9, frontends: 1, allocated: 8000 }), {
    kind: "rejected",
    because: "over-capacity",
    needed: 72000,
    capacity: 64000,
    reason: "total node count 9 requires 72000 ports but only 64000 are available from 1 outbound public address",
  });
  assert.is(ask({ nodes: 7, frontends: 1, allocated: 10000 }).kind, "rejected");
  assert.is(ask({ nodes: 7, frontends: 2, allocated: 10000 }).kind, "allocated");
  assert.is(ask({ nodes: 3, frontends: 1, allocated: 21000 }).kind, "allocated");
  const surge = ask({ nodes: 3, surge: 1, frontends: 1, allocated: 21000 });
  assert.is(
    surge.kind === "rejected" && surge.reason,
    "total node count 4 (1 of them surge) requires 84000 ports but only 64000 are available from 1 outbound public address",
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
      if (answer.kind === "rejected") assert.ok(asked.nodes > 1000);
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
      const kind = (count: number) => snatPorts({ sku: "Standard", nodes: count, frontends, allocated }).kind;
      assert.is(kind(most), "allocated");
      assert.is(kind(most + 1), "rejected");
    }),
  );
  assert.match(
    message(() => maxNodes(1000, 0)),
    /ips: 0 is out of range; expected 1 to 100 outbound addresses/,
  );
});

nodes.run();
