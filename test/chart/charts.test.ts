import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { portsCurve, tierSteps } from "../../lib/chart/curves.js";
import { allocationCurve } from "../../lib/chart/allocationCurve.js";
import { failureCurves } from "../../lib/chart/failureCurves.js";
import { failureHeatMap } from "../../lib/chart/failureHeatMap.js";
import { portsByNode } from "../../lib/chart/portsByNode.js";
import { portsOverTime } from "../../lib/chart/portsOverTime.js";
import { renderChart } from "../../lib/course/renderChart.js";
import { type SnatPortsRow, snatPortsPerNode } from "../../lib/chart/snatPorts.js";
import { type ChartSpec, vegaLite } from "../../lib/chart/spec.js";
import { chartSvg } from "../../lib/course/chartSvg.js";
import { InputError } from "../../lib/errors.js";

const row = (node: number, pod: string, portsInUse: number, failed = 0): SnatPortsRow => ({
  node: `aks-nodepool1-1-${node}`,
  pod,
  portsInUse,
  allotted: 1024,
  failed,
});
const twoNodes = [row(0, "web-a", 300), row(0, "web-b", 300), row(1, "web-c", 600), row(1, "web-d", 424, 176)];
const manyNodes = (nodes: number) =>
  Array.from({ length: nodes * 3 }, (_, i) => row(Math.floor(i / 3), `web-${i}`, 100 + i));
const curve = [10, 50, 110].map(x => ({
  x,
  portsInUse: Math.min(1024, x * 10),
  allotted: 1024,
  failed: Math.max(0, x * 10 - 1024),
}));
const skus = [
  { x: "Basic", portsInUse: 1024, allotted: 1024, failed: 76 },
  { x: "Standard", portsInUse: 1100, allotted: 8000, failed: 0 },
];
const tiers = Array.from({ length: 60 }, (_, i) => ({ nodes: i + 1, portsPerNode: i < 50 ? 1024 : 512 }));

/** A ramp that runs into the limit in minute 15 of 20. */
const use = Array.from({ length: 20 }, (_, i) => {
  const mean = Math.min(1020, 68 * (i + 1));
  const failures = i < 15 ? 0 : 10 * (i - 14);
  return {
    from: 60 * i,
    to: 60 * (i + 1),
    min: mean - 20,
    mean: mean - 0.123456789,
    max: Math.min(1024, mean + 20),
    limit: 1024,
    attempts: 100,
    failures,
  };
});
const heat = [1024, 512].flatMap(portsPerNode =>
  [10, 20, 30].flatMap(podsPerNode =>
    [20, 40].map(connectionsPerPod => ({
      portsPerNode,
      podsPerNode,
      connectionsPerPod,
      failure: Math.max(0, 1 - portsPerNode / (podsPerNode * connectionsPerPod)),
    })),
  ),
);
const lines = [64, 32].flatMap(portsPerNode =>
  [0.001, 0.01, 0.1].map((failure, i) => ({ portsPerNode, failure, load: portsPerNode * (0.7 + 0.2 * i) })),
);
const measured = [
  { portsPerNode: 64, load: 57, failure: 0.011, halfWidth: 0.002, expected: 0.01 },
  { portsPerNode: 32, load: 29, failure: 0.02, halfWidth: 0.001, expected: 0.01 },
  { portsPerNode: 32, load: 20, failure: 0, halfWidth: 0, expected: 0.0001 },
];
const used = (nodes: number) =>
  Array.from({ length: nodes }, (_, i) => ({
    node: `node-${i}`,
    mean: 300 + i / 3,
    p99: 400 + i,
    max: Math.min(512, 420 + 2 * i),
    allotted: 512,
    attempts: 1000,
    failures: i > 45 ? 5 : 0,
  }));
const allocation = Array.from({ length: 16 }, (_, i) => ({
  portsPerNode: 64 * (i + 1),
  failure: 10 ** (-0.5 * i),
  ips: Math.ceil((i + 1) / 8),
}));

