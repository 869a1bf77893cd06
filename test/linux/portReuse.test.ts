import { suite } from "uvu";
import * as assert from "uvu/assert";
import { bootLinux } from "../../lib/linux/boot.js";
import { bootModel } from "../../lib/net/model.js";
import { disagreement, outcomes } from "../differential/outcomes.js";
import { lans, onePort, portReuse, portsTaken, reusePorts, takePorts } from "../net/stack.js";
import { canRunLinux } from "./need.js";

const test = suite("a port in TIME_WAIT on Linux");

if (canRunLinux()) {
  test("is taken or not by chance, on both engines", async () => {
    const model = bootModel(onePort(1));
    const linux = await bootLinux(onePort(1));
    const ports = { model: [...reusePorts], linux: [...reusePorts] };
    try {
      const both = await outcomes(
        () => portReuse(linux, ports.linux.pop()!),
        () => portReuse(model, ports.model.pop()!),
      );
      assert.is(disagreement(both), undefined);
      assert.equal([...both.linux].sort(), ["connected to b, then connected to b", "connected to b, then timeout"]);
    } finally {
      await linux.close();
    }
  });

  test("that the host itself has given away is not to be had", async () => {
    const linux = await bootLinux(lans());
    try {
      assert.equal(await takePorts(linux), portsTaken);
    } finally {
      await linux.close();
    }
  });
} else test("cannot be compared here", () => undefined);

test.run();
