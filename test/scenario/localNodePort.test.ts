import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import { askLocalhost, atLocalhost, withoutLocalnet } from "./localNodePort.js";
import { plugins, shapeOf } from "./ways.js";

const test = suite("a NodePort at 127.0.0.1");

for (const plugin of plugins)
  test(`${plugin}: answers on the node itself, as kube-proxy sets route_localnet, and would not without`, async () => {
    const built = shapeOf(plugin, 2);
    const place = atLocalhost(built);
    const tries = async (lab: ReturnType<typeof bootModel>) => {
      const seen = new Set<string>();
      for (let i = 0; i < 32; i++) seen.add(await askLocalhost(lab, place));
      return [...seen];
    };
    const answers = await tries(bootModel(built.network));
    assert.is(answers.length, 2, "two pods");
    for (const answer of answers) assert.match(answer, /web-\S+ sees /);
    assert.not.match(answers.join(" "), /sees 127\./);
    assert.equal(await tries(bootModel(withoutLocalnet(built.network))), ["timeout"]);
  });

test.run();