const examples: Readonly<Record<string, ChartSpec>> = {
  "one node": snatPortsPerNode([row(0, "web-a", 5)]),
  "two nodes": snatPortsPerNode(twoNodes),
  "a hundred nodes": snatPortsPerNode(manyNodes(100)),
  "a node without pods": snatPortsPerNode([{ node: "n-0", portsInUse: 0, allotted: 64, failed: 0 }]),
  curve: portsCurve(curve, { x: "pods per node" }),
  "curve of two series": portsCurve(
    [...curve, ...curve].map((one, i) => ({ ...one, series: i < 3 ? "Basic" : "Standard" })),
    { x: "pods per node" },
  ),
  SKUs: portsCurve(skus, { x: "SKU" }),
  tiers: tierSteps(tiers),
  "ports over time": portsOverTime(use),
  "ports over time beside a formula": portsOverTime(use.slice(0, 5).map(one => ({ ...one, expected: one.mean + 1 }))),
  "heat map": failureHeatMap(heat),
  "heat map of one allotment": failureHeatMap(
    heat.filter(one => one.portsPerNode === 512),
    { connections: "connections per pod and minute" },
  ),
  "failure curves": failureCurves(lines, measured),
  "failure curves alone": failureCurves(lines, [], { levels: [] }),
  "five nodes' ports": portsByNode(used(5)),
  "a hundred nodes' ports": portsByNode(used(100)),
  "the largest cluster's ports": portsByNode(used(5000)),
  "the largest cluster": snatPortsPerNode(manyNodes(5000)),
  allocation: allocationCurve(allocation, { target: 0.01 }),
};

const svgPartOf = (text: string) => [...text.matchAll(/<text[^>]*>([^<]*)</g)].map(match => match[1]);

const chart = suite("chart");

chart("of a cluster of any size fits a page, and shows the nodes that matter", async () => {
  for (const [name, spec] of Object.entries({
    portsByNode: portsByNode(used(1039).map((row, i) => ({ ...row, max: 430, failures: i === 700 ? 1 : 0 }))),
    snatPortsPerNode: snatPortsPerNode(manyNodes(1039).map((row, i) => ({ ...row, failed: i === 700 ? 1 : 0 }))),
  })) {
    const { svg } = await renderChart(spec);
    assert.ok(Number(/width="(\d+)"/.exec(svg)![1]) < 800, name);
    assert.is(svg.match(/>✕</g)!.length, 1, name);
    assert.ok(
      svgPartOf(svg).some(text => text!.endsWith("…, the fullest of each 9")),
      name,
    );
  }
  const peaks = portsByNode(used(300).map((row, i) => ({ ...row, max: i % 3 })));
  assert.equal(
    peaks.data.values.map(one => one["max"]),
    Array.from({ length: 100 }, () => 2),
  );
});

chart("states its finding", () => {
  assert.is(
    examples["two nodes"]!.description,
    "aks-nodepool1-1-0 has 600 of its 1,024 SNAT ports in use and no connection fails; aks-nodepool1-1-1 has 1,024 of its 1,024 SNAT ports in use and 176 connections fail.",
  );
  assert.is(
    examples["a hundred nodes"]!.description,
    "100 nodes use 303 to 1,194 of their 1,024 SNAT ports each; 19 of them have all in use, and no connection fails.",
  );
  assert.is(
    examples["curve"]!.description,
    "From 10 to 110 pods per node, the SNAT ports in use on the fullest node go from 100 of 1,024 to 1,024 of 1,024; connections fail from 110 on.",
  );
  assert.is(
    examples["tiers"]!.description,
    "A node's SNAT ports fall in steps as the pool grows: from 1,024 to 512 at 51 nodes.",
  );
});

