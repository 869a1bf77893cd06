import { suite } from "uvu";
import * as assert from "uvu/assert";
import { figures } from "../lib/figures.js";

const test = suite("figures");

test("each has a value, a unit, a source and a date", () => {
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

test.run();
