import { build } from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runInNewContext } from "node:vm";
import { fileURLToPath } from "node:url";

const browser = suite("snat in a browser");

browser("simulates, computes and plans without anything of Node", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export { simulate } from "./simulate.js";
        export { evenWorkload } from "./workload.js";
        export { loadBalancerRules } from "./portRules.js";
        export { planOutbound } from "./planOutbound.js";
        export { simulatePool } from "./portPool.js";
      `,
      resolveDir: fileURLToPath(new URL("../../lib/snat/", import.meta.url)),
    },
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "snat",
    write: false,
    logLevel: "silent",
  });
  const attempts: unknown = await runInNewContext(`${outputFiles[0]!.text};
    const streams = [{ name: "api", rate: 1, to: { address: "203.0.113.7", port: 443, protocol: "tcp" }, duration: { kind: "constant", seconds: 1 } }];
    if (snat.planOutbound({ nodes: 1, maxNodes: 2, podsPerNode: 1, streams, target: 0.01 }).length !== 5) throw new Error("plan");
    snat.simulate(snat.evenWorkload({ nodes: 1, podsPerNode: 1, streams }), snat.loadBalancerRules({ nodes: 1 }), { seconds: 100 }).then(result => result.attempts);
  `);
  assert.ok(typeof attempts === "number" && attempts > 50);
});

browser.run();
