import { suite } from "uvu";
import * as assert from "uvu/assert";
import { contradiction, contradictions, reading } from "../../lib/azure/ledger.js";
import { newestEra } from "../../lib/azure/era.js";

const ledger = suite("contradictions");

ledger("each default is one of at least two readings, each with a source", () => {
  for (const entry of contradictions) {
    assert.ok(entry.readings.length > 1, entry.name);
    assert.is(reading(entry.name, entry.default).name, entry.default);
    assert.is(new Set(entry.readings.map(({ name }) => name)).size, entry.readings.length, entry.name);
    for (const { source, says } of entry.readings) assert.ok(source.length > 0 && says.length > 0, entry.name);
  }
  assert.is(new Set(contradictions.map(({ name }) => name)).size, contradictions.length);
  assert.is(contradiction("era").default, newestEra);
  assert.throws(() => reading("era", "1999"), /the ledger has no reading 1999 of era/);
});

ledger.run();