chart("states what happens to ports over time, on nodes and by load", () => {
  const finding = (name: string) => examples[name]!.description;
  assert.is(
    finding("ports over time"),
    "Within 20 minutes the SNAT ports in use go from 68 to 1,020 of 1,024, at most 1,024; connections fail from minute 15 on, 7.5 % of all and 50 % of the last.",
  );
  assert.is(
    finding("ports over time beside a formula"),
    "Within 300 seconds the SNAT ports in use go from 68 to 340 of 1,024, at most 360; no connection fails.",
  );
  assert.is(
    finding("heat map"),
    "With 1,024 ports per node, 1 % or more of the connections fail in 1 of 6 cases: with 30 pods per node, 1 % or more fail from 40 connections per pod on; the worst is 15 %, with 30 pods and 40 connections per pod.",
  );
  assert.is(
    finding("failure curves"),
    "1 % of the connections fail at so many erlangs: 58 on 64 ports, 29 on 32 ports. Of 3 simulated points, 1 has the formula's line within the 95 % confidence interval.",
  );
  assert.is(
    finding("five nodes' ports"),
    "At their peaks 5 nodes use 420 to 428 of 512 SNAT ports; none of them has them all in use at some time; no connection fails.",
  );
  assert.is(
    finding("a hundred nodes' ports"),
    "At their peaks 100 nodes use 420 to 512 of 512 SNAT ports; 54 of them have them all in use at some time; connections fail on 54 of them, 0.27 % in all.",
  );
  assert.is(
    finding("allocation"),
    "From 64 to 1,024 ports per node, failures fall from 100 % to under 0.01 %; 320 are the fewest that meet the target of 1 %, and take 1 address.",
  );
});

chart("asks for words", () => {
  assert.throws(
    () => vegaLite({ ...examples["curve"]!, description: " " }),
    (error: unknown) =>
      error instanceof InputError &&
      error.message === 'chart description: " " is empty; expected what the chart shows, in a sentence',
  );
  const empty = {
    tierSteps: () => tierSteps([]),
    portsOverTime: () => portsOverTime([]),
    failureHeatMap: () => failureHeatMap([]),
    failureCurves: () => failureCurves([]),
    portsByNode: () => portsByNode([]),
    allocationCurve: () => allocationCurve([], { target: 0.1 }),
  };
  for (const [name, draw] of Object.entries(empty))
    assert.throws(
      draw,
      (error: unknown) =>
        error instanceof InputError && error.message === `${name} rows: [] are empty; expected at least one row`,
    );
});

chart("compiles without a warning", async () => {
  const lite = (await import("vega-lite")) as unknown as { compile(spec: object, options: object): { spec: object } };
  for (const [name, spec] of Object.entries(examples)) {
    const warnings: string[] = [];
    const note = (...words: string[]) => (warnings.push(words.join(" ")), logger);
    const logger: object = { level: () => logger, warn: note, error: note, info: () => logger, debug: () => logger };
    lite.compile(vegaLite(spec), { logger });
    assert.equal(warnings, [], name);
  }
});

chart("is plain JSON, marked as Vega-Lite 5", () => {
  for (const spec of Object.values(examples)) {
    const full = vegaLite(spec) as { $schema: string };
    assert.is(full.$schema, "https://vega.github.io/schema/vega-lite/v5.json");
    assert.equal(JSON.parse(JSON.stringify(full)), full);
  }
});

