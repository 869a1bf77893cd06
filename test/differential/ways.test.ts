import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootLinux } from "../../lib/linux/boot.js";
import { bootModel } from "../../lib/net/model.js";
import { canRunLinux } from "../linux/need.js";
import { disagreement, outcomes } from "./outcomes.js";
import { describeWay, go, nodeCounts, plugins, shapeOf, type Way, waysOf } from "../scenario/ways.js";

const test = suite("every way on both engines");

/** Ways tried at a time; where nothing answers, trying is waiting. */
const atOnce = { answered: 8, silent: 120 };

if (canRunLinux())
  for (const plugin of plugins)
    for (const nodeCount of nodeCounts)
      test(`${plugin} with ${nodeCount} nodes: kernel and model let the same happen between every two`, async () => {
        const built = shapeOf(plugin, nodeCount);
        const model = bootModel(built.network);
        const linux = await bootLinux(built.network);
        const wrong: string[] = [];
        const tryAll = async (ways: readonly Way[], workers: number) => {
          let next = 0;
          const worker = async () => {
            for (let way = ways[next++]; way !== undefined; way = ways[next++]) {
              const one = way;
              const found = disagreement(
                await outcomes(
                  () => go(linux, one),
                  () => go(model, one),
                  one.to.proto === "icmp" ? 2 : 16,
                ),
              );
              if (found !== undefined) wrong.push(`${describeWay(one)}: ${found}`);
            }
          };
          await Promise.all(Array.from({ length: workers }, worker));
        };
        try {
          const ways = await Promise.all(waysOf(built).map(async way => ({ way, first: await go(model, way) })));
          const silent = (first: string) => first === "timeout" || first === "no reply";
          await tryAll(
            ways.filter(({ first }) => !silent(first)).map(({ way }) => way),
            atOnce.answered,
          );
          await tryAll(
            ways.filter(({ first }) => silent(first)).map(({ way }) => way),
            atOnce.silent,
          );
        } finally {
          await linux.close();
        }
        assert.equal(wrong, []);
      });
else test("nothing can be compared here", () => undefined);

test.run();
