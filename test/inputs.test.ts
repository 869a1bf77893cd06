import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  burst,
  daily,
  erlangB,
  evenWorkload,
  expectPool,
  loadBalancerRules,
  mappingsLost,
  masqueradeRules,
  natGatewayRules,
  planOutbound,
  ramp,
  sharedPorts,
  simulationWork,
  smallCluster,
  snatPorts,
  subnetNeed,
} from "../lib/index.js";
import { markdownPage } from "../lib/course/markdown.js";
import { tableHtml, tableOf, tableText } from "../lib/course/dataTable.js";
import { message } from "./message.js";

/** Values come from JSON and from cells that nobody checked: a wrong kind is told in a line, whatever the types say. */
const inputs = suite("inputs");

const nothing: readonly unknown[] = [null, 5, "text", [], 1n];
const wrong = (value: unknown): never => value as never;
const rules = masqueradeRules();
const stream = {
  name: "api",
  rate: 1,
  to: { address: "203.0.113.7", port: 443, protocol: "tcp" },
  duration: { kind: "constant", seconds: 1 },
} as const;
const workload = evenWorkload({ nodes: 1, podsPerNode: 1, streams: [stream] });

inputs("what should have fields and has none is refused", () => {
  const takes: readonly ((value: never) => unknown)[] = [
    evenWorkload,
    burst,
    ramp,
    daily,
    snatPorts,
    subnetNeed,
    loadBalancerRules,
    natGatewayRules,
    masqueradeRules,
    smallCluster,
    planOutbound,
    value => simulationWork(value, rules),
    value => simulationWork(workload, value),
    value => simulationWork(workload, rules, value),
    value => simulationWork(evenWorkload({ nodes: 1, podsPerNode: 1, streams: [value] }), rules),
    value => expectPool([value], 1, rules, 0.1),
    value => expectPool([{ ...stream, to: value }], 1, rules, 0.1),
    value => expectPool([{ ...stream, duration: value }], 1, rules, 0.1),
    value => expectPool([stream], 1, value, 0.1),
    value => tableText(value),
    value => tableOf([value]),
  ];
  for (const take of takes)
    for (const value of nothing)
      assert.match(
        message(() => take(wrong(value))),
        /is not an object/,
        String(take),
      );
});

inputs("what should be a list and is none is refused", () => {
  for (const value of [null, 5, "text", {}, 1n])
    for (const take of [
      () => expectPool(wrong(value), 1, rules, 0.1),
      () => simulationWork({ nodes: wrong(value) }, rules),
      () => simulationWork({ nodes: [{ name: "a", pods: wrong(value) }] }, rules),
      () => simulationWork({ nodes: [{ name: "a", pods: [{ name: "b", streams: wrong(value) }] }] }, rules),
      () => sharedPorts(wrong(value), 10),
      () => tableOf(wrong(value)),
      () => tableHtml({ columns: wrong(value), rows: [] }),
      () => tableHtml({ columns: ["a"], rows: wrong(value) }),
      () => tableHtml({ columns: ["a"], rows: [wrong(value)] }),
    ])
      assert.match(message(take), /is not a list/);
  assert.match(
    message(() => snatPorts({ sku: "Basic", nodes: wrong({}), frontends: 1 })),
    /^nodes: \{\} is not a list/,
  );
});

inputs("a word that is not known is refused, where another has a meaning", () => {
  assert.match(
    message(() => snatPorts({ sku: wrong("basic"), nodes: 1, frontends: 1 })),
    /Basic or Standard/,
  );
  assert.match(
    message(() => snatPorts({ sku: "Basic", nodes: 1, frontends: 1, era: wrong("2019") })),
    /2018 or 2021/,
  );
  assert.match(
    message(() => mappingsLost(1, 4, 2, wrong(""))),
    /lowest or random/,
  );
  assert.match(
    message(() => sharedPorts([1], 4, wrong("first"))),
    /lowest or random/,
  );
  assert.match(
    message(() => loadBalancerRules({ nodes: 1, udpPortPer: wrong("pod") })),
    /flow or destination/,
  );
});

inputs("what is no number makes no profile of NaN", () => {
  assert.match(
    message(() => ramp(wrong({ seconds: 10, from: 1 }))),
    /^to: undefined/,
  );
  assert.match(
    message(() => daily(wrong({ low: 0.5 }))),
    /^peakHour: undefined is not a number/,
  );
  assert.match(
    message(() => burst(wrong({ at: 0, seconds: 1 }))),
    /^factor: undefined/,
  );
  assert.match(
    message(() => erlangB(wrong(1n), 10)),
    /1n/,
  );
});

inputs("a text cell that its reader could not end with is refused", () => {
  assert.match(
    message(() => markdownPage().html("1. ".repeat(16_000))),
    /^markdown: .* is nested too deeply/,
  );
  assert.match(
    message(() => markdownPage().html("!".repeat(100_000))),
    /has 100000 characters; expected at most 50000/,
  );
});

inputs.run();