chart("draws the same bytes again, and a PNG of twice the size", async () => {
  for (const [name, spec] of Object.entries(examples)) {
    const [first, second] = [await renderChart(spec), await renderChart(spec)];
    assert.is(first.svg, second.svg, name);
    assert.equal(first.png, second.png, name);
    assert.equal([...first.png.slice(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
    const width = new DataView(first.png.buffer).getUint32(16);
    assert.ok(Math.abs(width - 2 * Number(/ width="([\d.]+)"/.exec(first.svg)![1])) <= 2, name);
    assert.is(first.alt, spec.description);
  }
});

chart("several drawn at once do not mix", async () => {
  const specs = Object.values(examples);
  const alone: string[] = [];
  for (const spec of specs) alone.push(await chartSvg(spec));
  assert.equal(await Promise.all(specs.map(chartSvg)), alone);
});

chart("shows allotment, failures and every pod of a small cluster", async () => {
  const texts = svgPartOf(await chartSvg(examples["two nodes"]!));
  for (const text of [
    "1,024 allotted",
    "✕ 176 failed",
    "aks-nodepool1-1-0",
    "aks-nodepool1-1-1",
    "web-a",
    "web-b",
    "web-c",
    "web-d",
  ])
    assert.ok(texts.includes(text), text);
});

chart("marks the first step of the tiers", async () => {
  assert.ok(svgPartOf(await chartSvg(examples["tiers"]!)).includes("from 51 nodes: 512 ports"));
});

chart("marks where connections fail, once for each stretch", () => {
  const marks = examples["ports over time"]!.layer.flatMap(layer => layer.data?.values ?? []);
  assert.equal(marks, [
    { at: 0, limit: 1024 },
    { at: 20, limit: 1024 },
    { at: 15, until: 20, limit: 1024 },
    { at: 15, limit: 1024, label: "✕ connections fail from minute 15" },
  ]);
});

chart("shows where the limit changes, and says what fails above all ports in use", () => {
  const rows = use.map(row => (row.from < 600 ? row : { ...row, limit: 512 }));
  const marks = portsOverTime(rows).layer.flatMap(layer => layer.data?.values ?? []);
  assert.equal(marks, [
    { at: 0, limit: 1024 },
    { at: 10, limit: 512 },
    { at: 20, limit: 512 },
    { at: 15, until: 20, limit: 512 },
    { at: 15, limit: 1024, label: "✕ connections fail from minute 15" },
  ]);
});

chart("what the reader sets decides what is drawn", async () => {
  const texts = async (name: string, value?: number | string) => {
    const spec = examples[name]!;
    return svgPartOf(
      await chartSvg(value === undefined ? spec : { ...spec, params: [{ ...spec.params![0]!, value }] }),
    );
  };
  const has = async (name: string, value: number | undefined, wanted: string) =>
    assert.ok(
      (await texts(name, value)).includes(wanted),
      `${name} at ${value}: ${wanted} in ${await texts(name, value)}`,
    );
  await has("heat map", undefined, "1,024 ports per node");
  await has("heat map", 512, "512 ports per node");
  await has("heat map", 512, "57");
  await has("failure curves", undefined, "58");
  await has("failure curves", 0.1, "70");
  await has("allocation", undefined, "320 ports, 1 address: 1 % fail");
  await has("allocation", 640, "640 ports, 2 addresses: under 0.01 % fail");
});

chart("a point that never failed is counted, though a log scale cannot show it", () => {
  const points = examples["failure curves"]!.layer.at(-1)!.data!.values;
  assert.equal(
    points.map(point => point["failure"]),
    [0.011, 0.02],
  );
});

chart("escapes names", async () => {
  const hostile = `<script>alert("1")</script>&'`;
  const { svg } = await renderChart(
    snatPortsPerNode([{ ...row(0, hostile, 5), node: hostile }], { title: hostile, subtitle: hostile }),
  );
  assert.not.match(svg, /<script/);
  assert.match(svg, /&lt;script>|&lt;script&gt;/);
});

chart("a node's bar is the sum of its pods", () => {
  const anyRow = fc.record({
    node: fc.constantFrom("n-0", "n-1", "n-2"),
    pod: fc.string(),
    portsInUse: fc.nat(2000),
    allotted: fc.constant(1024),
    failed: fc.nat(50),
  });
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 30 }), rows => {
      const spec = snatPortsPerNode(rows);
      assert.is(spec.data.values.length, rows.length);
      const drawn = spec.data.values.reduce((sum, value) => sum + Number(value["portsInUse"]), 0);
      assert.is(
        drawn,
        rows.reduce((sum, value) => sum + value.portsInUse, 0),
      );
      assert.ok(spec.description.length > 10);
    }),
  );
});

chart.run();
