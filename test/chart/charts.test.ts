import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { portsCurve, tierSteps } from "../../lib/chart/curves.js";
import { renderChart } from "../../lib/chart/renderChart.js";
import { type SnatPortsRow, snatPortsPerNode } from "../../lib/chart/snatPorts.js";
import { type ChartSpec, vegaLite } from "../../lib/chart/spec.js";
import { chartSvg } from "../../lib/chart/svg.js";
import { InputError } from "../../lib/errors.js";

const row = (node: number, pod: string, portsInUse: number, failed = 0): SnatPortsRow => ({ node: `aks-nodepool1-1-${node}`, pod, portsInUse, allotted: 1024, failed });
const twoNodes = [row(0, "web-a", 300), row(0, "web-b", 300), row(1, "web-c", 600), row(1, "web-d", 424, 176)];
const manyNodes = (nodes: number) => Array.from({ length: nodes * 3 }, (_, i) => row(Math.floor(i / 3), `web-${i}`, 100 + i));
const curve = [10, 50, 110].map(x => ({ x, portsInUse: Math.min(1024, x * 10), allotted: 1024, failed: Math.max(0, x * 10 - 1024) }));
const skus = [{ x: "Basic", portsInUse: 1024, allotted: 1024, failed: 76 }, { x: "Standard", portsInUse: 1100, allotted: 8000, failed: 0 }];
const tiers = Array.from({ length: 60 }, (_, i) => ({ nodes: i + 1, portsPerNode: i < 50 ? 1024 : 512 }));

const examples: Readonly<Record<string, ChartSpec>> = {
  "one node": snatPortsPerNode([row(0, "web-a", 5)]),
  "two nodes": snatPortsPerNode(twoNodes),
  "a hundred nodes": snatPortsPerNode(manyNodes(100)),
  "a node without pods": snatPortsPerNode([{ node: "n-0", portsInUse: 0, allotted: 64, failed: 0 }]),
  curve: portsCurve(curve, { x: "pods per node" }),
  "curve of two series": portsCurve([...curve, ...curve].map((one, i) => ({ ...one, series: i < 3 ? "Basic" : "Standard" })), { x: "pods per node" }),
  SKUs: portsCurve(skus, { x: "SKU" }),
  tiers: tierSteps(tiers),
};

const svgPartOf = (text: string) => [...text.matchAll(/<text[^>]*>([^<]*)</g)].map(match => match[1]);

const chart = suite("chart");

chart("states its finding", () => {
  assert.is(
    examples["two nodes"]!.description,
    "aks-nodepool1-1-0 has 600 of its 1,024 SNAT ports in use and no connection fails; aks-nodepool1-1-1 has 1,024 of its 1,024 SNAT ports in use and 176 connections fail.",
  );
  assert.is(examples["a hundred nodes"]!.description, "100 nodes use 303 to 1,194 of their 1,024 SNAT ports each; 19 of them have all in use, and no connection fails.");
  assert.is(examples["curve"]!.description, "From 10 to 110 pods per node, the SNAT ports in use on the fullest node go from 100 of 1,024 to 1,024 of 1,024; connections fail from 110 on.");
  assert.is(examples["tiers"]!.description, "A node's SNAT ports fall in steps as the pool grows: from 1,024 to 512 at 51 nodes.");
});

chart("asks for words", () => {
  assert.throws(
    () => vegaLite({ ...examples["curve"]!, description: " " }),
    (error: unknown) => error instanceof InputError && error.message === 'chart description: " " is empty; expected what the chart shows, in a sentence',
  );
  assert.throws(() => tierSteps([]), (error: unknown) => error instanceof InputError && error.message === "tierSteps rows: [] are empty; expected at least one row");
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
  for (const text of ["1,024 allotted", "✕ 176 failed", "aks-nodepool1-1-0", "aks-nodepool1-1-1", "web-a", "web-b", "web-c", "web-d"]) assert.ok(texts.includes(text), text);
});

chart("marks the first step of the tiers", async () => {
  assert.ok(svgPartOf(await chartSvg(examples["tiers"]!)).includes("from 51 nodes: 512 ports"));
});

chart("escapes names", async () => {
  const hostile = `<script>alert("1")</script>&'`;
  const { svg } = await renderChart(snatPortsPerNode([{ ...row(0, hostile, 5), node: hostile }], { title: hostile, subtitle: hostile }));
  assert.not.match(svg, /<script/);
  assert.match(svg, /&lt;script>|&lt;script&gt;/);
});

chart("a node's bar is the sum of its pods", () => {
  const anyRow = fc.record({ node: fc.constantFrom("n-0", "n-1", "n-2"), pod: fc.string(), portsInUse: fc.nat(2000), allotted: fc.constant(1024), failed: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 30 }), rows => {
      const spec = snatPortsPerNode(rows);
      assert.is(spec.data.values.length, rows.length);
      const drawn = spec.data.values.reduce((sum, value) => sum + Number(value["portsInUse"]), 0);
      assert.is(drawn, rows.reduce((sum, value) => sum + value.portsInUse, 0));
      assert.ok(spec.description.length > 10);
    }),
  );
});

chart.run();
