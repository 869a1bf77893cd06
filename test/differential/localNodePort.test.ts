import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootLinux } from "../../lib/linux/boot.js";
import { bootModel } from "../../lib/net/model.js";
import { canRunLinux } from "../linux/need.js";
import { askLocalhost, atLocalhost, withoutLocalnet } from "../scenario/localNodePort.js";
import { plugins, shapeOf } from "../scenario/ways.js";
import { disagreement, outcomes } from "./outcomes.js";

const test = suite("a NodePort at 127.0.0.1 on both engines");

if (canRunLinux())
  for (const plugin of plugins)
    test(`${plugin}: kernel and model let the same happen, with route_localnet and without`, async () => {
      const built = shapeOf(plugin, 2);
      for (const network of [built.network, withoutLocalnet(built.network)]) {
        const linux = await bootLinux(network);
        const model = bootModel(network);
        try {
          const found = await outcomes(
            () => askLocalhost(linux, atLocalhost(built)),
            () => askLocalhost(model, atLocalhost(built)),
          );
          assert.is(disagreement(found), undefined);
        } finally {
          await linux.close();
        }
      }
    });
else test("cannot be compared here", () => undefined);

test.run();
