import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootModel } from "../../lib/net/model.js";
import { lans, onePort, portReuse, portsTaken, reusePorts, takePorts } from "./stack.js";

const test = suite("a port in TIME_WAIT");

const tries = async (seed: number): Promise<readonly string[]> => {
  const lab = bootModel(onePort(seed));
  const outcomes: string[] = [];
  for (const port of reusePorts) outcomes.push(await portReuse(lab, port));
  return outcomes;
};

test("is taken by about every second connection, as chance has it in Linux", async () => {
  const outcomes = await tries(1);
  assert.equal([...new Set(outcomes)].sort(), ["connected to b, then connected to b", "connected to b, then timeout"]);
  const taken = outcomes.filter(outcome => outcome.endsWith("connected to b")).length;
  assert.ok(taken > 140 && taken < 260, `${taken} of 400`); // six standard deviations
});

test("is taken by the same connections with the same seed, by others with another", async () => {
  assert.equal(await tries(1), await tries(1));
  assert.not.equal(await tries(1), await tries(2));
});

test("is free once TIME_WAIT is over", async () => {
  const lab = bootModel(onePort(1));
  const lost: number[] = [];
  for (const port of reusePorts) if ((await portReuse(lab, port)).endsWith("timeout")) lost.push(port);
  await lab.wait(121);
  for (const port of lost)
    assert.is(await portReuse(lab, port).then(outcome => outcome.split(",")[0]), "connected to b");
});

test("begins with a sequence number that grows with time for one pair, and is chance for another", async () => {
  const lab = bootModel(onePort(1));
  const capture = await lab.capture("b", "eth0");
  const ask = (from: string) => lab.connect(from, "10.1.1.2", 80, { sourcePort: 40000, close: "rst" });
  await ask("a");
  await lab.wait(1);
  await ask("a");
  await ask("c");
  const numbers = (await capture.stop()).flatMap(({ direction, packet }) =>
    direction === "in" && packet.proto === "tcp" && packet.flags.includes("SYN") ? [packet.seq] : [],
  );
  assert.is(numbers.length, 3);
  const nanoseconds = 64 * ((numbers[1]! - numbers[0]!) >>> 0);
  assert.ok(nanoseconds > 1e9 && nanoseconds < 1.01e9, "one more each 64 nanoseconds");
  assert.ok(Math.abs(numbers[2]! - numbers[1]!) > 1e6);
});

test("that the host itself has given away is not to be had", async () => {
  assert.equal(await takePorts(bootModel(lans())), portsTaken);
});

test.run();
