import { suite } from "uvu";
import * as assert from "uvu/assert";
import { canRunLinux } from "../linux/need.js";
import { readCorpus, type Recorded } from "./corpus.js";
import { differences, runKernel, runModel } from "./run.js";

const test = suite("corpus: whether the kernel still answers so");

/** All in CI; elsewhere enough to notice a mistake. */
const share = process.env["CI"] === "true" ? 1 : 10;
const atATime = 4;

/** What the kernel does today otherwise than was recorded, and than the model does with today's times and chance. */
const changes = async (of: Recorded): Promise<readonly string[]> => {
  const at = { network: of.network, endpoints: endpointsOf(of), conversations: [], actions: [] };
  const kernel = await runKernel(at, { replay: of.sent, paced: true });
  const direct = of.draws.length === 0 ? differences(of, kernel) : undefined;
  if (direct?.length === 0) return [];
  return differences(kernel, await runModel(at, kernel));
};

const endpointsOf = ({ network }: Recorded) =>
  network.hosts
    .filter(({ role }) => role !== "node")
    .map(({ id, interfaces }) => ({ host: id, address: interfaces[0]!.addresses[0]!.address }));

if (canRunLinux())
  test("every recorded answer is the kernel's", async () => {
    const all = [...readCorpus()].filter((_, index) => index % share === 0);
    const wrong: string[] = [];
    let next = 0;
    const worker = async () => {
      while (next < all.length) {
        const [file, recorded] = all[next++]!;
        const found = await changes(recorded);
        // Once more: a busy machine may be late.
        if (found.length > 0 && (await changes(recorded)).length > 0)
          wrong.push(`${file}: ${recorded.name}\n${found.slice(0, 10).join("\n")}`);
      }
    };
    await Promise.all(Array.from({ length: atATime }, worker));
    assert.equal(wrong, []);
  });
else test("nothing can be compared here", () => undefined);

test.run();
