import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canRunLinux } from "../linux/need.js";
import { campaign, describeMismatch, unexplained } from "./campaign.js";
import { knownMismatches } from "./knownMismatches.js";
import { regressions } from "./regressions/cases.js";
import { compareCase } from "./run.js";
import { randomSegments, tracked } from "./segments.js";
import { compareSockets } from "./sockets.js";

const test = suite("differential");

if (canRunLinux()) {
  for (const { name, case: of, sent } of regressions)
    test(name, async () => {
      const { differences, packets } = await compareCase(of, { replay: sent });
      assert.is(packets, sent.length);
      assert.equal(differences, []);
    });

  test("TCP segments at random are tracked as the kernel tracks them", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const sent = randomSegments(seed);
      const { differences, packets } = await compareCase(tracked, { replay: sent });
      assert.is(packets, sent.length);
      assert.equal(differences, [], `seed ${seed}`);
    }
  });

  const socketNetworks = process.env["CI"] === "true" ? 100 : 20;
  test(`programs are told the same on both engines in ${socketNetworks} random networks`, async () => {
    const { asks, answers, mismatches } = await compareSockets(20191, socketNetworks, 4);
    assert.equal([...mismatches], []);
    const told = (word: string) => (answers.get(word) ?? 0) / asks;
    assert.ok(asks > 4 * socketNetworks, `${asks} asked`);
    assert.ok(told("connected") > 0.1 && told("timeout") < 0.6, [...answers].join(" "));
  });

  for (const { what, show } of knownMismatches)
    test(`known mismatch: ${what}`, async () => {
      const { model, linux } = await show();
      assert.is.not(model, linux, `both now do the same (${model}): take it off the list`);
    });

  // In CI as many as two minutes allow; elsewhere enough to notice a mistake.
  const runs = process.env["CI"] === "true" ? 150 : 30;
  test(`model and kernel agree on ${runs} random networks`, async () => {
    const result = await campaign({
      seed: 20181,
      runs: runs + Math.ceil(runs / 50),
      actions: 180,
      parallel: 4,
      shrinkSeconds: 0, // npm run differential makes it smaller
    });
    const found = unexplained(result);
    console.log(
      `${result.networks} networks, ${result.packets} packets, ${found.length} mismatches, ${result.unrepeated.length} seen once and not again`,
    );
    assert.equal(found.map(describeMismatch), []);
    assert.ok(result.networks >= runs, `${result.undetermined} networks were left out`);
    if (runs >= 150)
      assert.equal(
        Object.entries(result.kinds).filter(([, times]) => times === 0),
        [],
        "kinds that no network has shown",
      );
    assert.ok(result.packets >= 100 * runs, `only ${result.packets} packets in ${runs} networks`);
  });
} else test("nothing can be compared here", () => undefined);

test.run();
