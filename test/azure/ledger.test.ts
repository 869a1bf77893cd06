import { suite } from "uvu";
import * as assert from "uvu/assert";
import { figures } from "../../lib/azure/figures.js";
import { contradiction, contradictions, reading } from "../../lib/azure/ledger.js";
import { newestEra } from "../../lib/azure/snat.js";

const figure = suite("figures");

figure("each has a value, a unit, a source and a date", () => {
  const visit = (node: object, path: string): number => {
    if ("value" in node) {
      const { unit, source, since } = node as unknown as { unit: string; source: string; since: string };
      assert.ok(unit.length > 0 && source.length > 0, path);
      assert.match(since, /^20\d\d-\d\d$/, path);
      return 1;
    }
    return Object.entries(node).reduce((count, [key, child]) => count + visit(child as object, `${path}.${key}`), 0);
  };
  assert.ok(visit(figures, "figures") > 30);
});

figure.run();

const ledger = suite("contradictions");

ledger("each default is one of at least two readings, each with a source", () => {
  for (const entry of contradictions) {
    assert.ok(entry.readings.length > 1, entry.name);
    assert.is(reading(entry.name, entry.default).name, entry.default);
    for (const { source, says } of entry.readings) assert.ok(source.length > 0 && says.length > 0, entry.name);
  }
  assert.is(contradiction("era").default, newestEra);
  assert.throws(() => reading("era", "1999"), /the ledger has no reading 1999 of era/);
});

ledger.run();
